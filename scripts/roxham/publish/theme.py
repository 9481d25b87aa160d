"""A Sphinx extension, named in ``_config.yml``: what the pages need of ours, and none of what they do not.

It works in a plain ``jupyter-book build .`` as well as in ours.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from roxham import figures
from roxham.publish import downloads

ASSETS = Path(__file__).parent / "assets"
UNWANTED = ("thebe", "fontawesome")  # live kernels from a CDN, of which we have none


def setup(app) -> dict:
    """Register with Sphinx."""
    app.connect("html-page-context", _page, priority=900)
    app.connect("build-finished", _finish)
    app.add_css_file("roxham-figures.css")
    app.add_css_file("roxham-site.css")
    app.add_js_file("roxham-figures.js", defer="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _page(app, pagename, templatename, context, doctree) -> None:
    for kind in ("script_files", "css_files"):
        context[kind] = [f for f in context.get(kind, []) if not _unwanted(f)]


def _unwanted(file) -> bool:
    text = f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()
    return any(word in text for word in UNWANTED)


def _finish(app, exception) -> None:
    if exception is None and app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        figures.write_assets(static)
        shutil.copy(ASSETS / "roxham-site.css", static)
        downloads.write(Path(app.outdir) / "data")
