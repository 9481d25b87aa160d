"""The links of an executed notebook: to other chapters, to figures, to sources and to the glossary.

The book is printed from staged notebooks, so links between chapters must point at those. A page that stands
alone (one chapter's preview, or a rerun) has no other chapters, no bibliography and no glossary: its citations
become links to the sources themselves, and what leads nowhere from there becomes plain words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection

from roxham.publish import briefs
from roxham.publish.bibliography import linked
from roxham.publish.chapters import ROOT

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
