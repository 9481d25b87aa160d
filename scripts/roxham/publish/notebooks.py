"""Each chapter's notebook for download, and the lines at the end of its page that offer it."""

from __future__ import annotations

from html import escape
from pathlib import Path

import jupytext

from roxham.publish.chapters import Chapter

FOLDER = "notebooks"
WORDS = {
    "head": "This chapter is a notebook",
    "get": "Download it as {ipynb} or as {md}. It runs where the book is installed (<code>pip install -r "
    "requirements.txt</code> in a copy of the book), with nothing beside it.",
    "none": "It has no parameters.",
    "open": {1: "Its parameter, and how to run it again", 2: "Its {n} parameters, and how to run it again"},
    "printed": "Run again:",
}


def write(site: Path, chapters: list[Chapter]) -> None:
    """Write ``notebooks/*.ipynb``, without outputs, and ``*.md``; the same bytes for the same chapter."""
    folder = site / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in chapters:
        stem, notebook = Path(chapter.name).name, chapter.notebook
        for n, cell in enumerate(notebook.cells):
            cell["id"] = f"cell-{n}"  # jupytext draws them at random
        (folder / f"{stem}.ipynb").write_text(jupytext.writes(notebook, fmt="ipynb"), encoding="utf-8")
        (folder / f"{stem}.md").write_bytes(chapter.source)


def offer(chapter: Chapter) -> str:
    """HTML: the two files, what each parameter allows, and the command that runs the chapter with another value."""
    stem = Path(chapter.name).name
    up = "../" * chapter.name.count("/")
    files = {
        kind: f'<a href="{up}{FOLDER}/{stem}.{kind}" download>{stem}.{kind}</a>' for kind in ("ipynb", "md")
    }
    parameters, folded = list(chapter.parameters.values()), f" {WORDS['none']}"
    command = f"roxham run {stem}"
    if parameters:
        first = parameters[0]
        other = next((v for v in first.allowed if v != first.default), first.default)
        command += f" -p {first.name} {_word(other)}"
        items = "".join(
            f"<dt><code>{p.name} = {escape(repr(p.default))}</code></dt>"
            f"<dd>{escape(p.help[:1].upper() + p.help[1:])}: {escape(p.describe())}.</dd>"
            for p in parameters
        )
        folded = (
            f"<details><summary>{WORDS['open'][min(2, len(parameters))].format(n=len(parameters))}</summary>"
            f"<dl>{items}</dl><pre>{escape(command)}</pre></details>"
        )
    return (
        f'<section class="rx-notebook" aria-label="{WORDS["head"]}"><p><strong>{WORDS["head"]}.</strong> '
        f"{WORDS['get'].format(**files)}{'' if parameters else folded}</p>{folded if parameters else ''}"
        f'<p class="rx-again">{WORDS["printed"]} <code>{escape(command)}</code></p></section>'
    )


def _word(value: object) -> str:
    """A value as one word of a shell."""
    text = str(value)
    return text if text.replace("-", "").isalnum() else '"' + text.replace('"', '\\"') + '"'
