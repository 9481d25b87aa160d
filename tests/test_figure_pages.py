"""Figures as citable objects: their pages, citations, files, IDs and commands."""

import csv
import html
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote_plus

import axe_playwright_python
import bibtexparser
import lxml.html
import pandas as pd
import pikepdf
import pypandoc
import pypdfium2
import pytest
import rispy
from browsing import opened, serving, window
from project import ADDRESS, EVERY
from shapely.geometry import shape

from roxham import figures
from roxham.publish import pictures
from roxham.publish.edition import Edition

KINDS = ["svg", "png", "pdf", "csv", "vl.json", "json", "bib", "ris", "csl.json", "zip"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def index(project) -> dict:
    return json.loads((project.html / "figures/figures.json").read_text())


def folders(project) -> list[Path]:
    return sorted(p for p in (project.html / "figures").iterdir() if p.is_dir())


def notebooks(project):
    """Those of the chapters; the figures of briefs have no pages of their own."""
    for path in sorted((project.html / "_sources/chapters").glob("*.ipynb")):
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
        names = {p.name for p in folder.iterdir()} - {f"{folder.name}.geojson"}
        assert names == {"index.html", "embed.html", "thumbnail.svg", *(f"{folder.name}.{k}" for k in KINDS)}


def test_the_csv_is_what_the_cell_gave(built):
    for id, meta in drawn(built).items():
        text = (built.html / "figures" / id / f"{id}.csv").read_text()
        assert text == meta["csv"] and len(pd.read_csv(io.StringIO(text))) == meta["rows"]


LAID_OUT = {  # what is drawn is computed from the rows, and is not the rows: id → what it is
    "argument-map": "boxes of text and arrows",
    "diplomacy-trail": "tickets of text",
    "made-way-of-the-data": "boxes of text and arrows",
    "rule-courts": "rulings as boxes of text",
    "rule-who-may-claim": "outcomes as boxes of text",
    "rule-timeline": "dates as written, such as 2025-10, from their first day to their last",
    "claim-to-address-flow": "ribbons, as curves",
    "road-continent": "a map: outlines, in GeoJSON",
    "road-crossing": "a map: outlines, in GeoJSON",
    "road-region": "a map: outlines, in GeoJSON",
    "road-world": "a map: outlines, in GeoJSON",
}
TYPES = {
    "integer": int,
    "number": float,
    "boolean": lambda cell: {"True": True, "False": False}[cell],
    "date": lambda cell: f"{cell}T00:00:00",
    "string": str,
}


def emptied(spec: dict, data: dict) -> dict:
    """A specification without what the metadata say is the CSV's."""
    datasets = dict(spec["datasets"])
    for name, link in data.items():
        at = link.get("rows", range(len(datasets[name])))
        datasets[name] = [
            row if i is None else {k: None if k in link["columns"] else v for k, v in row.items()}
            for row, i in zip(datasets[name], at, strict=True)
        ]
    return spec | {"datasets": datasets}


def replotted(spec: dict, data: dict, text: str) -> dict:
    """A specification with its data from the CSV, its types from the metadata."""
    spec, rows = emptied(spec, data), list(csv.DictReader(io.StringIO(text)))
    for name, link in data.items():
        at = link.get("rows", range(len(rows)))
        for row, i in zip(spec["datasets"][name], at, strict=True):
            for field, (column, kind) in link["columns"].items() if i is not None else ():
                if field in row:
                    row[field] = TYPES[kind](rows[i][column]) if rows[i][column] else None
    return spec


def shaken(text: str, data: dict) -> str:
    """The CSV with other numbers and dates, of those that are drawn."""
    drawn = {(column, kind) for link in data.values() for column, kind in link["columns"].values()}
    change = {
        "integer": lambda cell: str(int(cell) + max(1, abs(int(cell)) // 10)),
        "number": lambda cell: repr(float(cell) * 1.1 + 0.01),
        "boolean": lambda cell: str(cell != "True"),
        "date": lambda cell: f"{cell[:8]}{'04' if cell[8:] != '04' else '09'}",
    }
    frame = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    for column in dict(drawn):  # whole where one drawing of it is whole
        if kind := next((k for k in change if (column, k) in drawn), None):
            frame[column] = [change[kind](cell) if cell else cell for cell in frame[column]]
    return frame.to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("part", range(4))
def test_the_csv_of_a_figure_drawn_again_gives_the_same_svg_and_another_csv_another(built, part, monkeypatch):
    """Byte for byte. The second half is the proof that the drawing hangs on the file."""
    monkeypatch.delenv("ROXHAM_CACHE", raising=False)  # nothing drawn before
    held = index(built)
    edition = Edition(**held["edition"] | {"authors": tuple(held["edition"]["authors"])})
    for id in sorted(f["id"] for f in held["figures"])[part::4]:
        folder = built.html / "figures" / id
        spec = json.loads((folder / f"{id}.vl.json").read_text())
        meta = json.loads((folder / f"{id}.json").read_text())
        data, text = meta["drawn"]["datasets"], (folder / f"{id}.csv").read_text()
        again, other = (
            figures._tidy(id, figures._svg(id, replotted(spec, data, rows)), f"{id}-w")
            for rows in (text, shaken(text, data))
        )
        svg = pictures.svg(again, meta, meta["sources"], edition)
        assert svg == (folder / f"{id}.svg").read_text(), id
        assert (other == again) == (id in LAID_OUT), id


def test_the_outlines_of_a_map_are_geojson_that_draws_it(built):
    """Read by shapely: exteriors run counterclockwise, as RFC 7946 has it; turned round, they are the drawing's."""
    maps = [f for f in folders(built) if (f / f"{f.name}.geojson").exists()]
    assert {f.name for f in maps} >= {id for id, what in LAID_OUT.items() if "GeoJSON" in what}
    for folder in maps:
        datasets = json.loads((folder / f"{folder.name}.vl.json").read_text())["datasets"]
        drawn = [(n, r) for n, rows in datasets.items() for r in rows if r.get("type") == "Feature"]
        features = json.loads((folder / f"{folder.name}.geojson").read_text())["features"]
        for feature, (name, row) in zip(features, drawn, strict=True):
            found, given = shape(feature["geometry"]), shape(row["geometry"])
            parts = [p for p in getattr(found, "geoms", [found]) if p.geom_type == "Polygon"]
            assert all(p.exterior.is_ccw for p in parts), (folder.name, name)
            assert found.normalize() == given.normalize()
            rest = {k: v for k, v in row.items() if k not in ("type", "geometry")}
            assert feature["properties"] == {"layer": name} | rest


def test_a_pdf_is_one_titled_page_of_text_and_lines_and_always_the_same(built):
    """Read by pypdfium2. The converter is asked again, in another process than the build's."""
    drawn = {}
    for n, folder in enumerate(folders(built)):
        id = folder.name
        meta = json.loads((folder / f"{id}.json").read_text())
        content = (folder / f"{id}.pdf").read_bytes()
        with pypdfium2.PdfDocument(content) as document:
            (page,) = document
            kinds = {o.type for o in page.get_objects()}
            assert pypdfium2.raw.FPDF_PAGEOBJ_TEXT in kinds and pypdfium2.raw.FPDF_PAGEOBJ_IMAGE not in kinds
            words = " ".join(page.get_textpage().get_text_range().split())
            assert document.get_metadata_value("Title") == meta["title"]
            assert squeezed(meta["title"]) in squeezed(words) and squeezed(id) in squeezed(words)
        with pikepdf.open(io.BytesIO(content)) as document, document.open_metadata() as about:
            assert (about["dc:identifier"], about["dc:title"]) == (id, meta["title"])
        if n % 20 == 0:
            drawn[id] = (meta["title"], sha256(content).hexdigest())
    again = (
        "import json, pathlib, sys; from hashlib import sha256; from roxham.publish import pictures\n"
        "for id, (title, _) in json.loads(sys.argv[2]).items():\n"
        "    svg = pathlib.Path(sys.argv[1], id, f'{id}.svg').read_text()\n"
        "    print(id, sha256(pictures.pdf(svg, title, id)).hexdigest())\n"
    )
    command = [sys.executable, "-c", again, built.html / "figures", json.dumps(drawn)]
    done = subprocess.run(command, env=built.environment, capture_output=True, text=True, check=True)
    assert dict(line.split() for line in done.stdout.splitlines()) == {k: v for k, (_, v) in drawn.items()}


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
            page = lxml.html.parse(folder / "index.html")
            for cited in (p.text_content() for p in page.xpath("//p[@class='rx-cited']")):
                assert author["literal"] in cited and str(year) in cited and item["genre"] in cited
                assert squeezed(title) in squeezed(cited) and squeezed(item["container-title"]) in squeezed(
                    cited
                )
                assert ("http" in cited) == bool(address) and item.get("URL", "") in cited
            assert (item.get("URL") == f"{ADDRESS}figures/{id}/") == (project is addressed)


@pytest.mark.parametrize("format", ["bibtex", "biblatex", "ris", "csljson"])
def test_pandoc_reads_the_same_from_every_format(built, addressed, format):
    suffix = {"ris": "ris", "csljson": "csl.json"}.get(format, "bib")
    for project in (built, addressed):
        items = {f["id"]: f["citation"] for f in index(project)["figures"]}
        texts = [(project.html / f"figures/{id}/{id}.{suffix}").read_text() for id in items]
        if suffix == "csl.json":
            texts = [json.dumps([item for text in texts for item in json.loads(text)])]
        found = pypandoc.convert_text("\n".join(texts), "csljson", format=format)
        found = json.loads(found)
        assert [f["id"] for f in found] == list(items)
        for read in found:
            given, (author,) = items[read["id"]], read["author"]
            name = author.get("literal") or f"{author['given']} {author['family']}"
            assert name == given["author"][0]["literal"]
            assert straight(read["title"]) == straight(given["title"])
            assert (read.get("container-title") or read["publisher"]) == given["container-title"]
            (date,) = read["issued"]["date-parts"]
            assert date == given["issued"]["date-parts"][0][: len(date)]
            assert (read.get("version") or read["edition"]) == given["version"]
            assert format == "ris" or given["genre"] == (read.get("genre") or read["note"])
            assert read.get("URL") == given.get("URL")


def bibtex(path: Path) -> dict[str, str]:
    from bibtexparser.middlewares import LatexDecodingMiddleware, RemoveEnclosingMiddleware

    library = bibtexparser.parse_file(
        str(path), parse_stack=[RemoveEnclosingMiddleware(), LatexDecodingMiddleware()]
    )
    assert not library.failed_blocks
    (entry,) = library.entries
    fields = {f.key: f.value.strip("{}") for f in entry.fields}
    return fields | {"ENTRYTYPE": entry.entry_type, "ID": entry.key}


def straight(text: str) -> str:
    """With typewriter's apostrophes; pandoc sets them as a printer does."""
    return text.replace("’", "'").replace("‘", "'")


def squeezed(text: str) -> str:
    """Without what a style may change: case, and the form of quotation marks and dashes."""
    return re.sub(r"[\W_]+", " ", html.unescape(text)).casefold().strip()


def test_the_zip_holds_the_files_themselves(built):
    for folder in folders(built):
        with zipfile.ZipFile(folder / f"{folder.name}.zip") as archive:
            held = {Path(n).name: archive.read(n) for n in archive.namelist()}
        assert held == {p.name: p.read_bytes() for p in folder.glob(f"{folder.name}.*") if p.suffix != ".zip"}


def test_every_local_link_of_the_figure_pages_and_marks_leads_somewhere(built):
    site = built.html.resolve()
    files = {os.path.join(folder, name) for folder, _, names in os.walk(site) for name in names}
    ids = {}
    for page in [*(site / "figures").rglob("*.html"), *site.glob("chapters/*.html")]:
        where = "//a/@href" if "figures" in page.parts else "//p[@class='rx-marks']/a/@href"
        for href in set(lxml.html.parse(page).xpath(where)):
            if re.match(r"https?:", href):
                continue
            path, _, anchor = href.partition("#")
            target = os.path.normpath(page.parent / path) if path else str(page)
            assert target in files, (page, href)
            if anchor:
                if target not in ids:
                    ids[target] = set(re.findall(r'\bid="([^"]+)"', Path(target).read_text()))
                assert anchor in ids[target], (page, href)


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


def test_the_gallery_finds_by_words_and_narrows_by_chapter_subject_and_place(built, browser):
    """From disk. Together the choices narrow; each choice shows as many as it says; a link opens one chapter."""
    page = browser.new_page()
    page.goto((built.html / "figures/index.html").as_uri())
    everything, shown = index(built)["figures"], page.locator("main li:visible a")
    ids = "e => e.map(a => a.getAttribute('href').split('/')[0])"
    assert shown.count() == len(everything) and page.locator("[role=status]").inner_text() == ""
    for kind, value in (("subjects", "Southbound"), ("places", "Provinces compared")):
        page.select_option(f"[data-rx-by={kind}]", value)
        wanted = {f["id"] for f in everything if value in f[kind]}
        label = page.locator(f"[data-rx-by={kind}] option:checked").inner_text()
        assert set(shown.evaluate_all(ids)) == wanted and label == f"{value} ({len(wanted)})"
        page.click("text=Show all")
        page.wait_for_selector("[role=status]:empty", state="attached")
    page.fill("#rx-find", "swanton")
    few = shown.count()
    assert 0 < few < len(everything) / 2
    assert page.locator("[role=status]").inner_text() == f"{few} figures"
    page.select_option("[data-rx-by=chapter]", "in-06-did-closing-work")
    assert 0 < shown.count() < few and page.locator("main h2:visible").all_inner_texts() == [
        "Did closing work?"
    ]
    page.goto((built.html / "figures/index.html").as_uri() + "#in-03-the-count")
    page.reload()
    assert page.locator("main h2:visible").all_inner_texts() == ["The count"]
    page.close()


def test_every_figure_has_a_subject_and_a_place(built):
    for figure in index(built)["figures"]:
        assert figure["subjects"] and figure["places"], figure["id"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("southbound-monthly]", "]", "southbound-monthly has no subject; name it under one of"),
        ("Quebec: [", "Quebec: [claims-by-dor, ", "places, Quebec: no figure 'claims-by-dor'; nearest"),
        ("Southbound: [southbound-monthly]", "Southbound: no", "subjects must be names, each with"),
    ],
)
def test_the_check_refuses_a_figure_without_a_subject_and_a_name_that_is_none(project, old, new, said):
    path = project.root / "chapters/figures.yml"
    path.write_text(path.read_text().replace(old, new, 1))
    done = project.roxham("check")
    assert done.returncode == 1 and f"roxham check: chapters/figures.yml: {said}" in done.stderr
    assert "Traceback" not in done.stderr


# --- the search ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def addresses(built):
    """The site from disk, and from a server."""
    with serving(built.html) as address:
        yield built.html.as_uri(), address


LEADS = {
    "interceptions-monthly": "figures/interceptions-monthly/index.html",  # an ID
    "Sobol indices": "figures/what-if-sensitivity/index.html",  # a subtitle
    "asylum claimant": "chapters/glossary.html#term-asylum-claimant",  # a term
    "southbound_citizenships": "chapters/16-the-record.html",  # a table of the record
    "Saint-Bernard-de-Lacolle": "chapters/07-the-other-doors.html",  # the text
    "Nunavut": "chapters/briefs/province-nunavut.html",  # a brief
}


@pytest.mark.parametrize("served", [False, True])
def test_the_search_finds_text_figures_terms_and_tables(built, browser, addresses, served):
    page = window(browser)
    for words, leads in LEADS.items():
        page.goto(f"{addresses[served]}/search.html?q={quote_plus(words)}")
        page.wait_for_selector(".search-summary:not(:empty)")
        page.wait_for_load_state("networkidle")  # the first lines come from the pages found
        links = page.locator("#search-results li > a")
        found = links.evaluate_all(
            "e => e.map(a => a.getAttribute('href').replace(/[?]highlight=[^#]*/, ''))"
        )
        assert leads in found[:12], found
        links.nth(found.index(leads)).click()
        page.wait_for_url(lambda url, to=leads: to.partition("#")[0] in url)
        assert page.locator("h1").first.inner_text() and page.faults == []
        page.wait_for_load_state("networkidle")
    page.context.close()


# --- a page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "scheme"),
    [(1280, "light"), (360, "dark")] + ([(1280, "dark"), (360, "light")] if EVERY else []),
)
def test_axe_finds_nothing_on_the_gallery_and_the_pages_of_a_figure(small, browser, width, scheme):
    for name in ("index.html", "interceptions-monthly/index.html", "interceptions-monthly/embed.html"):
        page = opened(browser, (small.html / "figures" / name).as_uri(), width, scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= width and page.faults == []
        page.evaluate(AXE)
        found = page.evaluate("axe.run()")["violations"]
        assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in found] == [], name
        page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_figure_page_opens_from_disk_and_needs_no_script(small, browser, scripts, width):
    page = window(browser, width, java_script_enabled=scripts)
    for name in ("index.html", "embed.html"):
        page.goto((small.html / "figures/interceptions-monthly" / name).as_uri())
        page.wait_for_load_state("networkidle")
        assert page.locator(".rx-chart svg:visible").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth") if scripts else True
    page.goto((small.html / "figures/interceptions-monthly/index.html").as_uri())
    words = page.locator("main").inner_text()
    assert "The Roxham Road contributors. (2026" in words and "roxham run 03-the-count" in words
    assert page.locator(".rx-copy").count() == (8 if scripts else 0)
    assert page.faults == [] and all(url.startswith("file:") for url in page.asked)
    page.context.close()


def test_the_live_view_works_on_a_figure_page(small, browser):
    page = browser.new_page()
    page.goto((small.html / "figures/interceptions-monthly/index.html").as_uri())
    page.click("text=Live view")
    page.wait_for_selector(".rx-live svg")
    page.close()


def test_the_live_views_have_nothing_to_complain_about(built, browser):
    tab = opened(browser, "about:blank")
    for folder in folders(built)[:: 1 if EVERY else 12]:
        tab.goto((folder / "embed.html").as_uri())
        tab.get_by_role("button", name="Live view").click()
        chart = tab.locator(".rx-live svg")
        chart.wait_for()
        chart.hover()
        told = tab.locator("#rx-tooltip").all_inner_texts()
        assert "undefined" not in "".join(told), folder.name
        assert tab.faults == [], folder.name
    tab.context.close()


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


def test_a_figure_that_is_gone_fails_the_build_and_one_that_moved_is_found_by_its_old_name(project, browser):
    before = project.files()
    project.edit("chapters/03-the-count.md", '    id="interceptions-monthly",', '    id="count-monthly",')
    project.edit("chapters/03-the-count.md", "(#fig-interceptions-monthly)", "(#fig-count-monthly)")
    project.edit("chapters/08-the-other-direction.md", "(#fig-interceptions-monthly)", "(#fig-count-monthly)")
    gone = project.roxham("build")
    assert gone.returncode == 1 and "Traceback" not in gone.stderr and project.files() == before
    assert (
        "figure interceptions-monthly: it was published and is not in the book; bring it back" in gone.stderr
    )
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
