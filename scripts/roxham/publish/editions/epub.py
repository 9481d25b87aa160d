"""The book as one EPUB 3: the site's pages as XHTML, a chapter a file, and the data of the figures at its end.

Assembled here, and not by Sphinx's builder, which would print the book a second time and copies raw HTML as it is
(figures are no XHTML), nor by ebooklib, which stamps the clock on what it writes and is under the AGPL.
"""

from __future__ import annotations

import copy
import io
import re
import uuid
import zipfile
from dataclasses import dataclass
from html import escape
from pathlib import Path

import lxml.html
import vl_convert as vlc
from lxml import etree

from roxham.charts import COLOURS, text_width
from roxham.publish.edition import Edition
from roxham.publish.editions import reading

WORDS = {
    "cover": "Cover",
    "contents": "Contents",
    "figures": "Figures",
    "data": "Data of the figures",
    "data_of": "Data: {chapter}",
    "sources": "Sources",
    "see": "Data",
    "back": "The figure",
    "version": "Version {version}, {date}",
    "about": "This is the site as a book. The data of each figure stand at its end. The code and the live views "
    "are on the site, under the ID below each figure.",
    "summary": "Each chart has a description and its data as a table, to which a link below it leads. Headings, "
    "contents and links follow the chapters of the site. No meaning is carried by colour alone.",
}
WIDER = "45em"  # a page as wide as this shows the wide drawing
MANY = 5  # columns
COVER = (800, 1200)  # px, drawn at twice that
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
MEDIA = {"xhtml": "application/xhtml+xml", "svg": "image/svg+xml", "png": "image/png", "css": "text/css"}


@dataclass(frozen=True)
class Item:
    """A file of the book. title: in the contents, or "" for none. properties: as the package names them."""

    name: str
    content: bytes
    title: str = ""
    properties: str = ""

    @property
    def id(self) -> str:
        return "i-" + re.sub(r"[^\w-]", "-", self.name)

    @property
    def media(self) -> str:
        return MEDIA[self.name.rpartition(".")[2]]


def content(site: Path, edition: Edition) -> bytes:
    """The EPUB of a built site: the same bytes for the same site. Its dates are the edition's."""
    chapters = reading.read(site)
    lead = next((f for c in chapters for f in c.figures), None)
    cover = vlc.svg_to_png(_cover(edition, lead), scale=2)
    made = [
        Item("cover.xhtml", _render("epub-cover.xhtml", edition=edition).encode()),
        Item("title.xhtml", _render("epub-title.xhtml", edition=edition).encode()),
        *(Item(f"{c.stem}.xhtml", _chapter(c, edition), c.title) for c in chapters),
        Item(
            "figures.xhtml",
            _render("epub-figures.xhtml", edition=edition, chapters=chapters).encode(),
            WORDS["figures"],
        ),
    ]
    tables = [
        Item(f"{_data(c.stem)}.xhtml", _tables(c), WORDS["data_of"].format(chapter=c.title))
        for c in chapters
        if c.figures
    ]
    pictures = [
        Item(f"images/{f.id}{suffix}.svg", _picture(f, svg))
        for c in chapters
        for f in c.figures
        for suffix, svg in (("", f.narrow), ("-wide", f.wide))
    ]
    nav = _render("epub-nav.xhtml", edition=edition, chapters=chapters, tables=tables, id=_id)
    spine = [*made[:2], Item("nav.xhtml", nav.encode(), properties="nav"), *made[2:], *tables]
    rest = [
        Item("cover.png", cover, properties="cover-image"),
        Item("edition.css", (reading.ASSETS / "edition-epub.css").read_bytes()),
        *pictures,
    ]
    package = _render(
        "epub-package.opf",
        edition=edition,
        spine=spine,
        items=[*spine, *rest],
        identifier=_identifier(edition),
    )
    return _zipped(edition, package, [*spine, *rest])


def _chapter(chapter: reading.Chapter, edition: Edition) -> bytes:
    """A chapter as XHTML; its drawings are pictures with their description, the narrow one where the page is."""
    chapter = copy.deepcopy(chapter)
    reading.relink(chapter, chapter.body, edition.base, _place)
    for figure, element, chart in chapter.charts():
        wide = f'<source media="(min-width: {WIDER})" type="image/svg+xml" srcset="images/{figure.id}-wide.svg"/>'
        picture = f'<img src="images/{figure.id}.svg" alt="{escape(figure.alt)}"/>'
        picture = f"<picture>{wide}{picture}</picture>"
        chart.append(lxml.html.fragment_fromstring(picture))
        line = reading.cited(figure, edition)
        line += f'. <a href="{_data(chapter.stem)}.xhtml#{_id(figure.id)}">{WORDS["see"]}</a>'
        next(element.iter("figcaption")).append(
            lxml.html.fragment_fromstring(f'<p class="rx-cited">{line}</p>')
        )
    return _page(chapter.title, chapter.body)


def _tables(chapter: reading.Chapter) -> bytes:
    """The data of a chapter's figures: of each its sources, where they are many, and its table."""
    body = lxml.html.fragment_fromstring(
        f"<section><h1>{escape(WORDS['data_of'].format(chapter=chapter.title))}</h1></section>"
    )
    for figure in chapter.figures:
        part = lxml.html.fragment_fromstring(
            f'<section id="{_id(figure.id)}"><h2>{escape(figure.title)}</h2>'
            f'<p><a href="{chapter.stem}.xhtml#fig-{figure.id}">{WORDS["back"]}</a></p></section>'
        )
        if figure.sources is not None:
            part.append(lxml.html.fragment_fromstring(f"<p>{WORDS['sources']}</p>"))
            part.append(copy.deepcopy(figure.sources))
        table = copy.deepcopy(figure.data)
        for caption in table.findall("caption"):  # it repeats the heading
            caption.drop_tree()
        if len(next(table.iter("tr"))) >= MANY:
            table.classes.add("rx-many")
        part.append(table)
        for element in part.iter(etree.Element):
            for name in set(element.attrib) - reading.KEPT:
                del element.attrib[name]
        body.append(part)
    return _page(WORDS["data_of"].format(chapter=chapter.title), body)


def _place(stem: str, id: str) -> str:
    return f"{stem}.xhtml" + (f"#{id}" if id else "")


def _id(figure: str) -> str:
    return f"data-{figure}"


def _data(stem: str) -> str:
    """The stem of the file with the data of a chapter's figures."""
    return f"data-{stem}"


def _page(title: str, body) -> bytes:
    """An XHTML page around an element."""
    root = etree.fromstring(_render("epub-page.xhtml", title=title).encode())
    lxml.html.html_to_xhtml(body)
    root[-1].append(body)
    etree.cleanup_namespaces(root, keep_ns_prefixes=["epub"])
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, doctype="<!DOCTYPE html>")


def _picture(figure: reading.Figure, svg: str) -> bytes:
    """A drawing as a file, on the paper that its colours are meant for: a reader's page may be black."""
    width, height = reading.size(svg)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}"><title>{escape(figure.title, quote=False)}</title>'
        f'<rect width="{width:g}" height="{height:g}" fill="{COLOURS["page"][0]}"/>{svg.partition(">")[2]}\n'
    ).encode()


def _cover(edition: Edition, lead: reading.Figure | None) -> str:
    """The cover as SVG: the title, the authors, and the first figure of the book."""
    (width, height), margin = COVER, 70
    ink, muted, page, band = (COLOURS[name][0] for name in ("ink", "muted", "page", "quebec"))
    parts = [f'<rect width="{width}" height="{height}" fill="{page}"/>']
    parts += [f'<rect width="{width}" height="24" fill="{band}"/>']
    y = 110

    def write(words: str, size: int, colour: str, weight: str) -> None:
        nonlocal y
        for line in _lines(words, size, width - 2 * margin):
            y += round(1.2 * size)
            parts.append(
                f'<text x="{margin}" y="{y}" font-family="{FONT}" font-size="{size}" '
                f'font-weight="{weight}" fill="{colour}">{escape(line, quote=False)}</text>'
            )

    title, colon, rest = edition.title.partition(": ")
    write(title, 92, ink, "bold")
    if colon:
        y += 10
        write(rest, 48, ink, "normal")
    if lead:
        drawn = reading.size(lead.narrow)
        scale = min((width - 2 * margin) / drawn[0], (height - y - 280) / drawn[1])
        parts.append(
            f'<svg x="{margin}" y="{y + 90}" width="{drawn[0] * scale:g}" height="{drawn[1] * scale:g}" '
            f'viewBox="0 0 {drawn[0]:g} {drawn[1]:g}">{lead.narrow.partition(">")[2]}'
        )
    y = height - 130
    write(", ".join(edition.authors), 28, ink, "normal")
    write(edition.date[:4], 28, muted, "normal")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )


def _lines(words: str, size: int, width: int) -> list[str]:
    """A text broken so that no line is wider than `width` px, as far as it has spaces."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _identifier(edition: Edition) -> str:
    """Of this book in this version and at this address: the same whoever makes it."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{edition.base} {edition.title} {edition.version}").urn


def _render(template: str, **words) -> str:
    return reading.render(template, w=WORDS, **words)


def _zipped(edition: Edition, package: str, items: list[Item]) -> bytes:
    """The container: the name of its kind first and bare, then the rest packed."""
    year, month, day = map(int, edition.date.split("-"))
    files = [("mimetype", b"application/epub+zip")]
    files += [("META-INF/container.xml", (reading.ASSETS / "epub-container.xml").read_bytes())]
    files += [("EPUB/package.opf", package.encode()), *((f"EPUB/{i.name}", i.content) for i in items)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files:
            entry = zipfile.ZipInfo(name, (year, month, day, 0, 0, 0))
            bare = name == "mimetype" or name.endswith(".png")
            entry.compress_type = zipfile.ZIP_STORED if bare else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return out.getvalue()
