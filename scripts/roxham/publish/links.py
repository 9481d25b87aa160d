"""The links of an executed notebook: to other chapters, to figures, to sources and to the glossary; and, once the
site is printed, whether every link of it leads somewhere.

The book is printed from staged notebooks, so links between chapters must point at those. A page that stands
alone (one chapter's preview, or a rerun) has no other chapters, no bibliography and no glossary: its citations
become links to the sources themselves, and what leads nowhere from there becomes plain words.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import unquote, urlsplit

import lxml.html

from roxham.publish import briefs
from roxham.publish.bibliography import linked
from roxham.publish.chapters import ROOT
from roxham.publish.parameters import nearest

_CHAPTER = re.compile(r"\[([^\]]+)\]\(((?:[\w.-]+/)*)([\w-]+)\.md((?:#[^)]*)?)\)")
_FIGURE = re.compile(r"\[([^\]]+)\]\(#fig-([\w-]+)\)")
_CITE = re.compile(r"\s?\{cite(?::\w+)?\}`([^`]+)`")
_TERM = re.compile(r"\{term\}`([^`<]+?)(?:\s*<[^`>]*>)?`")


def staged(notebook: dict, stems: Collection[str]) -> dict:
    """The notebook as the whole book prints it: chapters' links point at the staged notebooks `stems`.

    A link to a chapter that does not exist is left as it is, for the printer to refuse.
    """
    return _rewritten(notebook, lambda text: _to_chapters(text, stems))


def alone(notebook: dict, figures: Collection[str]) -> dict:
    """The notebook for a page by itself, which shows `figures`."""
    from roxham import tables

    notebook = briefs.titled(notebook, figures)
    sources = tables.load("sources").set_index("source_id").to_dict("index")

    def rewrite(text: str) -> str:
        text = _to_chapters(text, ())
        text = _FIGURE.sub(lambda m: m[0] if m[2] in figures else m[1], text)
        text = _CITE.sub(lambda m: f" {linked(m[1], sources)}", text)
        return _TERM.sub(lambda m: m[1].strip(), text)

    return _rewritten(notebook, rewrite)


def _to_chapters(text: str, stems: Collection[str]) -> str:
    def link(found: re.Match) -> str:
        words, folder, stem, place = found.groups()
        if stem in stems:
            return f"[{words}]({folder}{stem}.ipynb{place})"
        return words if (ROOT / "chapters" / f"{stem}.md").is_file() else found[0]

    return _CHAPTER.sub(link, text)


def _rewritten(notebook: dict, rewrite: Callable[[str], str]) -> dict:
    """A copy of the notebook with its Markdown, cells and outputs, rewritten."""
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = rewrite("".join(cell["source"]))
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output["data"]["text/markdown"] = rewrite("".join(output["data"]["text/markdown"]))
    return notebook


# --- the links of a printed site ------------------------------------------------------------------------------

_POINTS = "//@href | //@src | //@action | //@data | //@poster | //@data-rx-spec"
_REFRESH = re.compile(r";\s*url=(.+)", re.I)


def dead(site: Path) -> list[str]:
    """Every link of every page of a printed site that leads nowhere inside it, anchors included; one line each.

    A folder is no page: a browser that reads from disk would list its files. Links to other sites are not followed.
    """
    site = site.resolve()
    pages = {path: _parsed(path) for path in sorted(site.rglob("*.html"))}
    anchors = {path: {*page.xpath("//@id"), *page.xpath("//a/@name")} for path, page in pages.items()}
    found = []
    for path, page in pages.items():
        refreshed = [m[1] for c in page.xpath("//meta[@http-equiv]/@content") if (m := _REFRESH.search(c))]
        for link in dict.fromkeys([*page.xpath(_POINTS), *refreshed]):
            if fault := _fault(link.strip(), path, site, anchors):
                found.append(f"{path.relative_to(site)}: {link} {fault}")
    return found


def _fault(link: str, page: Path, site: Path, anchors: dict[Path, set[str]]) -> str:
    """What is wrong with a link of a page; "" if nothing is, or if it leads elsewhere."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return "is no address"
    if parts.scheme or parts.netloc:
        return "" if parts.scheme else "names a site without its scheme"
    target = Path(os.path.normpath(page.parent / unquote(parts.path))) if parts.path else page
    if not target.is_relative_to(site):
        return "leads out of the site"
    if not target.is_file():
        near = [p.relative_to(site).as_posix() for p in anchors]
        return f"leads to no file{nearest(target.relative_to(site).as_posix(), near)}"
    anchor = unquote(parts.fragment)
    if anchor and anchor != "top" and target in anchors and anchor not in anchors[target]:
        return f"names no part of that page{nearest(anchor, sorted(anchors[target]))}"
    return ""


def _parsed(path: Path):
    return lxml.html.parse(str(path), lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)).getroot()
