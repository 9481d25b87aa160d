"""Citations, terms and links to figures, in the printed book and on pages that stand alone."""

import re

import pytest
from bs4 import BeautifulSoup
from project import CHECKOUT

from roxham import tables
from roxham.publish.bibliography import WEAK, bibtex


@pytest.fixture(scope="module")
def count(small):
    return BeautifulSoup(small.page("03-the-count"), "lxml")


def test_the_bibliography_is_the_records_sources():
    from pybtex.database import parse_string

    stored = (CHECKOUT / "chapters/references.bib").read_text()
    assert stored == bibtex(), "chapters/references.bib is not current: make references"
    entries = parse_string(stored, "bibtex").entries
    sources = tables.load("sources").set_index("source_id")
    assert set(entries) == set(sources.index)
    for key, entry in entries.items():
        assert entry.fields["url"] == sources.url[key]
        assert entry.fields["title"].strip("{}").replace("\\", "") == sources.title[key].strip("{}")


def test_a_citation_leads_to_the_references_and_says_what_it_is(small, count):
    links = count.select(".bibtex-citation a")
    assert len(links) == 2
    law = links[0]
    assert law["href"] == "references.html#source-fr-88-18227-protocol"
    assert "88 FR 18227" in law["title"] and "2023" in law["title"]
    references = BeautifulSoup(small.page("references"), "lxml")
    entry = references.find(id="source-fr-88-18227-protocol")
    assert entry is not None and "88 FR 18227" in entry.get_text()


def test_a_source_that_is_not_first_hand_is_marked_where_it_is_cited(count):
    law, copy = count.select(".bibtex-citation a")
    tiers = tables.load("sources").set_index("source_id").tier
    assert tiers[copy["href"].rpartition("#source-")[2]] in WEAK and copy.get_text().endswith("†")
    assert tiers[law["href"].rpartition("#source-")[2]] not in WEAK and "†" not in law.get_text()


def test_a_term_says_what_it_means(count):
    term = count.select_one("a:has(.std-term)")
    assert term["href"] == "glossary.html#term-port-of-entry"
    meaning = next(e["definition"] for e in tables.hand("glossary") if e["term"] == "port of entry")
    assert term["title"] == " ".join(meaning.split())


def test_a_figure_of_another_chapter_can_be_linked(small):
    south = BeautifulSoup(small.page("08-the-other-direction"), "lxml")
    link = south.find("a", string=re.compile("the other line"))
    assert link["href"] == "03-the-count.html#fig-interceptions-monthly"
    assert BeautifulSoup(small.page("03-the-count"), "lxml").find(id="fig-interceptions-monthly") is not None


def test_a_chapter_in_short_says_how_long_it_takes(small, count):
    assert re.fullmatch(r"\d+ min read", count.select_one(".rx-reading").get_text())
    assert "min read" not in small.page("glossary")


def test_every_link_that_leads_nowhere_is_named_and_the_site_stands(project):
    wrong = {  # what Jupyter Book sees, all at once
        "{cite}`fr-88-18227-protocol`": "{cite}`fr-88-18228-protocol`",
        "{term}`port of entry`": "{term}`port of entrance`",
        "(#fig-interceptions-monthly)": "(#fig-interceptions-weekly)",
    }
    for old, new in wrong.items():
        project.edit("chapters/03-the-count.md", old, new)
    added = "## Read, rerun, cite\n\n[gone](#no-such-place) [gone](99-no-such-chapter.md)\n"
    project.edit("chapters/index.md", "## Read, rerun, cite", added)
    before = project.files()
    done = project.roxham("build")
    assert done.returncode == 1
    of_count = [line for line in done.stderr.splitlines() if "chapters/03-the-count" in line]
    of_front = [line for line in done.stderr.splitlines() if "chapters/index" in line]
    for name in ("fr-88-18228-protocol", "port of entrance", "fig-interceptions-weekly"):
        assert any(name in line for line in of_count), name
    for name in ("no-such-place", "no-such-chapter"):
        assert any(name in line for line in of_front), name
    assert project.files() == before


def test_a_page_that_stands_alone_cites_by_address(project):
    done = project.roxham("run", "the-count")
    assert done.returncode == 0, done.stderr
    page = BeautifulSoup((project.root / done.stdout.split()[1]).read_text(), "lxml")
    address = tables.load("sources").set_index("source_id").url["fr-88-18227-protocol"]
    assert page.find("a", href=address) is not None
    text = page.get_text()
    assert (
        "{cite}" not in text
        and "{term}" not in text
        and "A port of entry is defined" in " ".join(text.split())
    )
    assert page.find("a", href="#fig-interceptions-monthly") is not None


def test_of_what_is_folded_only_the_line_that_opens_it_takes_time_to_read():
    from docutils import nodes
    from docutils.utils import new_document

    from roxham.publish import theme

    page = new_document("page")
    page += nodes.paragraph("", "", nodes.Text("two words"))
    page += nodes.raw("", "<details><summary>a line</summary>", format="html")
    page += nodes.paragraph("", "", nodes.Text("many more, for who opens it"))
    page += nodes.raw("", "</details>", format="html")
    page += nodes.paragraph("", "", nodes.Text("the end"))
    assert theme._words(page) == 6
