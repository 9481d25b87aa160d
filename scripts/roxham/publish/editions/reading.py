"""The pages of the built site as one text to be read: chapters in order, without what only a screen can do."""

from __future__ import annotations

import functools
import html
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import lxml.html
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lxml.html import HtmlElement

from roxham.publish import chapters
from roxham.publish.edition import Edition
from roxham.publish.editions import EditionError

ASSETS = Path(__file__).parents[1] / "assets"
CITED = "{title}, figure {id}, version {version}"
# what a reader can do only on the site; the code of a figure stands on the figure's page
DROPPED = ("headerlink", "rx-explorer", "rx-marks", "rx-printed", "rx-reading")
KEPT = {"id", "class", "href", "scope", "colspan", "rowspan", "lang", "start"}  # attributes
_DRAWN = re.compile(
    r'<div class="rx-wide" role="img" aria-label="([^"]*)">(<svg.*?)</div>'
    r'<div class="rx-narrow"[^>]*>(<svg.*?)</div></div>',
    re.S,
)
_TRAILING = re.compile(r"\s+\Z")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")


@dataclass
class Figure:
    """A figure: its ID, title and alt text, its two drawings (SVG in the light colours), and what folds away on
    the site: the list of its sources, where it is long, and the table of its data."""

    id: str
    title: str
    alt: str
    wide: str
    narrow: str
    sources: HtmlElement | None = None
    data: HtmlElement | None = None


@dataclass
class Chapter:
    """A page: its stem, its title, what is read of it, its figures in order. In `body` the place of a figure's
    drawing is the element of class ``rx-chart``, which is empty."""

    stem: str
    title: str
    body: HtmlElement
    figures: list[Figure] = field(default_factory=list)

    def charts(self) -> Iterator[tuple[Figure, HtmlElement, HtmlElement]]:
        """Each figure, its element in `body`, and the place of its drawing."""
        for figure, element in zip(self.figures, self.body.find_class("rx-figure"), strict=True):
            yield figure, element, element.find_class("rx-chart")[0]

    def headings(self) -> list[tuple[str, str]]:
        """ID and text of the sections."""
        found = [(h.getparent().get("id"), text(h)) for h in self.body.iter("h2")]
        return [(id, words) for id, words in found if id]


def read(site: Path) -> list[Chapter]:
    """The chapters of a built site. Raises `EditionError` where a page is not one of ours."""
    return [_chapter(site / f"{name}.html") for name in _listed()]


def _listed() -> list[str]:
    """The chapters; not the list of briefs, which lead their own life on the site."""
    return [name for name in chapters.listed() if name != chapters.BRIEFS]


def size(drawing: str) -> tuple[float, float]:
    """Width and height of a drawing, in px."""
    width, height = (float(re.search(rf' {name}="([\d.]+)"', drawing)[1]) for name in ("width", "height"))
    return width, height


def text(element: HtmlElement) -> str:
    return " ".join(element.text_content().split())


def svg(drawing: str, attributes: str) -> str:
    """A drawing of a page with other attributes than a page needs."""
    head, end, rest = drawing.partition(">")
    return re.sub(r' (?:style|aria-hidden|focusable)="[^"]*"', "", head) + attributes + end + rest


def cited(figure: Figure, edition: Edition) -> str:
    """The short citation below a figure, as HTML: its ID, the version and, where there is one, the address."""
    words = html.escape(CITED.format(title=edition.title, id=figure.id, version=edition.version))
    address = html.escape(f"{edition.base}figures/{figure.id}/")
    return words + (f', <a href="{address}">{address}</a>' if edition.base else "")


def render(template: str, **words) -> str:
    """A template of the editions, filled in; what stands in it is escaped."""
    return _environment().get_template(template).render(**words)


@functools.cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined)


def relink(chapter: Chapter, root: HtmlElement, base: str, to: Callable[[str, str], str]) -> None:
    """Point the links below `root` to where a chapter (stem) and a place in it (ID or "") are: `to(stem, id)`.

    Links to other files of the site go to its address, `base`; where it has none, their words stay.
    """
    stems = {f"{name}.html": Path(name).name for name in _listed()}
    here = next(page for page, stem in stems.items() if stem == chapter.stem)
    for link in list(root.iter("a")):
        href = link.get("href")
        if href is None or _ELSEWHERE.match(href):
            continue
        path, _, fragment = href.partition("#")
        page = posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here
        if page in stems:
            link.set("href", to(stems[page], fragment))
        elif base:
            link.set("href", base + page + (f"#{fragment}" if fragment else ""))
        else:
            link.drop_tag()


def _chapter(path: Path) -> Chapter:
    try:
        page = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise EditionError(f"the site has no page {path.name}; `roxham build` builds it") from error
    drawings = _DRAWN.findall(page)
    page = _DRAWN.sub("</div>", page)  # libxml2 knows no SVG: its names would lose their capitals
    found = lxml.html.document_fromstring(page).xpath("//article//section[h1]")
    if not found:
        raise EditionError(f"{path.name} has no article with a title")
    body = found[0]
    title = next(body.iter("h1"))
    for name in DROPPED:
        for element in body.find_class(name):
            element.drop_tree()
    for element in list(body.iter("script", "style", "button", "input")):
        element.drop_tree()
    elements = body.find_class("rx-figure")
    if len(elements) != len(drawings):
        raise EditionError(f"{path.name} has {len(elements)} figures and {len(drawings)} drawings")
    figures = [
        _figure(element, *map(html.unescape, drawing[:1]), *drawing[1:])
        for element, drawing in zip(elements, drawings, strict=True)
    ]
    _unfold(body)
    _tie(body)
    for element in body.iter(lxml.html.etree.Element):
        for name in set(element.attrib) - KEPT:
            del element.attrib[name]
    return Chapter(path.stem, text(title), body, figures)


def _figure(element: HtmlElement, alt: str, wide: str, narrow: str) -> Figure:
    """A figure; its table and its list of sources are taken out of the page."""
    figure = Figure(
        element.get("id").removeprefix("fig-"), text(element.find_class("rx-title")[0]), alt, wide, narrow
    )
    for details in element.find_class("rx-data"):
        figure.data = next(details.iter("table"))
        figure.data.tail = None
        details.drop_tree()
    for details in element.find_class("rx-sources"):
        summary, figure.sources = details
        line = lxml.html.Element("p", {"class": "rx-source"})
        line.text = text(summary)
        details.addprevious(line)
        details.drop_tree()
    return figure


def _tie(body: HtmlElement) -> None:
    """A small number of a citation stays with the word that it follows."""
    for cited in body.find_class("bibtex-citation"):
        before = cited.getprevious()
        if before is None:
            parent = cited.getparent()
            parent.text = _TRAILING.sub("\N{NO-BREAK SPACE}", parent.text or "")
        else:
            before.tail = _TRAILING.sub("\N{NO-BREAK SPACE}", before.tail or "")


def _unfold(body: HtmlElement) -> None:
    """Open what folds, but the code of a figure: paper has no click."""
    for details in list(body.iter("details")):
        if "hide" in details.get("class", "").split():
            details.drop_tree()
            continue
        details.tag = "div"
        for summary in details.findall("summary"):
            summary.tag = "div"
            summary.set("class", "rx-summary")
