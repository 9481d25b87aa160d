"""A figure is read by everyone: wide, narrow, dark, without JavaScript, offline; and cites what it draws."""

import functools
import hashlib
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html import unescape

import altair as alt
import nbformat
import pandas as pd
import pytest
from browsing import Strict, opened, rgb, serving
from nbclient import NotebookClient
from project import CHECKOUT

from roxham import charts, facts, figures, tables
from roxham.charts import COLOURS
from roxham.figures import FigureError, figure

SIZES = {"wide": 1280, "narrow": 360}
HOSTILE = '<script>document.title="owned"</script> **bold** "quoted" & [x](javascript:1) </figure>'


def quebec():
    return tables.load("interceptions").query("province == 'Quebec'")


def two_lines():
    data = tables.load("interceptions")
    place = data.province.where(data.province == "Quebec", "Rest of Canada")
    data = data.assign(place=place).groupby(["month", "place"], as_index=False)
    return data.agg(people=("people", "sum"), source_id=("source_id", "first"))


def lines():
    ids = ["olympic-stadium", "pandemic-closure", "reopening", "op-ed", "protocol", "title-42-end"]
    return charts.series(two_lines(), "month", "people", series="place", events=ids)


def a_year():
    data = tables.load("interceptions").query("month.dt.year == 2022")
    return data.groupby("province", as_index=False).agg(
        people=("people", "sum"), source_id=("source_id", "first")
    )


def plain(data):
    return alt.Chart(data).mark_bar().encode(alt.X("people:Q", title=None), alt.Y("province:N", title=None))


def panels():
    data = tables.load("claimants").query(
        "province in ['Quebec', 'Ontario', 'Alberta', 'Manitoba', 'British Columbia']"
    )
    return data.groupby(["month", "province"], as_index=False).agg(
        claimants=("claimants", "sum"), source_id=("source_id", "first")
    )


def lost():
    return alt.selection_point(name="hover_1")


def yearly():
    data = two_lines().assign(year=lambda d: d.month.dt.year)
    return data.groupby(["year", "place"], as_index=False).agg(
        people=("people", "sum"), source_id=("source_id", "first")
    )


CHARTS = {  # every shape of chart: name → (chart, data)
    "layered": lambda: (lines(), two_lines()),
    "single": lambda: (plain(a_year()), a_year()),
    "bars": lambda: (charts.bars(a_year(), "people", "province"), a_year()),
    "columns": lambda: (charts.columns(yearly(), "year", "people", series="place"), yearly()),
    "wrapped-facet": lambda: (charts.small_multiples(panels(), "month", "claimants", "province"), panels()),
    "row-facet": lambda: (
        alt.Chart(panels()).mark_line().encode(
            alt.X("month:T", title=None), alt.Y("claimants:Q", title=None), alt.Row("province:N")
        ).properties(height=60),
        panels(),
    ),
    "concatenated": lambda: (plain(a_year()) | plain(a_year()), a_year()),
    "stacked": lambda: (plain(a_year()) & plain(a_year()), a_year()),
    "function": lambda: (
        lambda width: charts.series(quebec(), "month", "people", events=["protocol"], height=width // 3 + 80),
        quebec(),
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setenv("ROXHAM_FIGURES", "site")
    figures.reset()
    yield
    figures.reset()


def make(**changes):
    data = changes.pop("data", None)
    data = quebec() if data is None else data
    given = {
        "id": "interceptions-monthly",
        "title": "Interceptions stopped in a month",
        "caption": "Exact counts.",
        "alt": "Line chart of monthly interceptions in Quebec, falling to nothing in April 2023.",
        "data": data,
    }
    chart = changes.pop("chart", None)
    return figure(charts.series(data, "month", "people") if chart is None else chart, **(given | changes))


@functools.cache  # a figure does not change, and many tests look at the same ones
def draw(name, id=None):
    chart, data = CHARTS[name]()
    return make(chart=chart, data=data, id=id or name)


def page(*figs, theme=None):
    attribute = f' data-theme="{theme}"' if theme else ""
    return (
        f'<!doctype html><html lang="en"{attribute}><head><meta charset="utf-8"><title>Figures</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="_static/roxham-figures.css"></head>'
        '<body style="margin:16px"><main style="max-width:688px;margin:auto">'
        f"{''.join(f.html for f in figs)}</main>"
        '<script src="_static/roxham-figures.js" defer></script></body></html>'
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder of pages, with the assets that they link."""
    folder = tmp_path_factory.mktemp("site")
    figures.write_assets(folder / "_static")
    return folder


@pytest.fixture
def show(site, browser):
    """Open figures as a page; the returned page keeps `.faults` and `.asked` (console errors, requests)."""
    tabs = []

    def open_page(*figs, theme=None, name="index", **options):
        (site / f"{name}.html").write_text(page(*figs, theme=theme), encoding="utf-8")
        # of a live chart Vega warns where bars have a height of their own
        url = (site / f"{name}.html").as_uri()
        tabs.append(opened(browser, url, levels=("error",), **options))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        tab.context.close()


# --- reading ------------------------------------------------------------------------------------------------

TEXTS = """() => [...document.querySelectorAll('.rx-chart svg')].filter(s => s.getClientRects().length).flatMap(svg =>
  [...svg.querySelectorAll('text')].filter(t => t.textContent.trim()).map(t => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width, b = t.getBoundingClientRect();
    return {text: t.textContent, px: parseFloat(getComputedStyle(t).fontSize) * scale,
            x0: b.left, x1: b.right, y0: b.top, y1: b.bottom}; }))"""


@pytest.mark.parametrize("variant", SIZES)
@pytest.mark.parametrize("name", CHARTS)
def test_each_width_has_its_drawing_with_text_that_can_be_read(show, name, variant):
    tab = show(draw(name), width=SIZES[variant])
    other = {"wide": "narrow", "narrow": "wide"}[variant]
    assert tab.locator(f".rx-{variant}").is_visible() and not tab.locator(f".rx-{other}").is_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= SIZES[variant]
    texts = tab.evaluate(TEXTS)
    assert texts and min(t["px"] for t in texts) >= 12
    box = tab.locator(f".rx-{variant} svg").bounding_box()
    assert all(box["x"] - 1 <= t["x0"] and t["x1"] <= box["x"] + box["width"] + 1 for t in texts), texts
    touching = [
        (a["text"], b["text"])
        for i, a in enumerate(texts)
        for b in texts[i + 1 :]
        if a["x0"] + 1 < b["x1"] and b["x0"] + 1 < a["x1"] and a["y0"] + 3 < b["y1"] and b["y0"] + 3 < a["y1"]
    ]
    assert not touching


def test_a_very_narrow_page_scrolls_the_drawing_and_keeps_its_text(show):
    tab = show(draw("layered"), width=300)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 300
    assert min(t["px"] for t in tab.evaluate(TEXTS)) >= 12


@pytest.mark.parametrize("variant", SIZES)
def test_only_one_drawing_speaks(show, variant):
    fig = make()
    tab = show(fig, width=SIZES[variant])
    nodes = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    images = [
        n["name"]["value"] for n in nodes if n["role"]["value"] in {"image", "img"} and not n["ignored"]
    ]
    assert images == [fig.meta["alt"]]


def test_it_can_be_read_without_javascript(show):
    tab = show(make(), java_script_enabled=False)
    assert tab.locator(".rx-wide").is_visible()
    assert tab.locator("button").count() == 0
    tab.locator(".rx-data summary").click()
    assert tab.get_by_role("rowheader", name="April 2023").is_visible()


def test_it_can_be_read_without_the_style_sheet():
    assert 'class="rx-narrow" role="img"' in make().html
    assert re.search(r'class="rx-narrow"[^>]* style="display:none"', figures.registry() and make(id="b").html)


def colours_of(tab):
    where = {'.rx-wide [stroke="#17479e"]': "stroke", ".rx-title": "color", ".rx-note": "color"}
    return [tab.locator(s).first.evaluate(f"e => getComputedStyle(e).{p}") for s, p in where.items()]


@pytest.mark.parametrize(
    ("theme", "scheme", "javascript", "dark"),
    [
        ("light", "light", True, 0),
        ("dark", "light", True, 1),
        ("light", "dark", True, 0),
        (None, "dark", False, 1),
        (None, "light", False, 0),
    ],
)
def test_its_colours_follow_the_page(show, theme, scheme, javascript, dark):
    tab = show(make(note="Provisional."), theme=theme, scheme=scheme, java_script_enabled=javascript)
    assert colours_of(tab) == [rgb("quebec", dark), rgb("ink", dark), rgb("muted", dark)]


def test_print_is_light_wide_and_without_buttons(show):
    tab = show(make(note="Provisional."), theme="dark", width=700)
    tab.emulate_media(media="print")
    assert colours_of(tab)[0] == rgb("quebec", 0)
    assert tab.locator(".rx-wide").is_visible() and not tab.locator(".rx-narrow").is_visible()
    assert not tab.locator("button").is_visible()


def test_every_colour_drawn_has_a_dark_counterpart():
    known = {light for light, _ in COLOURS.values()} | {"none", "transparent"}
    for name in CHARTS:
        for svg in draw(name).svg.values():
            assert {p.lower() for p in re.findall(r'(?:fill|stroke)="([^"]+)"', svg)} <= known


# --- the live view ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", SIZES)
@pytest.mark.parametrize("name", ["layered", "wrapped-facet", "function"])
def test_the_live_view_opens_offline_from_a_file(show, name, variant):
    tab = show(draw(name), theme="dark", width=SIZES[variant])
    assert not any("vega" in url for url in tab.asked), "the bundle is loaded only when it is asked for"
    tab.get_by_role("button", name="Live view").click()
    tab.locator(".rx-live svg").wait_for()
    assert tab.locator(".rx-live").is_visible() and not tab.locator(f".rx-{variant}").is_visible()
    assert all(url.startswith(("file:", "data:")) for url in tab.asked)
    assert tab.faults == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= SIZES[variant]
    assert rgb("quebec", 1) in tab.evaluate(
        "[...document.querySelectorAll('.rx-live [stroke]')].map(e => getComputedStyle(e).stroke)"
    )
    tab.get_by_role("button", name="Still view").click()
    assert tab.locator(f".rx-{variant}").is_visible() and not tab.locator(".rx-live").is_visible()


def test_what_is_pointed_at_says_its_series_its_month_and_its_count(show):
    tab = show(draw("layered"))
    tab.get_by_role("button", name="Live view").click()
    tab.locator(".rx-live svg").hover()
    told = tab.locator("#rx-tooltip tr").all_inner_texts()
    assert [line.split("\t")[0] for line in told] == ["Place", "Month", "People"]
    assert told[0].split("\t")[1] in set(two_lines().place)


def test_the_live_view_needs_no_eval_and_no_inline_script(site, browser):
    (site / "sub").mkdir(exist_ok=True)
    (site / "sub" / "policy.html").write_text(
        page(draw("layered")).replace("_static/", "../_static/"), "utf-8"
    )

    with serving(site, Strict) as address:
        tab = opened(browser, f"{address}/sub/policy.html")
        tab.get_by_role("button", name="Live view").click()
        tab.locator(".rx-live svg").wait_for()
        tab.context.close()
    assert tab.faults == []


def test_a_bundle_that_cannot_be_loaded_says_so_and_keeps_the_drawing(show, site):
    bundle = site / "_static" / "roxham-vega.js"
    text = bundle.read_text("utf-8")
    bundle.unlink()
    try:
        tab = show(make())
        tab.get_by_role("button").click()
        tab.get_by_text("The live view could not be loaded.").wait_for()
        assert tab.locator(".rx-wide").is_visible()
    finally:
        bundle.write_text(text, "utf-8")


def test_in_jupyterlab_the_chart_is_alive_without_the_network(site, browser, monkeypatch):
    monkeypatch.delenv("ROXHAM_FIGURES")
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    outputs = [draw(name)._repr_mimebundle_()[0]["text/html"] for name in ("layered", "wrapped-facet")]
    assert [len(o) > 500_000 for o in outputs] == [True, False], "the first carries Vega, once a kernel"
    tab = browser.new_page()
    faults = []
    tab.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda e: faults.append(str(e)))
    tab.goto("about:blank")
    for output in outputs:  # as JupyterLab does: set the HTML, then run its scripts
        tab.evaluate(
            """html => { const cell = document.createElement('div'); cell.style.width = '800px';
              cell.innerHTML = html; document.body.append(cell);
              for (const old of cell.querySelectorAll('script')) { const s = document.createElement('script');
                if (old.type) s.type = old.type; s.className = old.className; s.textContent = old.textContent;
                old.replaceWith(s); } }""",
            output,
        )
    tab.locator("#fig-layered .rx-live svg").wait_for()
    tab.locator("#fig-wrapped-facet .rx-live svg").wait_for()
    tab.close()
    assert faults == []


# --- text, tables, sources ----------------------------------------------------------------------------------


def test_hostile_text_is_shown_as_text(show):
    data = a_year().assign(province=lambda d: d.province.replace("Quebec", HOSTILE))
    fig = make(
        chart=plain(data),
        data=data,
        title=HOSTILE,
        caption=HOSTILE,
        alt=f"A chart. {HOSTILE}",
        note=HOSTILE,
        subtitle=HOSTILE,
    )
    tab = show(fig)
    assert tab.title() == "Figures"
    assert [tab.locator(s).inner_text() for s in (".rx-title", ".rx-caption", ".rx-subtitle")] == [
        HOSTILE
    ] * 3
    assert tab.locator(".rx-wide").get_attribute("aria-label").endswith(HOSTILE)
    tab.locator(".rx-data summary").click()
    assert tab.get_by_role("rowheader", name=HOSTILE).is_visible()
    assert tab.locator("figure").count() == 1
    tab.get_by_role("button").click()
    tab.locator(".rx-live svg").wait_for()
    assert tab.title() == "Figures" and tab.faults == []


def cells(fig):
    table = fig.html[fig.html.index("<table") : fig.html.index("</table>") + 8]
    return [["".join(c.itertext()) for c in row] for row in ET.fromstring(table).iter("tr")]


def test_the_table_says_suppressed_or_no_value_and_never_nan():
    data = pd.DataFrame(
        {
            "month": pd.to_datetime(["2023-02-01", "2023-03-01", "2023-04-01"]),
            "people": pd.array([4890, None, None], dtype="Int64"),
            "share": [0.99071, None, -1234.5],
            "suppressed": [False, True, False],
            "source_id": quebec().source_id.iloc[0],
        }
    )
    fig = make(data=data, chart=charts.series(data, "month", "people"))
    assert cells(fig) == [
        ["Month", "People", "Share"],
        ["February 2023", "4,890", "0.991"],
        ["March 2023", "0–5, suppressed", "0–5, suppressed"],
        ["April 2023", "no value", "−1,234.5"],
    ]


def test_columns_choose_and_name_what_the_table_shows():
    fig = make(columns={"month": "Month", "people": "People intercepted"})
    assert cells(fig)[0] == ["Month", "People intercepted"]
    with pytest.raises(FigureError, match="columns= names 'peple'; did you mean 'people'"):
        make(id="other", columns={"peple": "People"})


def test_years_have_no_thousands_separator():
    assert (
        cells(make(chart=charts.columns(yearly(), "year", "people", series="place"), data=yearly()))[1][0]
        == "2017"
    )


def test_the_source_line_names_publisher_title_and_link():
    source = tables.sources(a_year()).iloc[0]
    html = make(chart=plain(a_year()), data=a_year()).html
    assert f'Source: {source.publisher}, <a href="{source.url}">' in html
    assert source.title in unescape(html)


def test_a_date_that_is_not_a_day_is_printed_whole():
    dates = tables.load("sources").set_index("source_id").date
    source = dates[dates.str.startswith("undated (")].index[0]
    html = make(chart=plain(a_year()), data=a_year().drop(columns="source_id"), sources=source).html
    assert f", {dates[source]}." in html


def test_many_sources_open_as_a_list(show):
    fig = make()
    assert len(fig.meta["sources"]) > 3
    tab = show(fig)
    tab.locator(".rx-sources summary").click()
    assert tab.locator(".rx-sources li a").count() == len(fig.meta["sources"])


# --- ids and determinism ------------------------------------------------------------------------------------


def test_no_id_is_twice_on_a_page_of_all_figures():
    html = page(*map(draw, CHARTS))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    used = {u for pair in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', html) for u in pair if u}
    assert used <= set(ids)


DRAW = """
import hashlib, sys; sys.path.insert(0, {tests!r})
import test_figures as t
digest = lambda name: hashlib.sha256(t.draw(name).html.encode()).hexdigest()
print(*sorted(f'{{name}} {{digest(name)}}' for name in sys.argv[1:]), sep='\\n')
"""


def test_a_figure_is_the_same_bytes_in_any_process_and_order():
    names = ["layered", "wrapped-facet", "concatenated", "bars"]
    draw.cache_clear()
    here = sorted(f"{n} {hashlib.sha256(draw(n).html.encode()).hexdigest()}" for n in names)
    code = DRAW.format(tests=os.path.dirname(__file__))
    for order in (names, names[::-1]):
        there = subprocess.run(
            [sys.executable, "-c", code, *order], capture_output=True, text=True, check=True
        )
        assert there.stdout.split("\n")[:-1] == here


# --- in a kernel --------------------------------------------------------------------------------------------

SETUP = """
import sys; sys.path.insert(0, {tests!r})
import test_figures as t
from roxham import figures
from roxham.facts import facts
"""


def run(*cells, how="site", monkeypatch=None):
    """Outputs of the cells, executed in order in a new kernel; the same text again is the same cell again."""
    monkeypatch.setenv("ROXHAM_FIGURES", how)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    setup = SETUP.format(tests=os.path.dirname(__file__))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in (setup, *cells)])
    NotebookClient(book, kernel_name="python3", timeout=120, allow_errors=True).execute()
    nbformat.validate(book)
    return [cell.outputs for cell in book.cells[1:]]


@pytest.fixture
def drawings(monkeypatch, tmp_path):
    """How often the converter was called, with a folder to keep drawings in; and the kept files."""
    monkeypatch.setenv("ROXHAM_CACHE", str(tmp_path))
    convert, calls = figures.vlc.vegalite_to_svg, []
    monkeypatch.setattr(figures.vlc, "vegalite_to_svg", lambda *a, **k: calls.append(1) or convert(*a, **k))
    return calls, tmp_path / "drawings"


def test_a_chart_is_drawn_once_and_then_kept(drawings):
    calls, folder = drawings
    first = make().html
    made = len(calls)
    figures.reset()
    assert make().html == first
    assert len(calls) == made == len(list(folder.iterdir())) == 2


def test_another_datum_is_another_drawing(drawings):
    calls, _ = drawings
    first = make().svg
    figures.reset()
    other = make(data=quebec().assign(people=lambda d: d.people.where(d.index != d.index[3], 1))).svg
    assert other["wide"] != first["wide"] and len(calls) == 4


@pytest.mark.parametrize("damage", [b"", b"<svg></svg>", None])
def test_a_kept_drawing_that_is_damaged_is_drawn_again(drawings, damage):
    calls, folder = drawings
    first = make().html
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-9] if damage is None else damage)
    figures.reset()
    assert make().html == first and len(calls) == 4
    figures.reset()
    assert make().html == first and len(calls) == 4


def test_a_notebook_holds_the_figure_once_and_its_metadata(monkeypatch):
    first, copy, loop, rerun = run(
        "t.make()",
        "t.make(title='Another')",
        "for _ in range(2): t.make(id='in-a-loop')",
        "t.make()",
        monkeypatch=monkeypatch,
    )
    assert first[0].metadata["roxham"]["id"] == "interceptions-monthly"
    assert first[0].data["text/html"].startswith('<figure id="fig-interceptions-monthly"')
    assert set(first[0].data) == {"text/html", "text/plain"}
    assert copy[0].ename == loop[0].ename == "FigureError"
    assert "the id is taken in this notebook by 'Interceptions stopped in a month'" in copy[0].evalue
    assert rerun[0].output_type == "execute_result", "the same cell may run again"


def test_a_plain_build_carries_the_style_sheet_in_its_first_figure(monkeypatch):
    first, second = run("t.make()", "t.make(id='second')", how="static", monkeypatch=monkeypatch)
    assert "<style>" in first[0].data["text/html"] and "<style>" not in second[0].data["text/html"]


def test_facts_are_glued_as_text(monkeypatch):
    (glued,) = run("facts(quebec_2022='39,171', share='99.1%')", monkeypatch=monkeypatch)
    assert {o.metadata["scrapbook"]["name"] for o in glued} == {"quebec_2022", "share"} or glued
    assert "39,171" in json.dumps(glued)


def test_the_registry_knows_the_figures_of_the_kernel():
    make()
    make(id="second")
    assert list(figures.registry()) == ["interceptions-monthly", "second"]
    assert (
        pd.read_csv(pd.io.common.StringIO(figures.registry()["second"]["csv"])).people.sum()
        == quebec().people.sum()
    )


# --- errors -------------------------------------------------------------------------------------------------


def big(rows):
    return pd.DataFrame({"x": range(rows), "y": 1, "source_id": quebec().source_id.iloc[0]})


WRONG = {
    "an id with capitals": (lambda: make(id="My Figure"), "'My Figure': an id is lower-case.*such as 'my-figure'"),
    "an id with a double hyphen": (lambda: make(id="a--b"), "'a--b': an id"),
    "an empty title": (lambda: make(title=" "), "title is ' '"),
    "no caption": (lambda: make(caption=None), "caption is None"),
    "an empty alt": (lambda: make(alt=""), "alt is ''"),
    "an alt that repeats the title": (
        lambda: make(alt="interceptions stopped, in a month."), "alt repeats the title"),
    "no rows": (
        lambda: make(data=quebec().iloc[:0], chart=plain(a_year())), "data has 0 rows; allowed are 1 to 5,000"),
    "too many rows": (lambda: make(data=big(5_001), chart=plain(a_year())), "data has 5,001 rows"),
    "no frame": (lambda: make(data=[1], chart=plain(a_year())), "data is list; it must be a DataFrame"),
    "a selection that layering has lost": (
        lambda: make(chart=plain(a_year()).encode(opacity=alt.condition(lost(), alt.value(1), alt.value(0)))),
        "asks for the selection hover_1, which it has lost"),
    "too many rows drawn": (
        lambda: make(chart=alt.layer(alt.Chart(big(3_000)).mark_line().encode(x="x", y="y"),
                                     alt.Chart(big(2_500)).mark_line().encode(x="x", y="y"))),
        "the chart holds 5,500 rows",
    ),
    "no source": (lambda: make(data=quebec().drop(columns="source_id")), "no source; keep the column source_id"),
    "an unknown source": (lambda: make(sources="ircc-clams"), "'ircc-clams'"),
    "a row without a source": (
        lambda: make(data=quebec().assign(source_id=lambda d: d.source_id.where(d.people > 10))),
        r"\d+ of \d+ rows of data have no source_id",
    ),
    "data by URL": (
        lambda: make(chart=alt.Chart("https://example.org/a.csv").mark_line().encode(x="a:Q", y="b:Q")),
        r"data is by URL \(https://example.org/a.csv\)",
    ),
    "invalid Vega-Lite": (
        lambda: make(chart=alt.Chart(a_year()).mark_bar().encode(alt.X("people:Q", axis="none"))),
        "the chart is not valid Vega-Lite",
    ),
    "an unknown signal": (
        lambda: make(chart=alt.Chart(a_year()).mark_bar(x=alt.expr("nowhere + 1")).encode(y="province:N")),
        "the chart cannot be drawn",
    ),
    "no chart": (lambda: make(chart="line"), "the chart is str"),
    "small text": (
        lambda: make(chart=plain(a_year()).configure_axis(labelFontSize=9)),
        r"the text '.*' is 9 px; at least 12 px",
    ),
    "a stray colour": (lambda: make(chart=plain(a_year()).encode(color=alt.value("steelblue"))), "colour steelblue"),
    "too wide": (
        lambda: make(chart=alt.Chart(a_year()).mark_bar().encode(y="people:Q", column="province:N")),
        "drawn for 328 px the chart is .* give a function of the width",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_figure_that_cannot_be_published_is_refused_by_name(case):
    attempt, message = WRONG[case]
    with pytest.raises(FigureError, match=message) as caught:
        attempt()
    assert str(caught.value).startswith("figure '")


def test_an_id_taken_in_this_process_is_refused():
    make()
    with pytest.raises(FigureError, match="'interceptions-monthly': the id is taken"):
        make()


def test_a_refused_figure_does_not_take_its_id():
    with pytest.raises(FigureError):
        make(sources="ircc-clams")
    make()


def test_an_unknown_mode_is_refused(monkeypatch):
    monkeypatch.setenv("ROXHAM_FIGURES", "interactive")
    with pytest.raises(ValueError, match="allowed are site, static, live"):
        make()._repr_mimebundle_()


# --- facts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (facts.n(39171), "39,171"), (facts.n(-12), "−12"), (facts.n(-0.2), "0"), (facts.n(3.14159, 2), "3.14"),
        (facts.pct(0.9907), "99.1%"), (facts.pct(-0.254, 0), "−25%"), (facts.dollars(14321), "$14,321"),
        (facts.dollars(-5), "−$5"), (facts.month("2023-03"), "March 2023"),
        (facts.day("2023-03-25"), "25 March 2023"),
        (facts.month(pd.Period("2023-03")), "March 2023"), (facts.plural(1, "person", "people"), "1 person"),
        (facts.plural(39171, "person", "people"), "39,171 people"),
        (facts.plural(0, "person", "people"), "0 people"),
    ],
)  # fmt: skip
def test_numbers_read_as_canadians_write_them(made, text):
    assert made == text


@pytest.mark.parametrize("value", [39171, None, "", "nan", "<NA>"])
def test_a_fact_must_be_text_with_a_value(value):
    with pytest.raises(facts.FactError, match="fact 'quebec_2022' is"):
        facts.facts(quebec_2022=value)


@pytest.mark.parametrize("value", [float("nan"), pd.NA, float("inf"), None])
def test_a_missing_number_is_never_printed(value):
    with pytest.raises(facts.FactError):
        facts.n(value)


# --- assets -------------------------------------------------------------------------------------------------


def test_assets_are_written_once(tmp_path):
    first = figures.write_assets(tmp_path)
    names = ["roxham-figures.css", "roxham-figures.js", "roxham-explorer.js", "roxham-vega.js"]
    assert [p.name for p in first] == names
    stamps = [p.stat().st_mtime_ns for p in first]
    assert [p.stat().st_mtime_ns for p in figures.write_assets(tmp_path)] == stamps


def test_the_style_sheet_and_script_are_small():
    assert len(figures.css()) < 12_000 and len(figures._player()) < 6_000
    assert "/*" + "light" not in figures.css() and "/*paint" not in figures.css()


def test_a_drawing_does_not_depend_on_the_fonts_of_the_machine():
    code = """if True:
        import hashlib, altair as alt
        from roxham import figures
        data = alt.Data(values=[{"a": "Wide words here", "b": 3}])
        chart = alt.Chart(data).mark_bar().encode(x="b:Q", y="a:N").configure(font="DejaVu Sans")
        print(hashlib.sha256(figures._svg("one", chart.to_dict()).encode()).hexdigest())"""
    machines = [{}, {"FONTCONFIG_FILE": str(CHECKOUT / "scripts/roxham/assets/fonts.conf")}]
    drawn = set()
    for machine in machines:
        environment = {**os.environ, "ROXHAM_CACHE": "", **machine}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        drawn.add(done.stdout)
    assert len(drawn) == 1
