"""The book as one tagged PDF: a single document of the site's pages, printed by Chromium.

One document, because Chromium tags, outlines and links what it prints, and nothing that merges PDFs afterwards keeps
all three. It does not know on which page a link ends, so the book is printed twice: the first time to learn the
numbers of the contents. Each figure is a named destination: ``roxham-road.pdf#fig-ID`` opens at it.
"""

from __future__ import annotations

import copy
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path

import lxml.html

from roxham import figures
from roxham.publish import chromium
from roxham.publish.edition import Edition
from roxham.publish.editions import EditionError, reading

OLDEST = 131  # the first that numbers pages by a style sheet
WORDS = {
    "contents": "Contents",
    "figures": "Figures",
    "version": "Version",
    "about": "This is the site on paper. The data of each figure, its code, its sources one by one and its live view "
    "are on the site, under the ID that is printed below it.",
}
INCHES = 5.4, 7.4  # a drawing is at most so high: as a rule, and one that is tall for its width


def content(site: Path, edition: Edition) -> bytes:
    """The PDF of a built site. The same bytes for the same site, Chromium and fonts; its dates are the edition's."""
    chapters = reading.read(site)
    pages: dict[str, int] = {}
    for _ in range(3):
        printed = _printed(_document(chapters, edition, pages))
        found = _pages(printed)
        if found == pages:
            return _signed(printed, edition)
        pages = found
    raise EditionError("the page numbers of the contents do not settle")


def _document(chapters: list[reading.Chapter], edition: Edition, pages: Mapping[str, int]) -> str:
    """The book as one HTML document. pages: ID → page, as the contents show them; unknown ones keep their room."""
    shown = [{"stem": c.stem, "title": c.title, "html": _body(c, edition)} for c in chapters]
    contents = [
        {
            "id": c.stem,
            "title": c.title,
            "parts": [{"id": _id(c.stem, id), "title": words} for id, words in c.headings()],
        }
        for c in chapters
    ]
    listed = [
        {
            "title": c.title,
            "figures": [{"id": f"fig-{f.id}", "title": f.title, "name": f.id} for f in c.figures],
        }
        for c in chapters
        if c.figures
    ]
    css = figures.css() + (reading.ASSETS / "edition-print.css").read_text(encoding="utf-8")
    words = {"edition": edition, "chapters": shown, "contents": contents, "listed": listed, "pages": pages}
    return reading.render("edition-print.html", css=css, w=WORDS, **words)


def _id(stem: str, id: str) -> str:
    """An ID in the one document; those of figures are unique in the book."""
    return id if id.startswith("fig-") else f"{stem}--{id}" if id else stem


def _body(chapter: reading.Chapter, edition: Edition) -> str:
    """A chapter's HTML, its IDs its own, its drawings inline, so that they stay lines and letters."""
    drawings = {}
    chapter = copy.deepcopy(chapter)
    reading.relink(chapter, chapter.body, edition.base, lambda stem, id: f"#{_id(stem, id)}")
    for figure, element, chart in chapter.charts():
        # a reader of tags finds one figure, the drawing, with its description; title and caption are text
        for caption in element.iter("figcaption"):
            line = f'<p class="rx-cited">{reading.cited(figure, edition)}</p>'
            caption.append(lxml.html.fragment_fromstring(line))
            caption.tag = "div"
        element.tag = "div"
        chart.text = mark = f"\ue000{figure.id}\ue000"
        width, height = reading.size(figure.wide)
        high = min(max(INCHES[0], 5 * height / width), INCHES[1])
        described = f' style="max-height:{high:.2f}in" role="img" aria-label="{html.escape(figure.alt)}"'
        drawings[mark] = reading.svg(figure.wide, described)
    for element in chapter.body.iter(lxml.html.etree.Element):
        if id := element.get("id"):
            element.set("id", _id(chapter.stem, id))
    chapter.body.attrib.pop("id", None)  # the chapter's own is its stem
    text = lxml.html.tostring(chapter.body, encoding="unicode")
    return re.sub("\ue000[^\ue000]+\ue000", lambda m: drawings[m[0]], text)


def _printed(document: str) -> bytes:
    """The document as Chromium prints it."""
    try:
        return chromium.pdf(document)
    except chromium.ChromiumError as error:
        raise EditionError(str(error)) from error


def _pages(printed: bytes) -> dict[str, int]:
    """ID → number of the page on which it stands, of all IDs that are linked."""
    import pikepdf

    with pikepdf.open(io.BytesIO(printed)) as pdf:
        number = {page.objgen: n for n, page in enumerate(pdf.pages, 1)}
        return {str(id)[1:]: number[where[0].objgen] for id, where in pdf.Root.Dests.items()}


def _signed(printed: bytes, edition: Edition) -> bytes:
    """The PDF with the edition's title, authors and date in place of the browser's and the clock's."""
    import pikepdf

    day = edition.date.replace("-", "")
    with pikepdf.open(io.BytesIO(printed)) as pdf:
        browser = re.search(r"Chrome/(\d+)", str(pdf.docinfo.get("/Creator", "")))
        if "/StructTreeRoot" not in pdf.Root or "/Outlines" not in pdf.Root:
            version = f" {browser[1]}" if browser else ""
            raise EditionError(f"Chromium{version} printed no tags or no outline; {OLDEST} or newer does")
        producer = str(pdf.docinfo.Producer)
        del pdf.docinfo
        pdf.docinfo["/Title"] = edition.title
        pdf.docinfo["/Author"] = "; ".join(edition.authors)
        pdf.docinfo["/Subject"] = f"{WORDS['version']} {edition.version}"
        pdf.docinfo["/Creator"] = "Chromium"
        pdf.docinfo["/Producer"] = producer
        pdf.docinfo["/CreationDate"] = pdf.docinfo["/ModDate"] = f"D:{day}000000Z"
        with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
            xmp.load_from_docinfo(pdf.docinfo)
            xmp["dc:language"] = {str(pdf.Root.Lang)}
        pdf.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        pdf.Root.PageMode = pikepdf.Name.UseOutlines
        out = io.BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            linearize=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
        return out.getvalue()
