"""A Sphinx extension, named in ``_config.yml``: what the pages need of ours, and none of what they do not.

It works in a plain ``jupyter-book build .`` as well as in ours.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.utils import new_document
from jupyter_cache import get_cache
from sphinx import addnodes
from sphinx.errors import ExtensionError

from roxham import figures, tables
from roxham.publish import (
    bibliography,
    briefs,
    chapters,
    downloads,
    figure_pages,
    incremental,
    lean,
    links,
    metadata,
    notebooks,
    policy,
)
from roxham.publish.edition import edition

ASSETS = Path(__file__).parent / "assets"
WORDS = {"reading": "{minutes} min read", "weak": "†", "figure": "Figure: {title}"}
WORDS_A_MINUTE = 220  # slow for English, because the text is full of numbers
_FIGURE = re.compile(r'<figure[^>]*\sid="(fig-[\w-]+)"')
EXPLORER = "roxham-explorer.js"
_TAG = re.compile(r"<[^>]+>")
_edition = functools.cache(edition)  # one for all pages
SIDEBAR = ["navbar-logo.html", "icon-links.html", "search-button-field.html", "sbt-sidebar-nav.html"]
SIDEBAR += ["roxham-gallery.html"]  # the theme's own, and ours
UNWANTED = ("thebe", "fontawesome")  # live kernels from a CDN, of which we have none


def setup(app) -> dict:
    """Register with Sphinx."""
    bibliography.prepare()
    incremental.connect(app)
    app.connect("config-inited", _configure)
    app.connect("doctree-read", _anchors)
    app.connect("doctree-read", _reading_time)
    app.connect("doctree-resolved", _explain)
    app.connect("doctree-resolved", _marks)
    app.connect("doctree-resolved", _notebook)
    app.connect("write-started", _assets)
    app.connect("html-page-context", _page, priority=900)
    app.connect("build-finished", _finish, priority=950)  # after the theme has written its own style sheets
    app.add_css_file("roxham-figures.css")
    app.add_css_file("roxham-site.css")
    app.add_js_file("roxham-figures.js", defer="defer")
    app.add_js_file(EXPLORER, defer="defer")  # `_page` drops it where there are no sliders
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _configure(app, config) -> None:
    """All figures, below the chapters of the sidebar; who owns what, at the foot; briefs last among what is found."""
    config.templates_path = [*config.templates_path, str(ASSETS / "templates")]
    config.html_sidebars = {"**": SIDEBAR} | config.html_sidebars
    config.html_theme_options = {"footer_content_items": ["roxham-colophon.html"]} | config.html_theme_options
    config.html_search_scorer = str(ASSETS / "roxham-search.js")


def _anchors(app, doctree) -> None:
    """Each figure's identifier as a target: `[words](#fig-some-id)` works in every chapter, or fails the build."""
    labels = app.env.get_domain("std")
    for raw in doctree.findall(nodes.raw):
        for anchor in _FIGURE.findall(raw.astext()):
            labels.anonlabels[anchor] = (app.env.docname, anchor)
            labels.labels[anchor] = (app.env.docname, anchor, anchor)


def _reading_time(app, doctree) -> None:
    """Under the title of each page that opens with its answer in short."""
    title = next(doctree.findall(nodes.title), None)
    if title is None or not any(doctree.findall(nodes.Admonition)):
        return
    words = _words(doctree)
    text = WORDS["reading"].format(minutes=max(1, round(words / WORDS_A_MINUTE)))
    title.parent.insert(title.parent.index(title) + 1, nodes.paragraph("", text, classes=["rx-reading"]))


def _words(doctree) -> int:
    """The words that a page shows: of what is folded, the line that opens it."""
    words = folded = 0
    for node in doctree.findall():
        if isinstance(node, nodes.raw):
            html = node.astext()
            opens = html.count("<details") - html.count("</details>")
            folded += opens
            words += len(_TAG.sub(" ", html).split()) if opens > 0 else 0
        elif isinstance(node, nodes.Text) and not folded and _read(node):
            words += len(node.split())
    return words


def _read(text: nodes.Text) -> bool:
    """Whether a text is prose, and not code or a figure's own."""
    above = text.parent
    while above is not None:
        if isinstance(above, (nodes.raw, nodes.literal_block)):
            return False
        above = above.parent
    return True


def _explain(app, doctree, docname) -> None:
    """Mark the citations of sources that are not first-hand, and let a term say what it means."""
    if app.builder.format != "html":
        return
    weak = bibliography.weak()
    meanings = {nodes.make_id(f"term-{e['term']}"): e["definition"] for e in tables.hand("glossary")}
    for link in doctree.findall(nodes.reference):
        target = link.get("refuri", "").rpartition("#")[2] or link.get("refid", "")
        if target.startswith("source-") and target.removeprefix("source-") in weak:
            link += nodes.Text(WORDS["weak"])
        if any("std-term" in word["classes"] for word in link.findall(nodes.inline)):
            link["reftitle"] = " ".join(meanings.get(target.lower(), "").split())


def _marks(app, doctree, docname) -> None:
    """Under each figure, the links to its page and its files."""
    if app.builder.name != "html":
        return
    marks = figure_pages.BRIEF_MARKS if _is_brief(docname) else figure_pages.MARKS
    for raw in doctree.findall(nodes.raw):
        if _FIGURE.search(text := raw.astext()):
            raw.children = []
            raw += nodes.Text(figure_pages.marked(text, docname, _edition(), marks))


def _is_brief(docname: str) -> bool:
    return docname.startswith(f"{chapters.BRIEFS}/")


def _notebook(app, doctree, docname) -> None:
    """At the end of each chapter, its notebook."""
    if app.builder.name == "html" and docname in _book():
        doctree += nodes.raw("", notebooks.offer(_book()[docname]), format="html")


@functools.cache
def _book() -> dict[str, chapters.Chapter]:
    return {chapter.name: chapter for chapter in chapters.book()}


def _page(app, pagename, templatename, context, doctree) -> None:
    for kind in ("script_files", "css_files"):
        context[kind] = [f for f in context.get(kind, []) if not _unwanted(f)]
    if 'class="rx-explorer"' not in context.get("body", ""):
        context["script_files"] = [f for f in context["script_files"] if EXPLORER not in str(f.filename)]
    context |= {"colophon": metadata.colophon(_edition()), "up": "../" * pagename.count("/")}


def _unwanted(file) -> bool:
    text = f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()
    return any(word in text for word in UNWANTED)


def _assets(app, builder) -> None:
    """Our style sheets and scripts: before the pages, which name them by their content, and again when Sphinx had
    nothing to write."""
    if builder.format == "html":
        static = Path(builder.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        figures.write_assets(static)
        shutil.copy(ASSETS / "roxham-site.css", static)


def _finish(app, exception) -> None:
    if exception is None and app.builder.format == "html":
        # what the last build left of them, `lean` would take for pages of this one
        figure_pages.clear(Path(app.outdir))
        _assets(app, app.builder)
        downloads.write(Path(app.outdir) / "data")
        notebooks.write(Path(app.outdir), [c for name, c in _book().items() if name in app.env.found_docs])
        script = (ASSETS / lean.SCRIPT).read_text(encoding="utf-8")
        lean.finish(Path(app.outdir), script)
        drawn = _drawn(app)
        figure_pages.write(Path(app.outdir), drawn, _edition())
        briefs.write_data(
            Path(app.outdir), filter(None, (_executed(app, n) for n in app.env.found_docs if _is_brief(n)))
        )
        _searchable(app, drawn)
        metadata.write(Path(app.outdir), _titles(app), _edition())
        policy.write(Path(app.outdir))
        if dead := links.dead(Path(app.outdir)):
            raise ExtensionError("\n".join(f"ERROR: dead link in {line}" for line in dead))
        incremental.finished(app)


def _titles(app) -> dict[str, str]:
    """Page → title of what is printed, in the order of the book, then the briefs; the front page first, printed or
    not."""
    names = chapters.listed()
    titles = {name: title.astext() for name, title in app.env.titles.items()}
    names += sorted(name for name in titles if _is_brief(name))
    return {
        f"{name}.html": titles.get(name, _edition().title)
        for name in names
        if name in titles or name == names[0]
    }


def _searchable(app, figures: list[figure_pages.Drawn]) -> None:
    """Feed the pages of the figures to the book's search, which knows only chapters when Sphinx writes it."""
    if app.builder.name != "html" or getattr(app.builder, "indexer", None) is None:  # none if nothing changed
        return
    for figure in figures:
        title = WORDS["figure"].format(title=figure.meta["title"])
        words = [figure.meta[k] for k in ("subtitle", "caption", "note", "alt")]
        page = new_document(figure.id)
        page += addnodes.index(entries=[("single", figure.id, "", "main", None)])
        page += nodes.section("", nodes.title("", title), *(nodes.paragraph("", w) for w in words))
        name = f"figures/{figure.id}/index"
        app.builder.indexer.feed(name, f"{name}.html", title, page)
    with open(Path(app.outdir) / app.builder.searchindex_filename, "w", encoding="utf-8") as file:
        app.builder.indexer_format.dump(incremental.search_index(app.builder), file)


def _drawn(app) -> list[figure_pages.Drawn]:
    """The figures that have pages of their own, in the order of the book."""
    order = {name: n for n, name in enumerate(chapters.listed())}
    found = []
    for name in sorted(app.env.found_docs, key=lambda n: (order.get(n, len(order)), n)):
        if not _is_brief(name) and (notebook := _executed(app, name)):
            found += figure_pages.drawn(notebook, app.env.titles[name].astext(), f"{name}.html")
    return found


def _executed(app, name: str) -> dict | None:
    """A page's executed notebook, as MyST-NB leaves it beside the site."""
    folder = Path(app.outdir).parent
    path = folder / "jupyter_execute" / f"{name}.ipynb"
    notebook = json.loads(path.read_bytes()) if path.is_file() else None
    cache = folder / ".jupyter_cache"
    if notebook and cache.is_dir() and not any(cell.get("outputs") for cell in notebook["cells"]):
        # what a stock build took from jupyter-cache, it leaves there without its outputs
        with contextlib.suppress(KeyError):
            _, notebook = get_cache(cache).merge_match_into_notebook(nbformat.from_dict(notebook))
    return notebook
