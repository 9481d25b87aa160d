"""What the pages say of themselves to machines, from the one record of a work (`cite.work`).

For reference managers, Highwire's `citation_*` and Dublin Core; for search engines, schema.org as JSON-LD; for what
shows a link to a page, OpenGraph; for crawlers, a sitemap and robots.txt; for whoever follows the data, a feed; for
readers, who owns what. Links are relative, which HTML, JSON-LD and Atom allow. What needs an absolute address
(canonical links, OpenGraph, the sitemap) is there only where the edition has one.
"""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from posixpath import relpath

import lxml.html
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml import etree
from PIL import Image

from roxham import tables
from roxham.publish import cite, downloads
from roxham.publish.cache import drop_oldest, kept, made, state
from roxham.publish.chapters import BookError, settings
from roxham.publish.edition import Edition

TEMPLATES = Path(__file__).parent / "assets" / "templates"
PACKAGE, FEED = "data/datapackage.json", "feed.xml"
UPDATES = 20  # kept from build to build
WORDS = {
    "entry": "{title}: {day}",
    "rows": "{rows:,} rows. {description}",
    "from": "From {publishers}.",
    "feed": "New data. {title}",
}
LICENCES = {  # by their names in the SPDX list, which CITATION.cff uses
    "MIT": ("MIT", "https://opensource.org/license/mit"),
    "CC-BY-4.0": ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/"),
}
# by the names that Zotero knows, and DCMI's own for an image
_DC_TYPE = {"book": "book", "chapter": "bookSection", "webpage": "webpage", "figure": "StillImage"}
_SENTENCES = 300  # characters of an answer that stand for a page
_HEAD_ENDS = "</head>"
_MARK = 'type="application/atom+xml"'
_ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Page:
    """A page of the site: its path, what it is (book, chapter, figure, webpage), what it says, its lead figure."""

    path: str
    kind: str
    title: str
    description: str
    figure: str  # an ID, or ""
    position: int = 0  # among the chapters


def write(site: Path, chapters: Mapping[str, str], edition: Edition) -> None:
    """Finish a printed site that has its figure pages. chapters: path of each page → title, in the book's order.

    Pages that were finished before stay as they are. Raises `BookError` where CITATION.cff names no licence.
    """
    index = json.loads((site / "figures" / "figures.json").read_bytes())
    figures = {f"figures/{f['id']}/index.html": f for f in index["figures"]}
    _front_door(site / "index.html", edition)
    listed = []
    for path in sorted(site.rglob("*.html")):
        name, text = path.relative_to(site).as_posix(), path.read_text("utf-8")
        if _HEAD_ENDS not in text:
            continue
        hidden = '<meta name="robots" content="noindex">' in text or name in ("search.html", "genindex.html")
        listed += [] if hidden or name == "index.html" else [name]
        if _MARK in text:
            continue
        if hidden:
            tags = _links(name)
        else:
            page = _page(name, text, chapters, figures)
            tags = _tags(page, text, site, edition) + _linked_data(page, site, chapters, figures, edition)
        if not re.search(r'rel="(?:shortcut )?icon"', text):
            tags += '<link rel="icon" href="data:,">\n'  # else a browser asks for one that is not there
        text = text.replace(_HEAD_ENDS, f"{tags}{_HEAD_ENDS}", 1)
        if not hidden and "rx-colophon" not in text:
            note = _render("roxham-colophon.html", colophon=colophon(edition), up=_up(name)).strip()
            text = text.replace("</body>", f"<footer>{note}</footer>\n</body>", 1)
        path.write_text(text, "utf-8")
    (site / FEED).write_bytes(feed(edition))
    robots = "User-agent: *\nAllow: /\n"
    if edition.base:
        (site / "sitemap.xml").write_bytes(_sitemap(listed, edition))
        robots += f"Sitemap: {edition.base}sitemap.xml\n"
    (site / "robots.txt").write_text(robots)


# --- who owns what ------------------------------------------------------------------------------------------


@functools.cache
def licences() -> dict[str, dict]:
    """Of the `code` and the `text`, as CITATION.cff has them: name, path. Raises `BookError` for one unknown."""
    cff = settings("CITATION.cff")
    found = {"code": cff.get("license"), "text": cff.get("preferred-citation", {}).get("license")}
    for what, name in found.items():
        if name not in LICENCES:
            raise BookError(
                f"CITATION.cff: the licence of the {what} is {name!r}; it must be one of {', '.join(LICENCES)}"
            )
    return {what: dict(zip(("name", "path"), LICENCES[name], strict=True)) for what, name in found.items()}


def colophon(edition: Edition) -> dict:
    """What the foot of a page says: authors, licences of text and code, version and its date."""
    authors = ", ".join(edition.authors)
    return {"authors": authors, "version": edition.version, "date": edition.date} | licences()


# --- a page -------------------------------------------------------------------------------------------------


def _page(name: str, text: str, chapters: Mapping[str, str], figures: Mapping[str, dict]) -> Page:
    if name in figures:
        figure = figures[name]
        return Page(name, "figure", figure["title"], figure["alt"], figure["id"])
    root = lxml.html.fromstring(text)
    said = root.xpath("string(//meta[@name='description']/@content)") or _answer(root)
    shown = root.xpath("//figure[starts-with(@id, 'fig-')]/@id")
    figure = shown[0].removeprefix("fig-") if shown else ""
    if name in chapters:
        order = list(chapters)
        kind = "chapter" if order.index(name) else "book"
        return Page(name, kind, chapters[name], said, figure, order.index(name))
    title = unescape(re.search(r"<title>(.*?)</title>", text, re.S)[1]).strip()
    return Page(name, "webpage", title, said, figure)


def _answer(root) -> str:
    """The first sentences of a chapter's answer in short; else of its first paragraph."""
    found = root.xpath(
        "//article//div[contains(@class, 'admonition')]/p[not(contains(@class, 'admonition-title'))]"
        "| //article//section/p[not(contains(@class, 'rx-reading'))]"
    )
    inside = [p for p in found if "admonition" in p.getparent().get("class", "")]
    if not found:
        return ""
    paragraph = (inside or found)[0]
    for mark in paragraph.xpath(".//sup"):  # the numbers of citations
        mark.drop_tree()
    text = re.sub(r"\s+([.,;:])", r"\1", " ".join(paragraph.text_content().split()))
    said = ""
    for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", text):
        if said and len(said) + len(sentence) > _SENTENCES:
            break
        said = f"{said} {sentence}".strip()
    return said


def _up(name: str) -> str:
    return "../" * name.count("/")


def _item(page: Page, edition: Edition) -> dict:
    """The page as a work to cite."""
    kind = "webpage" if page.kind == "figure" else page.kind
    id = page.figure if page.kind == "figure" else Path(page.path).stem
    title = edition.title if page.kind == "book" else page.title
    return cite.work(id, kind, title, page.path.removesuffix("index.html"), edition)


def _links(name: str) -> str:
    up = _up(name)
    return (
        f'<link rel="describedby" type="application/json" href="{up}{PACKAGE}">\n'
        f'<link rel="alternate" {_MARK} title="{escape(_feed_title())}" href="{up}{FEED}">\n'
        f'<link rel="license" href="{licences()["text"]["path"]}">\n'
    )


def _tags(page: Page, text: str, site: Path, edition: Edition) -> str:
    """Highwire, Dublin Core, links and, with an address, OpenGraph."""
    item = _item(page, edition)
    year, month, day = item["issued"]["date-parts"][0]
    issued = f"{year:04}-{month:02}-{day:02}"
    whole = item.get("container-title", "")
    authors = [a["literal"] for a in item["author"]]
    tags = [
        ("citation_title", item["title"]),
        *(("citation_author", a) for a in authors),
        ("citation_publication_date", issued.replace("-", "/")),
        ("citation_language", item["language"]),
        # Zotero asks for the one, Google Scholar for the other
        *((n, whole) for n in ("citation_book_title", "citation_inbook_title") if page.kind == "chapter"),
        *((n, item["URL"]) for n in ("citation_public_url",) if edition.base),
        ("DC.title", item["title"]),
        *(("DC.creator", a) for a in authors),
        ("DC.type", _DC_TYPE[page.kind]),
        ("DC.language", item["language"]),
        ("DC.rights", licences()["text"]["path"]),
        ("DC.identifier", item.get("URL", item["id"])),
        ("DCTERMS.issued", issued),
        ("DCTERMS.hasVersion", item["version"]),
        *((n, whole) for n in ("DCTERMS.isPartOf",) if whole),
    ]
    if page.description and '<meta name="description"' not in text:
        tags.append(("description", page.description))
    head = _links(page.path) + _meta("name", tags)
    if not edition.base:
        return head
    if 'rel="canonical"' not in text:
        head += f'<link rel="canonical" href="{escape(item["URL"])}">\n'
    graph = [
        ("og:title", item["title"]),
        ("og:type", "book" if page.kind == "book" else "article"),
        ("og:url", item["URL"]),
        ("og:site_name", edition.title),
        ("og:locale", item["language"].replace("-", "_")),
        *((n, page.description) for n in ("og:description",) if page.description),
    ]
    picture = site / "figures" / page.figure / f"{page.figure}.png"
    if page.figure and picture.is_file():
        width, height = Image.open(picture).size
        alt = json.loads(picture.with_suffix(".json").read_bytes())["alt"]
        graph += [
            ("og:image", f"{edition.base}figures/{page.figure}/{page.figure}.png"),
            ("og:image:type", "image/png"),
            ("og:image:width", str(width)),
            ("og:image:height", str(height)),
            ("og:image:alt", alt),
        ]
    card = "summary_large_image" if len(graph) > 6 else "summary"
    return head + _meta("property", graph) + _meta("name", [("twitter:card", card)])


def _meta(attribute: str, tags: list[tuple[str, str]]) -> str:
    return "".join(f'<meta {attribute}="{name}" content="{escape(said)}">\n' for name, said in tags)


def _front_door(door: Path, edition: Edition) -> None:
    """The site's root, which Jupyter Book leaves as one bare tag that leads to the front page."""
    text = door.read_text("utf-8")
    if _HEAD_ENDS not in text:
        front = re.search(r'url=([^"]+)"', text)[1]
        door.write_text(
            _render(
                "roxham-door.html", title=edition.title, front=front, base=edition.base, bare=_bare(front)
            ),
            "utf-8",
        )


def _bare(name: str) -> str:
    """A page's path as an address has it."""
    return re.sub(r"(^|/)index\.html$", r"\1", name)


# --- schema.org ---------------------------------------------------------------------------------------------


def _linked_data(page: Page, site: Path, chapters, figures, edition: Edition) -> str:
    def to(path: str) -> str:
        """The address of a file of the site, as this page may write it."""
        if edition.base:
            return edition.base + _bare(path)
        return relpath(path, Path(page.path).parent.as_posix())

    authors = [{"@type": "Organization", "name": name} for name in edition.authors]
    text = licences()["text"]["path"]
    common = {
        "author": authors,
        "datePublished": edition.date,
        "version": edition.version,
        "inLanguage": "en-CA",
        "license": text,
    }
    front = next(iter(chapters))
    book = {"@type": "Book", "@id": to(front), "name": edition.title, "url": to(front)}
    said = {"description": page.description} if page.description else {}
    here = {"@id": to(page.path), "url": to(page.path), "name": page.title} | said
    if page.kind == "book":
        parts = [
            {"@type": "Chapter", "@id": to(path), "url": to(path), "name": title, "position": n}
            for n, (path, title) in enumerate(chapters.items())
            if n
        ]
        code = {"@type": "SoftwareSourceCode", "name": edition.title, "programmingLanguage": "Python"}
        code |= common | {"license": licences()["code"]["path"]}
        graph = [here | book | common | {"hasPart": parts}, _dataset(to, common, edition), code]
    elif page.kind == "chapter":
        shown = [
            {"@type": "ImageObject", "@id": to(path), "name": f["title"]}
            for path, f in figures.items()
            if f["page"] == page.path
        ]
        graph = [{"@type": "Chapter", "position": page.position} | here | common | {"isPartOf": book}]
        graph[0] |= {"image": shown} if shown else {}
    elif page.kind == "figure":
        graph = _figure(figures[page.path], to, here | common, site, text, edition)
    else:
        graph = [{"@type": "WebPage"} | here | common | {"isPartOf": book}]
    data = json.dumps(
        {"@context": "https://schema.org", "@graph": graph}, ensure_ascii=False, separators=(",", ":")
    )
    return f'<script type="application/ld+json">{data.replace("<", chr(92) + "u003c")}</script>\n'


def _dataset(to, common: dict, edition: Edition) -> dict:
    """The data package of the whole book."""
    package = _package()
    return {
        "@type": "Dataset",
        "@id": to(PACKAGE),
        "name": package["title"],
        "description": package["description"],
        "creator": common["author"],
        "version": edition.version,
        "license": [licence["path"] for licence in package["licenses"]],
        "isAccessibleForFree": True,
        "dateModified": max(day for _, day, *_ in _updates()),
        "distribution": [
            _download(to(f"data/{downloads.PACKAGE}.zip"), "application/zip"),
            _download(to(PACKAGE), "application/json"),
        ],
    }


def _download(url: str, kind: str) -> dict:
    return {"@type": "DataDownload", "contentUrl": url, "encodingFormat": kind}


def _figure(figure: Mapping, to, said: dict, site: Path, licence: str, edition: Edition) -> list[dict]:
    """The image, and the rows that it plots."""
    name = f"figures/{figure['id']}/{figure['id']}"
    kinds = {"svg": "image/svg+xml", "pdf": "application/pdf"}
    image = {
        "@type": "ImageObject",
        **said,
        "identifier": figure["id"],
        "caption": figure["caption"] or figure["title"],
        "contentUrl": to(f"{name}.png"),
        "encodingFormat": "image/png",
        "thumbnailUrl": to(f"figures/{figure['id']}/thumbnail.svg"),
        "encoding": [
            {"@type": "ImageObject", "contentUrl": to(f"{name}.{suffix}"), "encodingFormat": kind}
            for suffix, kind in kinds.items()
            if (site / f"{name}.{suffix}").is_file()
        ],
        "creator": said["author"],
        "creditText": f"{', '.join(edition.authors)}, {edition.title}",
        "copyrightNotice": ", ".join(edition.authors),
        "acquireLicensePage": licence,
        "isPartOf": {"@type": "Chapter", "@id": to(figure["page"]), "name": figure["chapter"]},
        "isBasedOn": [{"@id": to(f"{name}.csv")}, *(s["url"] for s in figure["sources"] if s["url"])],
    }
    rows = {
        "@type": "Dataset",
        "@id": to(f"{name}.csv"),
        "name": figure["title"],
        "description": figure["alt"],
        "creator": said["author"],
        "version": edition.version,
        "license": [licence["path"] for licence in _package()["licenses"]],
        "isAccessibleForFree": True,
        "isPartOf": {"@id": to(PACKAGE)},
        "distribution": [_download(to(f"{name}.csv"), "text/csv")],
    }
    return [image, rows]


@functools.cache
def _package() -> dict:
    return json.loads((tables.DATA / "datapackage.json").read_bytes())


# --- what changed -------------------------------------------------------------------------------------------


@functools.cache
def _updates() -> list[tuple[str, str, int, str]]:
    """Of each table with dated rows: name, day of its newest release, rows of that day, their sources' publishers;
    newest first. A row is dated by its vintage or, without one, by its source, to the day where that is known."""
    now = state("data/", "scripts/roxham/tables.py", "scripts/roxham/publish/metadata.py")
    found = json.loads(kept("updates", now, "json", lambda: json.dumps(_newest()).encode()))
    drop_oldest(made("updates"), UPDATES)
    return sorted(map(tuple, found), key=lambda update: update[1], reverse=True)


def _newest() -> list[tuple[str, str, int, str]]:
    """Those, by the tables' names."""
    sources = tables.load("sources").set_index("source_id")
    found = []
    for name in tables.names():
        frame = tables.load(name)
        if "source_id" not in frame or name == "sources":
            continue
        if "vintage" in frame:
            days = frame["vintage"].dt.strftime("%Y-%m-%d")
        else:
            days = (
                frame["source_id"].map(sources["date"]).where(lambda s: s.str.fullmatch(r"\d{4}-\d\d-\d\d"))
            )
        if days.dropna().empty:
            continue
        newest = frame[days == days.max()]
        publishers = sources["publisher"].reindex(newest["source_id"].dropna().unique()).dropna().unique()
        found.append((name, days.max(), len(newest), "; ".join(sorted(publishers))))
    return sorted(found)


def feed(edition: Edition) -> bytes:
    """Atom (RFC 4287): of each table of the record, its newest release. A later one is a new entry.

    Names are made of the table and the day (UUID, version 5), so that they stay wherever the site stands.
    """
    about = {r["name"]: r for r in _package()["resources"]}
    updates = _updates()
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "en-CA")

    def put(parent, tag: str, text: str = "", **attributes: str):
        node = etree.SubElement(parent, f"{{{_ATOM}}}{tag}", attributes)
        node.text = text or None
        return node

    put(root, "id", _urn(_package()["name"]))
    put(root, "title", _feed_title())
    put(root, "updated", f"{updates[0][1]}T00:00:00Z")
    for name in edition.authors:
        put(put(root, "author"), "name", name)
    put(root, "link", rel="alternate", type="text/html", href=f"{edition.base}index.html")
    put(root, "link", rel="related", type="application/json", href=f"{edition.base}{PACKAGE}")
    if edition.base:
        put(root, "link", rel="self", type="application/atom+xml", href=f"{edition.base}{FEED}")
    put(root, "rights", "; ".join(licence["title"] for licence in _package()["licenses"]))
    for name, day, rows, publishers in updates:
        entry = put(root, "entry")
        put(entry, "id", _urn(f"{_package()['name']}/{name}/{day}"))
        put(entry, "title", WORDS["entry"].format(title=about[name]["title"], day=day))
        put(entry, "updated", f"{day}T00:00:00Z")
        path = f"data/{about[name]['path']}"
        put(entry, "link", rel="alternate", type="text/csv", href=f"{edition.base}{path}")
        said = WORDS["rows"].format(rows=rows, description=about[name].get("description", ""))
        put(
            entry,
            "summary",
            f"{said} {WORDS['from'].format(publishers=publishers) if publishers else ''}".strip(),
        )
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _feed_title() -> str:
    return WORDS["feed"].format(title=_package()["title"])


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, name).urn


def _sitemap(pages: list[str], edition: Edition) -> bytes:
    """The pages that may be found, by https://www.sitemaps.org/protocol.html."""
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    root = etree.Element(f"{{{space}}}urlset", nsmap={None: space})
    for name in pages:
        url = etree.SubElement(root, f"{{{space}}}url")
        etree.SubElement(url, f"{{{space}}}loc").text = edition.base + _bare(name)
        etree.SubElement(url, f"{{{space}}}lastmod").text = edition.date
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


@functools.cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)


def _render(template: str, **words) -> str:
    return _environment().get_template(template).render(**words)
