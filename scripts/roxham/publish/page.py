"""One executed notebook as one HTML file that needs no other."""

from __future__ import annotations

import json
import re
from tempfile import TemporaryDirectory

from roxham import figures
from roxham.publish.chapters import settings
from roxham.publish.links import alone
from roxham.publish.site import figures_of

_STYLE = """
:root { color-scheme: light dark }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 system-ui, sans-serif }
main, .cell_output { padding: 0; max-width: none } /* docutils' own would leave a phone too little for a figure */
html, body, main { background: Canvas; color: CanvasText }
pre { overflow-x: auto; font-size: .85rem }
table { border-collapse: collapse }
th, td { padding: .2rem .6rem; text-align: left }
"""


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
        with TemporaryDirectory() as scratch:  # the parser keeps a copy of what it read
            html = publish_string(
                json.dumps(content),
                parser=Parser(),
                writer_name="html5",
                settings_overrides={
                    "nb_execution_mode": "off",
                    "nb_output_folder": scratch,
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
    html = html.replace("</head>", head, 1)
    return re.sub(r"(<main[^>]*>)", lambda m: f"{m[1]}\n{note}", html, count=1)
