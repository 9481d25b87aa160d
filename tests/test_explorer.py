"""The sliders under a figure: they compute what the model computes, at once; without them the figure stays."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from browsing import Strict, opened, rgb, serving
from bs4 import BeautifulSoup

from roxham import figures
from roxham.explorer import Slider, explorer
from roxham.figures import FigureError
from roxham.models.estimate import Refused
from roxham.models.scenario import Assumptions, Setting, scenario

ID = "what-if-doors"
SHARES = ("road", "airports", "inland", "ports", "unseen")


@pytest.fixture(scope="module")
def outputs(built):
    """The figure and the sliders as the chapter's notebook gives them to the page."""
    notebook = json.loads((built.html / "_sources/chapters/14-what-if.ipynb").read_text())
    texts = [
        "".join(output["data"]["text/html"])
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    return next(t for t in texts if f'id="fig-{ID}"' in t), next(t for t in texts if "rx-explorer" in t)


@pytest.fixture(scope="module")
def data(outputs):
    return json.loads(BeautifulSoup(outputs[1], "lxml").select_one(".rx-model").text)


@pytest.fixture(scope="module")
def site(tmp_path_factory, outputs):
    folder = tmp_path_factory.mktemp("explorer")
    figures.write_assets(folder / "_static")
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What if</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="_static/roxham-figures.css">'
        '<script src="_static/roxham-figures.js" defer></script>'
        '<script src="_static/roxham-explorer.js" defer></script></head>'
        '<body style="margin:16px"><main style="max-width:688px;margin:auto">'
        f"{''.join(outputs)}</main></body></html>",
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def show(site, browser):
    tabs = []

    def open_page(url=None, **options):
        tabs.append(opened(browser, url or (site / "index.html").as_uri(), **options))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        tab.context.close()


def move(tab, **values):
    """Set sliders as a pointer does, and let the page answer."""
    tab.evaluate(
        """(values) => { for (const [name, value] of Object.entries(values)) {
             const slider = document.querySelector(`input[name=${name}]`);
             slider.value = value;
             slider.dispatchEvent(new Event("input", { bubbles: true })); } }""",
        values,
    )


def grid(months):
    """Corners and middles of every slider: each in turn, and many together."""
    usual = {
        **dict(zip(SHARES, (0.015, 0.1, 0.1, 0.05, 0.1), strict=True)),
        **{
            "protocol": 63,
            "wait": 0.25,
            "gap": months,
            "shock": 1,
            "shock_from": 76,
            "transfer": 0.25,
            "cost": 14_321,
        },
    }
    ends = {
        **{"protocol": [0, 1, 40, 75, months - 1, months], "road": [0, 0.2], "airports": [0, 0.33, 0.735]},
        **{"inland": [0, 0.5], "ports": [0, 0.07], "unseen": [0, 0.29], "wait": [0, 0.5, 1]},
        **{"gap": [0, 1, 12, months], "shock": [0.25, 1.05, 3], "shock_from": [0, 50, months - 1]},
        **{"transfer": [0, 0.37, 1], "cost": [9_915, 20_000, 33_738]},
    }
    yield from ({**usual, name: value} for name, values in ends.items() for value in values)
    together = ("protocol", "gap", "shock", "wait", "unseen", "transfer")
    for values in product([0, 63, months], [0, 7, months], [0.5, 2], [0, 0.6], [0, 0.2], [0, 0.5]):
        yield {**usual, **dict(zip(together, values, strict=True))}
    yield {**usual, "airports": 0.8, "inland": 0.4}  # more than everybody
    yield {**usual, "airports": 1.0}


def test_the_browser_computes_what_the_model_computes(show, data):
    index = np.array(data["months"])
    months = pd.date_range("2017-01-01", periods=len(index), freq="MS")
    setting = Setting(months, np.array(data["places"]), data["onward"], tuple(data["costs"]))
    cases = list(grid(len(months)))
    tab = show()
    found = tab.evaluate(
        """([cases]) => { const data = JSON.parse(document.querySelector(".rx-model").textContent);
             return cases.map((v) => [roxhamExplorer.over(v), ...["expected", "low", "high"].map(
               (name) => roxhamExplorer.model(data[name], data, v))]); }""",
        [cases],
    )
    assert len(cases) > 150
    for v, (over, *outcomes) in zip(cases, found, strict=True):
        named = {k: v[k] for k in (*SHARES, "wait", "shock", "transfer", "cost")}
        assumed = Assumptions(
            **named,
            protocol=None if v["protocol"] == len(months) else f"{months[v['protocol']]:%Y-%m}",
            gap=v["gap"],
            shock_from=f"{months[v['shock_from']]:%Y-%m}",
        )
        if over:
            with pytest.raises(Refused, match=f"sum to {over:.4g}"):
                scenario(assumed, data["expected"], setting)
            continue
        for name, outcome in zip(("expected", "low", "high"), outcomes, strict=True):
            mine = scenario(assumed, data[name], setting)
            for part in ("doors", "people", "claims", "claimants", "cost"):
                assert np.allclose(outcome[part], getattr(mine, part), rtol=1e-10, atol=1e-6), (v, name, part)


def test_the_first_view_is_the_figure_and_moving_back_returns_it(show):
    tab = show()
    title = tab.locator(".rx-title").inner_text()
    assert tab.locator(".rx-wide svg").is_visible() and not tab.locator(".rx-drawing").is_visible()
    assert tab.locator(".rx-answer").inner_text().startswith("With the protocol in force from April 2022")
    move(tab, airports=40)
    assert tab.locator(".rx-drawing svg").is_visible() and not tab.locator(".rx-wide").is_visible()
    move(tab, protocol=96)
    assert "never in force" in tab.locator(".rx-title").inner_text()
    assert "never in force" in tab.locator(".rx-drawing").get_attribute("aria-label")
    tab.get_by_role("button", name="Back to the first view").click()
    assert tab.locator(".rx-wide svg").is_visible() and not tab.locator(".rx-drawing").is_visible()
    assert tab.locator(".rx-title").inner_text() == title
    assert tab.faults == [] and all(url.startswith(("file:", "data:")) for url in tab.asked)


def test_the_first_views_number_is_the_figures(show):
    tab = show()
    assert (
        tab.locator(".rx-answer").inner_text().split(": ")[1].split()[0]
        == tab.locator(".rx-title").inner_text().split()[0]
    )
    row = tab.locator(".rx-explorer tbody tr").first.inner_text().split("\t")
    assert row[1] == tab.locator(".rx-title").inner_text().split()[0]


def test_without_javascript_the_figure_stays_and_no_slider_shows(show):
    tab = show(java_script_enabled=False)
    assert tab.locator(".rx-wide svg").is_visible()
    assert not tab.locator(".rx-explorer").is_visible()


def test_every_slider_has_a_label_says_its_value_and_moves_by_key(show):
    tab = show()
    sliders = tab.get_by_role("slider")
    assert sliders.count() == 12
    for slider in sliders.all():
        assert tab.locator(f'label[for="{slider.get_attribute("id")}"]').inner_text().strip()
        assert slider.get_attribute("aria-valuetext")
    slider = tab.get_by_label("Claim at an airport instead")
    slider.focus()
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "11%"
    assert tab.locator(".rx-drawing svg").is_visible()
    assert tab.locator(".rx-answer").get_attribute("aria-live") == "polite"


def test_more_than_everybody_is_refused_in_words_and_the_drawing_stays(show):
    tab = show()
    move(tab, airports=60)
    before = tab.locator(".rx-drawing").inner_html()
    move(tab, inland=50)
    assert "sum to 126.5%" in tab.locator(".rx-answer").inner_text()
    assert tab.locator(".rx-drawing").inner_html() == before
    move(tab, inland=10)
    assert "sum to" not in tab.locator(".rx-answer").inner_text()


def test_a_move_takes_less_than_fifty_milliseconds(show):
    tab = show()
    took = tab.evaluate(
        """() => { const slider = document.querySelector("input[name=protocol]"); const took = [];
             for (let i = 0; i <= 96; i++) { slider.value = i; const start = performance.now();
               slider.dispatchEvent(new Event("input", { bubbles: true })); document.body.offsetHeight;
               took.push(performance.now() - start); } return took; }"""
    )
    assert np.quantile(took, 0.9) < 50  # a busy machine may hold one move back


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
)
def test_the_drawing_fits_the_page_in_its_colours(show, width, scheme):
    tab = show(width=width, scheme=scheme)
    move(tab, airports=30, unseen=0)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    size = tab.locator(".rx-drawing svg").bounding_box()["width"]
    scale = size / float(tab.locator(".rx-drawing svg").get_attribute("width"))
    assert scale >= 0.99, "text of 12 px shrinks"
    painted = tab.evaluate(
        """() => { const svg = document.querySelector(".rx-drawing svg");
             const box = svg.getBoundingClientRect();
             return { fills: [...svg.querySelectorAll("path[fill]")].map((e) => getComputedStyle(e).fill),
               out: [...svg.querySelectorAll("text")].filter((e) => { const b = e.getBoundingClientRect();
                 return b.left < box.left - 1 || b.right > box.right + 1; }).map((e) => e.textContent) }; }"""
    )
    assert rgb("airports", scheme == "dark") in painted["fills"]
    assert painted["out"] == []


def test_it_needs_no_eval_and_no_inline_script(site, show):
    with serving(site, Strict) as address:
        tab = show(url=f"{address}/index.html")
        move(tab, ports=20)
        assert tab.locator(".rx-drawing svg").is_visible()
    assert tab.faults == []


def test_a_slider_that_cannot_be_is_refused():
    slider = Slider("wait", "Wait", "percent", 0, 100, 1, 120)
    for bad in (slider, replace(slider, value=1, kind="colour")):
        with pytest.raises(FigureError, match="wait is"):
            explorer("a-figure", sliders=[bad], data={}, words={})
    with pytest.raises(FigureError, match="no words for heading"):
        explorer("a-figure", sliders=[replace(slider, value=1)], data={}, words={})
