"""One executed notebook as one HTML file that needs no other."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection
from tempfile import TemporaryDirectory
from threading import Lock

from roxham import figures
from roxham.publish import chromium
from roxham.publish.chapters import Chapter, settings
from roxham.publish.links import alone
from roxham.publish.site import figures_of

_PRINTING = Lock()  # docutils keeps its roles and directives in one place
_STYLE = """
:root { color-scheme: light dark }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 system-ui, sans-serif }
main, .cell_output { padding: 0; max-width: none } /* docutils' own would leave a phone too little for a figure */
html, body, main { background: Canvas; color: CanvasText }
pre { overflow-x: auto; font-size: .85rem }
table { border-collapse: collapse }
th, td { padding: .2rem .6rem; text-align: left }
"""


class PageError(RuntimeError):
    """An executed notebook that cannot be printed."""


def printed(notebook: str, chapter: Chapter, values: dict, formats: Collection[str]) -> dict[str, bytes]:
    """An executed notebook (JSON) of a chapter with `values` in `formats`, of `asked.FORMATS`: format → the file.

    Raises `PageError` where its Markdown cannot be printed, or no Chromium prints the PDF.
    """
    asked = ", ".join(f"{k} = {v}" for k, v in values.items()) or "its own parameters"
    note = f"<p><em>{html.escape(chapter.title)}, rerun with {html.escape(asked)}.</em></p>"
    files = {}
    if "ipynb" in formats:
        files["ipynb"] = notebook.encode()
    try:
        if {"html", "pdf"} & set(formats):
            page = standalone(notebook, note)
        if "html" in formats:
            files["html"] = page.encode()
        if "pdf" in formats:
            files["pdf"] = chromium.pdf(page)
    except (ValueError, chromium.ChromiumError) as error:
        raise PageError(str(error)) from error
    return files


def standalone(notebook: str, note: str) -> str:
    """HTML of an executed notebook (JSON), with its styles inside and `note` above the text.

    Citations lead to the sources themselves; links to other chapters become plain text. Raises `ValueError`
    with docutils' own message where the notebook's Markdown cannot be printed.
    """
    from docutils.core import publish_string
    from docutils.utils import SystemMessage
    from myst_nb.docutils_ import Parser

    content = alone(json.loads(notebook), {f["id"] for f in figures_of(notebook)})
    for cell in content["cells"]:
        if {"hide-input", "injected-parameters"} & set(cell["metadata"].get("tags", [])):
            cell["metadata"]["tags"].append("remove-input")  # docutils cannot fold; the notebook has the code
    extensions = settings("_config.yml").get("parse", {}).get("myst_enable_extensions", [])
    try:
        with _PRINTING, TemporaryDirectory() as scratch:  # the parser keeps a copy of what it read
            page = publish_string(
                json.dumps(content),
                parser=Parser(),
                writer_name="html5",
                settings_overrides={
                    "nb_execution_mode": "off",
                    "nb_output_folder": scratch,
                    "stylesheet_path": [
                        "minimal.css",
                        "plain.css",
                    ],  # as by default; the parser adds to the list
                    "myst_enable_extensions": extensions,
                    "myst_all_links_external": True,  # docutils knows no target inside a figure's HTML
                    "output_encoding": "unicode",
                    "halt_level": 3,
                    "report_level": 5,
                },
            )
    except SystemMessage as error:
        raise ValueError(str(error)) from error
    head = f"<style>{_STYLE}{figures.css()}</style></head>"
    page = page.replace("</head>", head, 1)
    return re.sub(r"(<main[^>]*>)", lambda m: f"{m[1]}\n{note}", page, count=1)
