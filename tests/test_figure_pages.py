"""Figures as citable objects: their pages, citations, files, IDs and commands."""

import html
import io
import json
import re
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import bibtexparser
import pandas as pd
import pytest
import rispy
from bs4 import BeautifulSoup
from project import ADDRESS

KINDS = ["svg", "png", "csv", "vl.json", "json", "bib", "ris", "csl.json", "zip"]


def index(project) -> dict:
    return json.loads((project.html / "figures/figures.json").read_text())


def folders(project) -> list[Path]:
    return sorted(p for p in (project.html / "figures").iterdir() if p.is_dir())


def notebooks(project):
    for path in sorted((project.html / "_sources").rglob("*.ipynb")):
        yield json.loads(path.read_text())


def drawn(project) -> dict[str, dict]:
    """What each figure's cell said of it."""
    return {
        output["metadata"]["roxham"]["id"]: output["metadata"]["roxham"]
        for notebook in notebooks(project)
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "id" in output.get("metadata", {}).get("roxham", {})
    }


def values(node):
    if isinstance(node, dict):
        for inner in node.values():
            yield from values(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from values(inner)
    elif node is not None:
        yield node


# --- the whole book -----------------------------------------------------------------------------------------


def test_every_figure_has_a_page_all_its_files_and_a_promise(built):
    figures = drawn(built)
    assert (
        [p.name for p in folders(built)]
        == sorted(figures)
        == sorted(f["id"] for f in index(built)["figures"])
    )
    listed = (built.root / "chapters/figures.yml").read_text()
    for folder in folders(built):
        assert f"\n- {folder.name}\n" in listed
        names = {p.name for p in folder.iterdir()}
        assert names == {"index.html", "embed.html", "thumbnail.svg", *(f"{folder.name}.{k}" for k in KINDS)}


RELATIVE = {"what-if-ranges"}  # drawn in per cent of the value chosen


def test_the_csv_holds_the_rows_that_are_plotted(built):
    """The file is what the cell gave, and each of its rows is found among the data of the drawing."""
    for id, meta in drawn(built).items():
        folder = built.html / "figures" / id
        text = (folder / f"{id}.csv").read_text()
        assert text == meta["csv"]
        rows = pd.read_csv(io.StringIO(text)).drop(columns=["source_id", "suppressed"], errors="ignore")
        assert len(rows) == meta["rows"]
        plotted = list(values(json.loads((folder / f"{id}.vl.json").read_text())["datasets"]))
        numbers = {round(float(v), 6) for v in plotted if isinstance(v, int | float)}
        words = {v[:10] for v in plotted if isinstance(v, str)}  # a long text is drawn in lines, or shortened
        for row in rows.to_dict("records") if id not in RELATIVE else ():
            cells = [v for v in row.values() if not pd.isna(v)]
            assert any(
                v[:10] in words if isinstance(v, str) else round(float(v), 6) in numbers for v in cells
            ), (
                id,
                row,
            )


def test_the_content_hash_is_that_of_the_two_files(built):
    for figure in index(built)["figures"]:
        id, folder = figure["id"], built.html / "figures" / figure["id"]
        both = (folder / f"{id}.csv").read_bytes() + (folder / f"{id}.vl.json").read_bytes()
        assert figure["hash"] == f"sha256:{sha256(both).hexdigest()}"


def test_all_formats_of_a_citation_say_the_same(built, addressed):
    """Read back by bibtexparser, by a reader of RIS lines, by rispy and as JSON; compared field by field."""
    for project in (built, addressed):
        for folder in folders(project):
            id = folder.name
            (item,) = json.loads((folder / f"{id}.csl.json").read_text())
            title, (author,) = item["title"], item["author"]
            year, month, day = item["issued"]["date-parts"][0]
            entry = bibtex(folder / f"{id}.bib")
            assert entry.pop("ENTRYTYPE") == "misc" and entry.pop("ID") == id
            expected = {
                "author": author["literal"],
                "title": title,
                "howpublished": item["container-title"],
                "year": str(year),
                "date": f"{year}-{month:02}-{day:02}",
                "version": item["version"],
                "note": item["genre"],
                "language": item["language"],
            }
            address = {"url": item["URL"]} if "URL" in item else {}
            assert entry == expected | address
            lines = re.findall(r"(?m)^([A-Z][A-Z0-9])  - (.*)$", (folder / f"{id}.ris").read_text())
            assert lines[0] == ("TY", "ELEC") and lines[-1] == ("ER", "") and len(dict(lines)) == len(lines)
            assert {k: v for k, v in lines[1:-1]} == {
                "ID": id,
                "TI": title,
                "AU": author["literal"],
                "T2": item["container-title"],
                "PY": str(year),
                "DA": f"{year}/{month:02}/{day:02}",
                "ET": item["version"],
                "M3": item["genre"],
                "LA": item["language"],
            } | ({"UR": item["URL"]} if address else {})
            assert rispy.loads((folder / f"{id}.ris").read_text())[0]["title"] == title
            page = BeautifulSoup((folder / "index.html").read_text(), "lxml")
            for cited in (p.get_text() for p in page.select(".rx-cited")):
                assert author["literal"] in cited and str(year) in cited and item["genre"] in cited
                assert squeezed(title) in squeezed(cited) and squeezed(item["container-title"]) in squeezed(
                    cited
                )
                assert ("http" in cited) == bool(address) and item.get("URL", "") in cited
            assert (item.get("URL") == f"{ADDRESS}figures/{id}/") == (project is addressed)


def bibtex(path: Path) -> dict[str, str]:
    from bibtexparser.middlewares import LatexDecodingMiddleware, RemoveEnclosingMiddleware

    library = bibtexparser.parse_file(
        str(path), parse_stack=[RemoveEnclosingMiddleware(), LatexDecodingMiddleware()]
    )
    assert not library.failed_blocks
    (entry,) = library.entries
    fields = {f.key: f.value.strip("{}") for f in entry.fields}
    return fields | {"ENTRYTYPE": entry.entry_type, "ID": entry.key}


def squeezed(text: str) -> str:
    """Without what a style may change: case, and the form of quotation marks and dashes."""
    return re.sub(r"[\W_]+", " ", html.unescape(text)).casefold().strip()


def test_the_zip_holds_the_files_themselves(built):
    for folder in folders(built):
        with zipfile.ZipFile(folder / f"{folder.name}.zip") as archive:
            held = {Path(n).name: archive.read(n) for n in archive.namelist()}
        assert held == {p.name: p.read_bytes() for p in folder.glob(f"{folder.name}.*") if p.suffix != ".zip"}


def test_every_local_link_of_the_figure_pages_and_marks_leads_somewhere(built):
    pages = [*(built.html / "figures").rglob("*.html"), *built.html.glob("chapters/*.html")]
    ids = {}
    for page in pages:
        soup = BeautifulSoup(page.read_text(), "lxml")
        scope = soup if "figures" in page.parts else soup.select_one(".bd-article") or soup
        wanted = scope.select("a[href]") if "figures" in page.parts else scope.select(".rx-marks a")
        for link in wanted:
            href = link["href"]
            if re.match(r"https?:", href):
                continue
            path, _, anchor = href.partition("#")
            target = (page.parent / path).resolve() if path else page.resolve()
            assert target.is_file(), (page, href)
            if anchor:
                known = ids.setdefault(target, set(re.findall(r'\bid="([^"]+)"', target.read_text())))
                assert anchor in known, (page, href)


def test_the_gallery_shows_every_figure_once_and_one_chapter_without_a_script(built, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((built.html / "figures/index.html").as_uri())
    shown = page.locator("main li a")
    assert sorted(shown.evaluate_all("a => a.map(e => e.getAttribute('href').split('/')[0])")) == sorted(
        drawn(built)
    )
    page.click("nav >> text=The count")
    assert page.locator("main h2:visible").all_inner_texts() == ["The count"]
    context.close()


def test_the_gallery_finds_by_words(built, browser):
    page = browser.new_page()
    page.goto((built.html / "figures/index.html").as_uri())
    page.fill("#rx-find", "swanton")
    assert 0 < page.locator("main li:visible").count() < len(drawn(built)) / 2
    assert page.locator("[role=status]").inner_text() == f"{page.locator('main li:visible').count()} figures"
    page.close()


# --- a page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_figure_page_opens_from_disk_and_needs_no_script(small, browser, scripts, width):
    context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800})
    page, complaints = context.new_page(), []
    page.on("console", lambda m: complaints.append(m.text))
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on("request", lambda r: complaints.append(r.url) if not r.url.startswith("file:") else None)
    page.on("requestfailed", lambda r: complaints.append(r.url))
    for name in ("index.html", "embed.html"):
        page.goto((small.html / "figures/interceptions-monthly" / name).as_uri())
        page.wait_for_load_state("networkidle")
        assert page.locator(".rx-chart svg:visible").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") if scripts else True
    page.goto((small.html / "figures/interceptions-monthly/index.html").as_uri())
    words = page.locator("main").inner_text()
    assert "The Roxham Road contributors. (2026" in words and "roxham run 03-the-count" in words
    assert page.locator(".rx-copy").count() == (8 if scripts else 0)
    assert complaints == []
    context.close()


def test_the_live_view_works_on_a_figure_page(small, browser):
    page = browser.new_page()
    page.goto((small.html / "figures/interceptions-monthly/index.html").as_uri())
    page.click("text=Live view")
    page.wait_for_selector(".rx-live svg")
    page.close()


def test_a_mark_under_a_figure_is_reached_by_keyboard_and_printed_as_a_citation(small, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((small.html / "chapters/03-the-count.html").as_uri())
    marks = page.locator("#fig-interceptions-monthly .rx-marks a")
    assert marks.all_inner_texts() == ["Cite", "Data", "Image", "Code"]
    page.locator("#fig-interceptions-monthly .rx-data summary").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Cite"
    page.keyboard.press("Enter")
    page.wait_for_url("**/figures/interceptions-monthly/index.html#cite")
    page.go_back()
    page.emulate_media(media="print")
    assert not marks.first.is_visible()
    printed = page.locator("#fig-interceptions-monthly .rx-printed")
    assert printed.is_visible() and "figure interceptions-monthly" in printed.inner_text()
    context.close()


def test_without_an_address_none_is_made_up(small, addressed):
    figures = [p for p in (small.html / "figures").rglob("*.html")]
    assert figures
    for page in figures:
        text = page.read_text()
        assert 'rel="canonical"' not in text and "host.example" not in text
        name = page.relative_to(small.html).as_posix().removesuffix("index.html")
        if not name.endswith("embed.html"):
            there = (addressed.html / page.relative_to(small.html)).read_text()
            assert f'<link rel="canonical" href="{ADDRESS}{name}">' in there


def test_an_address_that_is_none_is_refused(project):
    environment = project.environment | {"ROXHAM_BASE_URL": "roxham"}
    done = subprocess.run(
        project.command("build"), cwd=project.root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and done.stderr.startswith(
        "roxham build: ROXHAM_BASE_URL is 'roxham'; it must"
    )


# --- the promise --------------------------------------------------------------------------------------------


def test_a_build_that_drops_a_figure_fails_and_leaves_the_site(project):
    before = project.files()
    project.edit("chapters/03-the-count.md", '    id="interceptions-monthly",', '    id="count-monthly",')
    project.edit("chapters/03-the-count.md", "(#fig-interceptions-monthly)", "(#fig-count-monthly)")
    done = project.roxham("build")
    assert done.returncode == 1 and project.files() == before
    assert (
        "figure interceptions-monthly: it was published and is not in the book; bring it back" in done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_renamed_figure_is_found_by_its_old_name(project, browser):
    project.edit("chapters/03-the-count.md", '    id="interceptions-monthly",', '    id="count-monthly",')
    project.edit("chapters/03-the-count.md", "(#fig-interceptions-monthly)", "(#fig-count-monthly)")
    project.edit("chapters/08-the-other-direction.md", "(#fig-interceptions-monthly)", "(#fig-count-monthly)")
    project.edit("chapters/figures.yml", "moved: {}", "moved:\n  interceptions-monthly: count-monthly")
    done = project.roxham("build")
    assert done.returncode == 0, done.stderr
    assert "new, and not yet in chapters/figures.yml: count-monthly" in done.stderr
    page = browser.new_page()
    page.goto((project.html / "figures/interceptions-monthly/index.html").as_uri())
    page.wait_for_url("**/figures/count-monthly/index.html")
    page.close()
    cited = project.roxham("cite", "interceptions-monthly")
    assert (
        cited.returncode == 0 and "count-monthly" in cited.stdout and "is count-monthly now" in cited.stderr
    )
    assert project.roxham("figures", "--promise").stdout == "count-monthly\n"
    assert "- count-monthly\n" in (project.root / "chapters/figures.yml").read_text()
    again = project.roxham("build")
    assert again.returncode == 0 and "not yet" not in again.stderr


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ("{gone: nowhere}", "gone has moved to nowhere, which is not in the book"),
        (
            "{interceptions-monthly: southbound-monthly}",
            "interceptions-monthly has moved to southbound-monthly, but",
        ),
        ("{a: b, b: a}", "a has moved to a, which is not in the book"),
        ("[a, b]", "it must be `ids:`, a list of figure IDs"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_refused(project, moved, said):
    project.edit("chapters/figures.yml", "moved: {}", f"moved: {moved}")
    done = project.roxham("build")
    assert done.returncode == 1 and f"chapters/figures.yml: {said}" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


# --- the commands -------------------------------------------------------------------------------------------


def test_figures_lists_id_chapter_and_title(small):
    done = small.roxham("figures")
    assert [line.split()[:2] for line in done.stdout.splitlines()][:2] == [
        ["claims-by-door", "index"],
        ["interceptions-by-province-year", "03-the-count"],
    ]
    of_one = small.roxham("figures", "the-other-direction").stdout.splitlines()
    assert 0 < len(of_one) < len(done.stdout.splitlines())


def test_cite_prints_what_the_site_offers(small):
    folder = small.html / "figures/interceptions-monthly"
    for style, suffix in (("bibtex", "bib"), ("ris", "ris"), ("csl", "csl.json")):
        done = small.roxham("cite", "interceptions-monthly", "--style", style)
        assert done.stdout == (folder / f"interceptions-monthly.{suffix}").read_text()
    apa = small.roxham("cite", "interceptions-monthly").stdout
    assert apa.startswith("The Roxham Road contributors. (2026, ") and "<" not in apa and "&" not in apa


def test_export_writes_an_image_as_wide_as_asked_and_the_data_as_they_are(small, tmp_path):
    from PIL import Image

    out = tmp_path / "count.png"
    done = small.roxham("export", "interceptions-monthly", "--to", "png", "--width", "1600", "--out", out)
    assert done.returncode == 0 and Image.open(out).width == 1600
    for kind in ("svg", "csv", "zip"):
        done = small.roxham("export", "interceptions-monthly", "--to", kind, "--out", tmp_path / f"f.{kind}")
        same = small.html / f"figures/interceptions-monthly/interceptions-monthly.{kind}"
        assert done.returncode == 0 and (tmp_path / f"f.{kind}").read_bytes() == same.read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cite", "interception-monthly"], "nearest: interceptions-monthly"),
        (["cite", "interceptions-monthly", "--style", "mla"], "'mla'"),
        (["export", "interception-monthly", "--out", "out.png"], "nearest: interceptions-monthly"),
        (["export", "interceptions-monthly", "--to", "csv", "--width", "900"], "csv has none"),
        (["export", "interceptions-monthly", "--width", "0"], "0"),
        (
            ["export", "interceptions-monthly", "--out", "none/out.png"],
            "not a file in a folder that is there",
        ),
        (["export", "interceptions-monthly", "--out", "."], "not a file"),
        (["figures", "the-cuont"], "nearest: 03-the-count"),
    ],
)
def test_a_bad_word_ends_in_one_line_and_writes_nothing(small, words, said):
    before = sorted(p.name for p in small.root.iterdir())
    done = small.roxham(*words)
    assert done.returncode == 2 and said in done.stderr and done.stdout == "", done.stderr
    assert "Traceback" not in done.stderr and sorted(p.name for p in small.root.iterdir()) == before


def test_without_a_site_the_commands_say_how_to_build_one(tmp_path, small):
    copy = small.copy(tmp_path / "book")
    (copy.root / "_build/html").unlink()
    done = copy.roxham("cite", "interceptions-monthly")
    assert (
        done.returncode == 1
        and done.stderr == "roxham cite: no site is built here; `roxham build` builds it\n"
    )
