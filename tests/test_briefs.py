"""The briefs of the site: each page as a reader meets it, the list of them, and how a template becomes pages."""

import csv
import json
import re

import pytest
from briefs import MOST_WORDS, of_notebook
from bs4 import BeautifulSoup
from project import HOLE

from roxham.publish import briefs
from roxham.publish.cache import fingerprints
from roxham.publish.chapters import ROOT, BookError, templates

SITE = briefs.of_site(fingerprints(), ROOT / "_build" / "cache" / "briefs")
NAMES = [brief.name.rpartition("/")[2] for brief in SITE]
SOURCES = {template.name: template.source.decode() for template in templates()}
HEAD = (
    "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n  display_name: Python 3\n  language: python\n"
)


@pytest.fixture(scope="module")
def pages(built):
    """Name of a brief → the notebook that was printed, and its page."""
    folder = built.html / "chapters/briefs"
    sources = built.html / "_sources/chapters/briefs"
    return {n: ((sources / f"{n}.ipynb").read_text(), (folder / f"{n}.html").read_text()) for n in NAMES}


def test_the_site_has_every_place_and_the_latest_twelve_months():
    kinds = [brief.kind for brief in SITE]
    assert kinds.count("province") == 14 and kinds.count("month") == 12
    assert "province-newfoundland-and-labrador" in NAMES and "province-canada" in NAMES


@pytest.mark.parametrize("brief", SITE, ids=NAMES)
def test_a_brief_has_five_numbers_three_to_five_figures_and_few_words(pages, brief):
    notebook, page = pages[brief.name.rpartition("/")[2]]
    found = of_notebook(notebook, SOURCES[brief.template])
    assert len(found.key) == 5 and 3 <= len(found.figures) <= 5
    assert 80 < found.words <= MOST_WORDS, found.words
    assert found.entry["number"] and found.entry["series"]
    for text in [*found.said, found.text]:
        assert text.strip() and not HOLE.search(text), text
        assert not re.search(
            r"\b1 (people|claimants|encounters|claims)\b|\b0 to 0\b|at most under|–0\b", text
        ), text
    article = BeautifulSoup(page, "lxml").find("article")
    assert article.find("h1").get_text().removesuffix("#").strip() == found.facts["title"]
    assert "Parameters" not in article.get_text() and "glue:" not in page


@pytest.mark.parametrize("brief", SITE, ids=NAMES)
def test_every_figure_of_a_brief_has_its_value_its_anchor_and_its_data(built, pages, brief):
    name = brief.name.rpartition("/")[2]
    soup = BeautifulSoup(pages[name][1], "lxml")
    figures = soup.select("figure.rx-figure")
    code = [d for d in soup.select("details.hide") if "Show code" in d.summary.get_text()]
    assert len(code) == len(figures)  # no code of a figure that is not there
    for figure in figures:
        assert figure["id"].startswith(f"fig-brief-{name}-")
        link, data = figure.select(".rx-marks a")
        assert link["href"] == f"#{figure['id']}"
        with (built.html / "chapters/briefs" / data["href"]).open() as file:
            assert len(list(csv.reader(file))) > 1
    for link in soup.select("article a[href^='#fig-']"):
        assert soup.find(id=link["href"][1:]) is not None


def test_the_list_leads_to_every_brief_and_nothing_else_names_them(built, browser):
    soup = BeautifulSoup((built.html / "chapters/briefs.html").read_text(), "lxml")
    linked = [a["href"] for a in soup.select(".rx-briefs a")]
    assert sorted(linked) == sorted(f"briefs/{name}.html" for name in NAMES)
    assert len(soup.select(".rx-briefs svg.rx-spark path[d^=M]")) == len(NAMES)
    sidebar = BeautifulSoup(built.page("03-the-count"), "lxml").select_one(
        ".sbt-sidebar-nav, .bd-sidebar-primary"
    )
    assert "briefs.html" in str(sidebar) and "province-" not in str(sidebar)
    gallery = json.loads((built.html / "figures/figures.json").read_text())
    assert not [f["id"] for f in gallery["figures"] if f["id"].startswith("brief-")]


def test_the_list_sorts_by_number_and_by_name_and_reads_without_a_script(built, browser):
    page = browser.new_page()
    page.goto((built.html / "chapters/briefs.html").as_uri())
    table = page.locator("table[data-rx-sort]").first

    def names():
        return table.locator("tbody th").all_inner_texts()

    before = names()
    table.get_by_role("button", name="claimants in").click()
    assert names()[:3] == ["Canada", "Ontario", "Quebec"]
    assert table.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"
    table.get_by_role("button", name="claimants in").click()
    assert names()[-1] == "Canada"
    table.get_by_role("button", name="Province").click()
    assert names() == sorted(before)
    page.close()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((built.html / "chapters/briefs.html").as_uri())
    table = page.locator("table[data-rx-sort]").first
    assert names() == before and table.locator("button").count() == 0
    context.close()


# --- a template becomes pages, in a small book

TEMPLATE = f"""{HEAD}roxham:
  parameters:
    place: {{values: [Quebec, Ontario, Yukon]}}
  site: {{place: [Quebec, Yukon]}}
---
# A place

```{{code-cell}} ipython3
:tags: [parameters, remove-cell]
place = "Quebec"  # the place
```

```{{code-cell}} ipython3
:tags: [remove-cell]
from roxham import charts, tables
from roxham.facts import brief, facts
from roxham.figures import figure

there = tables.load("interceptions").query("province == @place")
facts(title=f"{{place}} alone", said=f"Of {{place}}")
brief(name=place, number="5", what="things", series=[1, None, 3], rank=5)
```

:::{{admonition}} In short
{{glue:text}}`said` ([months](#fig-brief-place-months)). [The count](../03-the-count.md).
:::

```{{code-cell}} ipython3
:tags: [hide-input]
figure(charts.series(there, x="month", y="people"), id="brief-place-months", title="Months", caption="By month.",
       alt="Line chart of interceptions by month.", data=there) if len(there) else None
```
"""
LIST = f"{HEAD}---\n# Briefs\n\nThe list.\n\n% briefs: place\n"


@pytest.fixture
def with_briefs(project):
    folder = project.root / "chapters/briefs"
    folder.mkdir()
    (folder / "place.md").write_text(TEMPLATE)
    (folder.parent / "briefs.md").write_text(LIST)
    project.edit(
        "_toc.yml",
        "- file: chapters/references",
        "- file: chapters/briefs\n- file: chapters/references",
    )
    return project


def test_a_template_is_printed_for_the_values_that_it_names_and_executed_for_no_other(with_briefs):
    assert with_briefs.build() == {"briefs", "place-quebec", "place-yukon"}
    folder = with_briefs.html / "chapters/briefs"
    quebec = BeautifulSoup((folder / "place-quebec.html").read_text(), "lxml")
    yukon = BeautifulSoup((folder / "place-yukon.html").read_text(), "lxml")
    assert "Quebec alone" in quebec.find("h1").get_text() and "Yukon alone" in yukon.title.get_text()
    assert quebec.find("a", href="#fig-brief-place-quebec-months").get_text() == "months"
    assert quebec.find("a", href="../03-the-count.html") is not None
    assert (folder / "data/brief-place-quebec-months.csv").is_file()
    assert "months" not in yukon.find("article").get_text() and not yukon.select("figure, details.hide")
    assert not (folder / "place-ontario.html").exists()
    assert with_briefs.build() == set()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "[Quebec, Yukon]",
            "[Quebec, Yukn]",
            "'Yukn' is not allowed; one of Quebec, Ontario, Yukon; nearest: Yukon",
        ),
        ("[Quebec, Yukon]", "first 3", "'first 3' selects nothing; it may be all, last 12, or a list"),
        ("site: {place", "site: {month", "`site:` names what the site prints of it"),
        ('"things", series', '"", series', "chapters/briefs/place.md (place Yukon)"),
    ],
)
def test_a_template_that_is_amiss_is_named_and_the_old_site_stands(with_briefs, old, new, said):
    with_briefs.edit("chapters/briefs/place.md", old, new)
    before = with_briefs.files()
    done = with_briefs.roxham("build")
    assert done.returncode in (1, 2) and said in " ".join(done.stderr.split()), done.stderr
    assert "Traceback" not in done.stderr
    assert with_briefs.files() == before


def test_the_list_names_a_brief_that_says_nothing_of_itself_and_a_template_that_is_not_there():
    one, empty = SITE[0], json.dumps({"cells": []})
    with pytest.raises(
        BookError, match=r"province.md \(province Canada\): it calls facts.brief\(…\) 0 times"
    ):
        briefs.listed(json.loads(empty), [(next(b for b in SITE if b.kind == "province"), empty)])
    said = {"name": "x", "number": "1", "what": "y", "series": [], "rank": None}
    told = json.dumps({"cells": [{"outputs": [{"metadata": {"roxham_brief": said}}]}]})
    asks = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": "% briefs: provinces"}]}
    with pytest.raises(BookError, match="no brief of provinces is printed; there are: "):
        briefs.listed(asks, [(one, told)])


@pytest.mark.parametrize("name", ["province-newfoundland-and-labrador", "province-quebec", NAMES[0]])
def test_on_a_phone_nothing_is_wider_than_the_page_and_each_figure_is_drawn_once(built, browser, name):
    page = browser.new_page(viewport={"width": 360, "height": 800}, java_script_enabled=False)
    page.goto((built.html / f"chapters/briefs/{name}.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for figure in page.locator(".rx-figure").all():
        assert sum(d.is_visible() for d in figure.locator('[role="img"]').all()) == 1
    page.close()


def test_a_small_line_breaks_where_nothing_is_known_and_ends_in_a_dot():
    drawn = briefs.spark([1, 2, None, 4, None, None, 3, 3], "line")
    assert drawn.count("M") == 3 and drawn.count("L") == 2
    assert drawn.count("<circle") == 2  # the month alone, and the last
    assert 'aria-label="line"' in drawn and briefs.spark([None, None], "none").count("<circle") == 0
    assert briefs.spark([0, 0], "zero").count("nan") == 0
