"""The printed pages, in a real browser, as a reader opens them."""

import re
from urllib.parse import urlsplit

import pytest
from browsing import window
from project import EVERY, HOLE

from roxham.publish.chapters import book

CHAPTERS = [f"{chapter.name}.html" for chapter in book()]
PAGES = ["index.html", "genindex.html", "search.html", "chapters/briefs/province-nunavut.html", *CHAPTERS]
FIGURES = {f"{c.name}.html": len(re.findall(r'^    id="', c.source.decode(), re.M)) for c in book()}
SIZES = {"desk": 1280, "phone": 360}
SHOWN = """() => [...document.querySelectorAll('.rx-figure')].map(figure => ({
    id: figure.id,
    drawings: [...figure.querySelectorAll('[role="img"]')].filter(d => d.checkVisibility()).map(d => {
        const box = d.getBoundingClientRect();
        return {left: box.left, right: box.right, height: box.height, label: d.getAttribute('aria-label')};
    }),
}))"""


READERS = [("desk", "light"), ("phone", "dark")]
OPENED = [
    (name, way) for n, name in enumerate(PAGES) for m, way in enumerate(READERS) if EVERY or (n + m) % 2 == 0
]  # by default each page by one reader, in turn


@pytest.fixture(params=READERS, ids="-".join)
def reader(request, browser):
    """A reader's window, networking off; what it complains of and asks for is kept."""
    size, scheme = request.param
    tab = window(browser, SIZES[size], scheme, offline=True)
    yield tab
    tab.context.close()


@pytest.mark.parametrize(
    ("name", "reader"), OPENED, indirect=["reader"], ids=lambda v: v if isinstance(v, str) else v[0]
)
def test_a_page_opens_from_disk_without_a_complaint_and_each_figure_shows_one_drawing_that_fits(
    built, reader, name
):
    reader.goto((built.html / name).as_uri())
    reader.wait_for_load_state("networkidle")
    figures = reader.evaluate(SHOWN)
    if name in FIGURES:
        assert len(figures) == FIGURES[name]
    for figure in figures:
        (drawing,) = figure["drawings"]
        assert drawing["height"] > 80, figure["id"]
        assert drawing["left"] >= 0 and drawing["right"] <= reader.viewport_size["width"], figure["id"]
        assert len(drawing["label"]) > 40, figure["id"]
    assert reader.evaluate("document.documentElement.scrollWidth") <= reader.viewport_size["width"]
    assert reader.faults == []
    assert {urlsplit(url).scheme for url in reader.asked} <= {"file", "data"}


def test_only_the_page_with_sliders_loads_their_script(built):
    assert [c for c in sorted(built.chapters) if "roxham-explorer.js" in built.page(c)] == ["14-what-if"]


def test_chart_text_is_never_smaller_than_12_px(built, reader):
    reader.goto((built.html / "chapters/03-the-count.html").as_uri())
    sizes = reader.evaluate(
        """() => [...document.querySelectorAll('.rx-figure svg text')]
            .filter(t => t.checkVisibility() && t.textContent.trim())
            .map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"""
    )
    assert len(sizes) > 50
    assert min(sizes) >= 11.99


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_javascript_every_chart_and_number_is_there(built, browser, name):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((built.html / name).as_uri())
    for figure in page.locator(".rx-figure").all():
        assert sum(d.is_visible() for d in figure.locator('[role="img"] svg').all()) == 1
        assert not figure.locator("button").count() or not figure.locator("button").first.is_visible()
    text = page.locator("article").inner_text()
    assert "glue:" not in text and "{{" not in text
    assert not HOLE.search(text)
    context.close()


def test_the_live_view_comes_from_one_local_file_when_asked_for(built, reader):
    reader.goto((built.html / "chapters/03-the-count.html").as_uri())
    reader.wait_for_load_state("networkidle")
    assert not [url for url in reader.asked if "roxham-vega" in url]
    figure = reader.locator("#fig-interceptions-monthly")
    figure.get_by_role("button").click()
    figure.locator(".rx-live svg").wait_for(state="visible", timeout=20_000)
    assert len([url for url in reader.asked if "roxham-vega" in url]) == 1
    assert reader.faults == []
    assert {urlsplit(url).scheme for url in reader.asked} <= {"file", "data", "blob"}


def test_the_data_of_a_figure_are_a_table_beside_it(built, reader):
    reader.goto((built.html / "chapters/03-the-count.html").as_uri())
    figure = reader.locator("#fig-interceptions-by-province-year")
    figure.locator("details.rx-data summary").click()
    table = figure.locator("table")
    assert table.is_visible()
    rows = [row.inner_text().split("\t") for row in table.locator("tbody tr").all()]
    assert ["Quebec", "39,171"] in rows and len(rows) == 5


def test_dark_mode_leaves_no_white_sheet_under_a_figure(built, browser):
    context = browser.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto((built.html / "chapters/08-the-other-direction.html").as_uri())
    page.wait_for_load_state("networkidle")
    light = page.evaluate(
        """() => [...document.querySelectorAll('.rx-figure, .rx-figure *, .cell_output, .cell_output *')]
            .filter(e => e.checkVisibility() && !e.closest('svg'))
            .map(e => getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number))
            .filter(([r, g, b, a = 1]) => a > 0.5 && r + g + b > 300).length"""
    )
    assert light == 0
    context.close()
