"""What the pages say of themselves, read back by other libraries; what they may load; where their links lead."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import feedparser
import pandas as pd
import pytest
import rdflib
import yaml
from browsing import serving, window
from lxml import etree, html
from playwright.sync_api import expect
from project import ADDRESS, CHECKOUT, EVERY
from rdflib import RDF, Graph, URIRef

from roxham.publish import links, metadata, policy
from roxham.publish.edition import Edition

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")  # rdflib's own

SAYS_NOTHING = {"index.html", "search.html", "genindex.html"}  # they lead to pages, and are no work to cite


def pages(project) -> dict[str, html.HtmlElement]:
    site = project.html.resolve()
    read = html.HTMLParser(encoding="utf-8", huge_tree=True)
    return {
        p.relative_to(site).as_posix(): html.parse(str(p), read).getroot()
        for p in sorted(site.rglob("*.html"))
    }


@pytest.fixture(scope="module")
def whole(built) -> dict[str, html.HtmlElement]:
    """The pages of the whole book, parsed."""
    return pages(built)


def works(found: dict) -> dict:
    """The pages that are for being found and cited."""
    return {n: p for n, p in found.items() if n not in SAYS_NOTHING and not p.xpath("//meta[@name='robots']")}


def said(page, name: str) -> list[str]:
    return page.xpath("//meta[@name=$name or @property=$name]/@content", name=name)


def linked(page) -> dict:
    (data,) = page.xpath("//script[@type='application/ld+json']/text()")
    return json.loads(data)


def graph(page, address: str) -> Graph:
    """The page's JSON-LD as an independent library reads it, its links seen from where the page stands."""
    data = linked(page)
    assert data.pop("@context") == "https://schema.org"
    terms = {
        "@vocab": str(rdflib.SDO),
        **{t: {"@type": "@id"} for t in ("url", "contentUrl", "thumbnailUrl", "license")},
    }
    return Graph().parse(data=json.dumps({"@context": terms} | data), format="json-ld", publicID=address)


# --- tags ---------------------------------------------------------------------------------------------------


def test_a_reference_manager_finds_title_authors_and_date_on_every_page(built, whole):
    cff = yaml.safe_load((built.root / "CITATION.cff").read_text())
    index = json.loads((built.html / "figures/figures.json").read_text())
    items = {f"figures/{f['id']}/index.html": f["citation"] for f in index["figures"]}
    assert len(works(whole)) > len(items) + len(built.chapters)
    for name, page in works(whole).items():
        (title,) = said(page, "citation_title")
        assert said(page, "DC.title") == [title]
        assert (
            said(page, "citation_author") == said(page, "DC.creator") == [a["name"] for a in cff["authors"]]
        )
        (issued,) = said(page, "DCTERMS.issued")
        assert said(page, "citation_publication_date") == [issued.replace("-", "/")]
        assert issued == index["edition"]["date"]
        assert said(page, "DCTERMS.hasVersion") == [index["edition"]["version"]]
        book = cff["title"]
        if name in items:
            assert title == items[name]["title"] and said(page, "DC.identifier") == [items[name]["id"]]
            assert said(page, "DC.type") == ["StillImage"] and said(page, "description")
        elif name == "chapters/index.html":
            assert title == book and said(page, "DC.type") == ["book"] and not said(page, "DCTERMS.isPartOf")
        elif name.startswith("chapters/"):
            heading = page.xpath("//article//h1")[0].text_content().rstrip("#")
            assert title == heading and said(page, "citation_book_title") == [book]
            assert said(page, "DC.type") == ["bookSection"]


def test_every_page_links_the_data_package_the_feed_and_the_licence(whole):
    for name, page in whole.items():
        up = "../" * name.count("/")
        assert page.xpath("//head/link[@rel='describedby']/@href") == [f"{up}data/datapackage.json"]
        assert page.xpath("//head/link[@type='application/atom+xml']/@href") == [f"{up}feed.xml"]
        assert page.xpath("//head/link[@rel='license']/@href") == [metadata.LICENCES["CC-BY-4.0"][1]]


def test_a_description_is_the_answer_and_not_its_markup(whole):
    for name, page in whole.items():
        for text in said(page, "description"):
            assert len(page.xpath("//meta[@name='description']")) == 1
            assert 30 < len(text) < 900 and "<" not in text and "  " not in text, (name, text)
    (answer,) = said(whole["chapters/03-the-count.html"], "description")
    assert answer.startswith(
        "The op-ed’s two numbers hold. In 2022 the RCMP intercepted 39,171 asylum claimants"
    )


def test_the_licences_of_code_text_and_data_stand_apart(built, whole):
    package = json.loads((built.root / "data/datapackage.json").read_text())
    front = graph(whole["chapters/index.html"], "https://x.example/chapters/index.html")

    def of(kind):
        (node,) = front.subjects(RDF.type, kind)
        return {str(o) for o in front.objects(node, rdflib.SDO.license)}

    assert of(rdflib.SDO.Book) == {metadata.LICENCES["CC-BY-4.0"][1]}
    assert of(rdflib.SDO.SoftwareSourceCode) == {metadata.LICENCES["MIT"][1]}
    assert of(rdflib.SDO.Dataset) == {licence["path"] for licence in package["licenses"]}
    for name, page in works(whole).items():
        (note,) = page.xpath("//*[contains(@class, 'rx-colophon')]")
        text = note.text_content()
        assert (
            "Text and charts: CC BY 4.0. Code: MIT. Data: under the terms of those who published them" in text
        ), name


# --- schema.org ---------------------------------------------------------------------------------------------


def test_every_page_is_schema_org_to_an_independent_reader(built, whole):
    """rdflib reads it, every word of it is one of schema.org's, and every link of it leads to a file of the site."""
    root = "https://x.example/book/"
    for name, page in works(whole).items():
        found = graph(page, root + name)
        words = {t for _, p, o in found for t in ((o,) if p == RDF.type else (p,))}
        strange = {
            w
            for w in words
            if not str(w).startswith(str(rdflib.SDO)) or str(w)[len(str(rdflib.SDO)) :] not in rdflib.SDO
        }
        assert not strange, name
        for node in {n for triple in found for n in triple if str(n).startswith(root)}:
            assert (built.html / str(node).removeprefix(root)).is_file(), (name, node)
        kinds = set(found.objects(URIRef(root + name), RDF.type))
        if name == "chapters/index.html":
            assert kinds == {rdflib.SDO.Book}
            parts = {str(o) for o in found.objects(URIRef(root + name), rdflib.SDO.hasPart)}
            briefs = {f"briefs/{p.stem}" for p in (built.html / "chapters/briefs").glob("*.html")}
            assert parts == {f"{root}chapters/{c}.html" for c in (built.chapters | briefs) - {"index"}}
        elif name.startswith("chapters/"):
            assert kinds == {rdflib.SDO.Chapter}
        elif name.startswith("figures/") and name != "figures/index.html":
            assert kinds == {rdflib.SDO.ImageObject}
            (rows,) = found.subjects(RDF.type, rdflib.SDO.Dataset)
            assert str(rows).endswith(".csv")
            assert found.value(URIRef(root + name), rdflib.SDO.contentUrl).endswith(".png")


# --- an address, or none ------------------------------------------------------------------------------------


def test_without_an_address_nothing_names_one(built, whole):
    assert not (built.html / "sitemap.xml").exists()
    assert "Sitemap" not in (built.html / "robots.txt").read_text()
    for page in whole.values():
        assert not page.xpath("//meta[starts-with(@property, 'og:') or starts-with(@name, 'twitter:')]")
        assert not page.xpath("//link[@rel='canonical']") and not said(page, "citation_public_url")
    for link in etree.parse(str(built.html / "feed.xml")).iter("{*}link"):
        assert not urlsplit(link.get("href")).scheme and link.get("rel") != "self"


def test_with_an_address_every_page_names_itself_and_its_picture(addressed):
    site, own = pages(addressed), set()
    for name, page in works(site).items():
        (url,) = page.xpath("//link[@rel='canonical']/@href")
        own.add(url)
        assert url == ADDRESS + re.sub(r"(^|/)index\.html$", r"\1", name)
        assert (
            said(page, "og:url") == said(page, "citation_public_url") == said(page, "DC.identifier") == [url]
        )
        assert said(page, "og:title") == said(page, "citation_title")
        assert url in {n.get("@id") for n in linked(page)["@graph"]}
        figures = page.xpath("//figure[starts-with(@id, 'fig-')]/@id")
        if name.startswith("chapters/") and figures:
            lead = figures[0].removeprefix("fig-")
            assert said(page, "og:image") == [f"{ADDRESS}figures/{lead}/{lead}.png"]
            assert said(page, "twitter:card") == ["summary_large_image"]
        for image in said(page, "og:image"):
            data = (addressed.html / image.removeprefix(ADDRESS)).read_bytes()
            width, height = (int.from_bytes(data[n : n + 4]) for n in (16, 20))  # of a PNG's header
            assert said(page, "og:image:width") == [str(width)] and said(page, "og:image:height") == [
                str(height)
            ]
            assert len(said(page, "og:image:alt")[0]) > 40
    sitemap = etree.parse(str(addressed.html / "sitemap.xml"))
    assert {loc.text for loc in sitemap.iter("{*}loc")} == own and len(own) > 8
    assert f"Sitemap: {ADDRESS}sitemap.xml" in (addressed.html / "robots.txt").read_text()
    feed = feedparser.parse(str(addressed.html / "feed.xml"))
    hrefs = [link.href for e in feed.entries for link in e.links] + [link.href for link in feed.feed.links]
    assert f"{ADDRESS}feed.xml" in hrefs and all(href.startswith(ADDRESS) for href in hrefs)
    assert all((addressed.html / href.removeprefix(ADDRESS)).is_file() for href in hrefs)


# --- the feed -----------------------------------------------------------------------------------------------


def test_the_feed_has_the_newest_release_of_each_table(built):
    feed = feedparser.parse(str(built.html / "feed.xml"))
    assert not feed.bozo and feed.version == "atom10"
    days = [entry.updated for entry in feed.entries]
    assert days == sorted(days, reverse=True) and feed.feed.updated == days[0]
    assert len({entry.id for entry in feed.entries}) == len(feed.entries) > 40
    entries = {Path(entry.links[0].href).stem: entry for entry in feed.entries}
    for path in sorted((built.root / "data/tables").glob("*.csv")):
        table = pd.read_csv(path, dtype=str)
        if "vintage" in table and "source_id" in table:
            newest = table[table.vintage == table.vintage.max()]
            assert entries[path.stem].updated == f"{newest.vintage.iloc[0]}T00:00:00Z"
            assert entries[path.stem].summary.startswith(f"{len(newest):,} rows. ")
    assert all((built.html / entry.links[0].href).is_file() for entry in feed.entries)


def test_a_later_release_is_a_new_entry_wherever_the_site_stands(monkeypatch):
    def ids(day: str, base: str) -> list[str]:
        monkeypatch.setattr(metadata, "_updates", lambda: [("claimants", day, 5, "IRCC")])
        data = metadata.feed(Edition("Book", ("A",), "1", "2026-01-01", base))
        return [node.text for node in etree.fromstring(data).iter("{*}id")]

    book, entry = ids("2025-07-31", "")
    assert ids("2025-07-31", ADDRESS) == [book, entry]
    assert ids("2025-08-31", "")[0] == book and ids("2025-08-31", "")[1] != entry


# --- CITATION.cff -------------------------------------------------------------------------------------------


def test_citation_cff_is_valid_and_a_broken_one_is_not(tmp_path):
    def faults(path) -> int:
        command = [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.citation-file-format",
            path,
        ]
        return subprocess.run(command, capture_output=True).returncode

    assert faults(CHECKOUT / "CITATION.cff") == 0
    text = (CHECKOUT / "CITATION.cff").read_text()
    (tmp_path / "CITATION.cff").write_text(text.replace("license: CC-BY-4.0", "license: CC-BY-FOUR"))
    assert faults(tmp_path / "CITATION.cff") == 1


# --- the policy ---------------------------------------------------------------------------------------------


def test_every_page_has_the_policy_first_and_nothing_in_it_that_it_refuses(built, whole):
    for name, page in whole.items():
        (tag,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']")
        assert {before.tag for before in tag.itersiblings(preceding=True)} == {"meta"}, name
        rules = dict(rule.split(" ", 1) for rule in tag.get("content").split("; "))
        assert rules["default-src"] == "'none'" and rules["base-uri"] == "'none'"
        assert set(rules) <= {
            *("default-src", "base-uri", "script-src", "style-src", "img-src", "connect-src", "form-action")
        }
        assert {w for rule in rules.values() for w in rule.split()} - {
            "'none'",
            "'self'",
            "file:",
            "data:",
        } == {
            f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
            for text in page.xpath("//script[not(@src) and not(@type)]/text() | //style/text()")
        }, name
        assert "data:" not in rules["script-src"] + rules["style-src"]
        assert not page.xpath("//@style | //@onclick | //@onload | //@onerror"), name


@pytest.fixture(scope="module")
def served(built):
    with serving(built.html) as address:
        yield f"{address}/"


@pytest.fixture(params=["served", "disk"])
def root(request, built) -> str:
    """Where the pages of the whole book are read from."""
    return (
        request.getfixturevalue("served")
        if request.param == "served"
        else f"{built.html.resolve().as_uri()}/"
    )


@pytest.fixture
def reader(browser):
    """A reader's window; all that it complains of is kept."""
    tab = window(browser)
    yield tab
    tab.context.close()


def test_no_page_complains_under_its_policy(whole, root, reader):
    # by default each sixth, from the disk each seventh; test_page_weight.py and test_pages.py open every chapter
    step = 1 if EVERY else 6 if root.startswith("http") else 7
    for name, content in list(whole.items())[::step]:
        if content.xpath("//meta[@http-equiv='refresh']"):
            reader.goto(root + name, wait_until="commit")
            reader.wait_for_url(lambda url, first=root + name: url != first)
            continue
        many = bool(content.xpath("//img"))  # of which some are fetched late
        reader.goto(root + name, wait_until="networkidle" if many else "load")
    assert reader.faults == []


def test_under_the_policy_everything_that_moves_works(root, reader):
    reader.goto(f"{root}chapters/03-the-count.html")
    figure = reader.locator("#fig-interceptions-monthly")
    figure.get_by_role("button").click()
    live = figure.locator(".rx-live svg")
    live.wait_for(timeout=30_000)
    live.scroll_into_view_if_needed()
    box = live.bounding_box()
    reader.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"], steps=2)
    tooltip = reader.locator("#rx-tooltip")
    tooltip.wait_for(state="visible")
    style = "e => [getComputedStyle(e).position, getComputedStyle(e).backgroundColor]"
    assert tooltip.evaluate(style) == ["fixed", "rgb(34, 39, 43)"]  # by the site's own sheet
    reader.locator(".theme-switch-button").first.click()
    assert reader.evaluate("document.documentElement.dataset.mode") != "auto"
    reader.goto(f"{root}chapters/14-what-if.html")
    title = reader.locator("#fig-what-if-doors .rx-title")
    before = title.inner_text()
    reader.locator(".rx-explorer input[type=range]").first.press("ArrowRight")
    expect(title).not_to_have_text(before)
    reader.goto(f"{root}search.html?q=interceptions")
    reader.locator("#search-results li").first.wait_for()
    reader.wait_for_load_state("networkidle")  # its first lines come from the pages found
    reader.goto(f"{root}figures/interceptions-monthly/index.html")
    reader.click("text=Live view")
    reader.locator(".rx-live svg").wait_for(timeout=30_000)
    assert reader.faults == []


def test_another_site_may_show_a_figure_alive_in_a_frame(served, reader, tmp_path):
    frame = (
        f'<iframe src="{served}figures/interceptions-monthly/embed.html" width="800" height="700"></iframe>'
    )
    (tmp_path / "a.html").write_text(f'<link rel="icon" href="data:,">{frame}')
    with serving(tmp_path) as other:  # another port, hence another origin
        reader.goto(f"{other}/a.html")
        inside = reader.frame_locator("iframe")
        inside.get_by_text("Live view").click()
        inside.locator(".rx-live svg").wait_for(timeout=30_000)
    assert reader.faults == []


INTRUDERS = {  # what a page would have to allow before something from outside could act in it
    "eval": "() => new Promise(done => setTimeout(() => {"  # later, because what the test itself runs may do all
    " try { eval('1'); done('ran'); } catch { done('refused'); } }))",
    "script": "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
    " document.head.append(s); return window.ran ? 'ran' : 'refused'; }",
    "style": "() => { const s = document.createElement('style'); s.textContent = 'body{opacity:.5}';"
    " document.head.append(s); return getComputedStyle(document.body).opacity === '1' ? 'refused' : 'ran'; }",
    "handler": "() => { const a = document.createElement('a'); a.setAttribute('onclick', 'window.clicked = 1');"
    " document.body.append(a); a.click(); return window.clicked ? 'ran' : 'refused'; }",
    "image": "() => new Promise(done => { const i = new Image();"
    " document.addEventListener('securitypolicyviolation', () => done('refused'), {once: true});"
    " i.onload = () => done('ran'); i.src = 'https://other.example/i.png'; })",
    "fetch": "() => fetch('https://other.example/').then(() => 'ran', () => 'refused')",
    "frame": "() => new Promise(done => { const f = document.createElement('iframe');"
    " document.addEventListener('securitypolicyviolation', () => done('refused'), {once: true});"
    " f.onload = () => setTimeout(() => done('ran'), 500); f.src = 'https://other.example/';"
    " document.body.append(f); })",
}


@pytest.mark.parametrize("name", ["chapters/03-the-count.html", "figures/interceptions-monthly/index.html"])
def test_what_is_not_of_the_site_is_refused(root, reader, name):
    asked = []
    reader.route(
        "https://other.example/**", lambda route: asked.append(route.request.url) or route.fulfill(body="")
    )
    reader.goto(root + name)
    assert {kind: reader.evaluate(act) for kind, act in INTRUDERS.items()} == dict.fromkeys(
        INTRUDERS, "refused"
    )
    assert asked == []


def test_what_the_policy_would_refuse_fails_the_build(tmp_path):
    page = '<html><head><meta charset="utf-8"></head><body>{}</body></html>'
    for bad in ("<script>alert(1)</script>", '<p style="color: red">', '<p class="a" onclick="alert(1)">'):
        (tmp_path / "a.html").write_text(page.format(bad))
        with pytest.raises(policy.ExtensionError, match=r"ERROR: a\.html: the page's policy refuses "):
            policy.write(tmp_path)


# --- links --------------------------------------------------------------------------------------------------


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.csv").write_text("a")
    (tmp_path / "b" / "index.html").write_text('<p id="part">')
    good = [
        "b/index.html#part",
        "b/x.csv",
        "#here",
        "#",
        "https://x.example/",
        "mailto:a@b.ca",
        "a.html?q=1#here",
    ]
    bad = ["c.html", "b/index.html#prat", "b/", "../a.html", "#hre", "B/index.html", "//x.example/y"]
    links_of = "".join(f'<a href="{link}">' for link in good + bad)
    refresh = '<meta http-equiv="refresh" content="0; url=gone.html">'
    (tmp_path / "a.html").write_text(f'<head>{refresh}</head><p id="here">{links_of}<img src="i.png">')
    found = links.dead(tmp_path)
    assert [line.split()[1] for line in found] == [*bad, "i.png", "gone.html"]
    assert "nearest: part" in next(line for line in found if "prat" in line)


def test_a_dead_link_fails_the_build_and_leaves_the_site(project):
    before = project.files()
    with (project.root / "chapters/index.md").open("a") as chapter:
        chapter.write('\n<p><a href="03-the-count.html#fig-interceptions-mothly">a chart</a></p>\n')
    done = project.roxham("build")
    assert done.returncode == 1
    assert (
        "ERROR: dead link in chapters/index.html: 03-the-count.html#fig-interceptions-mothly names no part of that "
        "page; nearest: fig-interceptions-monthly" in done.stderr
    )
    assert project.files() == before


def test_links_in_linked_data_and_feed_are_seen_from_their_page(built, whole):
    """A relative link of a page that moved would lead astray without any browser's complaint."""
    for name, page in works(whole).items():
        for node in linked(page)["@graph"]:
            assert urlsplit(node.get("@id", "")).scheme == ""
            assert (built.html / urljoin(name, node.get("@id", Path(name).name))).is_file()
