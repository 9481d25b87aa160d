"""A page for each figure, at figures/<id>/: the figure, how to cite it, its files, what it rests on; and the gallery.

Everything is taken from the executed notebooks, so that a page shows what its chapter shows. Pictures are kept
from build to build by their content. `promises` holds a build to their IDs.
"""

from __future__ import annotations

import functools
import html
import io
import json
import re
import shutil
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from roxham import tables
from roxham.charts import COLOURS
from roxham.publish import cite, pictures, plotted
from roxham.publish.bibliography import tiers
from roxham.publish.cache import digest, drop_oldest, kept, made, place, state
from roxham.publish.chapters import settings
from roxham.publish.edition import Edition
from roxham.publish.promises import FILTERS, INDEX, LIST, promised

ASSETS = Path(__file__).parent / "assets"
PICTURES = 1_000  # kept from build to build; about 40 kB each
FOLDERS, KEPT = "folders", 250  # of figures, kept too; about 500 kB each
ENTRY = "entry.json"  # among them, and not of the site
HOW = (
    "In each of these data sets of the specification, a field under `columns` is [a column of the CSV, its type]: "
    "a date is the day at T00:00:00, an empty cell is null. `rows` are its rows in the CSV, from 0; "
    "without it, all in order; null is a row of the drawing alone. What is not named is the drawing's own."
)
CITATIONS = [
    ("apa", "APA"),
    ("chicago", "Chicago, author-date"),
    ("bibtex", "BibTeX"),
    ("ris", "RIS"),
    ("csl", "CSL-JSON"),
]
WORDS = {
    "svg": "drawing with title and sources",
    "pdf": "the same, as a page to print",
    "png": f"image at {pictures.SCALE}×",
    "csv": "the rows that are plotted",
    "geojson": "the outlines of the map",
    "vl.json": "Vega-Lite specification, data included",
    "json": "metadata",
    "bib": "BibTeX",
    "ris": "RIS",
    "csl.json": "CSL-JSON",
    "zip": "all of it",
}
MARKS = [("Cite", "cite", "index.html#cite"), ("Data", "data", "{id}.csv"), ("Image", "image", "{id}.png")]
MARKS += [("Code", "code", "index.html#check")]
BRIEF_MARKS = [("Link", "link", "#fig-{id}"), ("Data", "data", "data/{id}.csv")]
_WHEN = (2000, 1, 1, 0, 0, 0)  # one date for all, so that the same figure makes the same bytes
_FIGURE = re.compile(r'<figure[^>]*\sid="fig-([\w-]+)"[^>]*>.*?</figure>', re.DOTALL)
_WIDE = re.compile(
    r'<div class="rx-wide"[^>]*>(<svg.*?)</div><div class="rx-narrow"[^>]*>(<svg.*?)</div></div>', re.DOTALL
)
_SPEC = re.compile(r'<script type="application/json" class="rx-spec">(.*?)</script>', re.DOTALL)


@dataclass(frozen=True)
class Drawn:
    """A figure as an executed notebook holds it: what it says of itself, its HTML, its cell, its chapter."""

    meta: dict
    html: str
    code: str
    chapter: str  # the chapter's title
    page: str  # below the site, such as chapters/03-the-count.html

    @property
    def id(self) -> str:
        return self.meta["id"]

    @functools.cached_property
    def svg(self) -> tuple[str, str]:
        """The drawings, wide and narrow."""
        found = _WIDE.search(self.html)
        return found[1], found[2]

    @functools.cached_property
    def spec(self) -> str:
        """The wide chart as Vega-Lite with its data, JSON."""
        both = json.loads(_SPEC.search(self.html)[1])
        wide = both["wide"]
        text = json.dumps(wide)
        used = {name: rows for name, rows in both["datasets"].items() if f'"{name}"' in text}
        return json.dumps({**wide, "datasets": used}, indent=1, ensure_ascii=False) + "\n"

    @property
    def datasets(self) -> dict:
        """The data sets of the wide chart, by their names in it."""
        return json.loads(self.spec)["datasets"]

    @property
    def hash(self) -> str:
        """SHA-256 of the data and the specification, as the two files hold them."""
        return sha256((self.meta["csv"] + self.spec).encode()).hexdigest()


def drawn(notebook: Mapping, chapter: str, page: str) -> list[Drawn]:
    """The figures of an executed notebook, in order."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            meta = output.get("metadata", {}).get("roxham", {})
            shown = _FIGURE.search("".join(output.get("data", {}).get("text/html", "")))
            if "id" in meta and shown:
                found.append(Drawn(dict(meta), shown[0], "".join(cell["source"]), chapter, page))
    return found


# --- the marks in a chapter ---------------------------------------------------------------------------------


def marked(text: str, docname: str, edition: Edition, marks=MARKS) -> str:
    """A chapter's HTML with a quiet line under each figure, that leads to its page and its files.

    marks: `BRIEF_MARKS` where figures have no page of their own, but stand on that of a brief.
    """
    paged = marks is MARKS

    def mark(found: re.Match) -> str:
        folder = "../" * docname.count("/") + f"figures/{found[1]}/" if paged else ""
        title = re.search(r'<p class="rx-title"[^>]*>(.*?)</p>', found[0])
        of = title[1] if title else found[1]
        links = " · ".join(
            f'<a href="{folder}{to.format(id=found[1])}" aria-label="{word}: {of}">{word}</a>'
            for word, _, to in marks
        )
        address = f"figures/{found[1]}/" if paged else f"{docname}.html#fig-{found[1]}"
        where = f", {edition.base}{address}" if edition.base else ""
        line = (
            f'<p class="rx-marks">{links}</p>'
            f'<p class="rx-printed">{html.escape(edition.title)}, figure {found[1]}{html.escape(where)}</p>'
        )
        return (
            line.join(found[0].rsplit("</figcaption>", 1)[:1])
            + line
            + "</figcaption>"
            + found[0].rsplit("</figcaption>", 1)[1]
        )

    return _FIGURE.sub(mark, text)


# --- the pages ----------------------------------------------------------------------------------------------


def write(site: Path, figures: list[Drawn], edition: Edition) -> None:
    """Write figures/ into a printed site, from which `clear` has dropped those of an earlier build."""
    root = site / "figures"
    write_assets(site / "_static")
    about = {kind: settings(LIST).get(kind) or {} for kind in FILTERS}
    known = tables.load("sources").set_index("source_id")
    entries, by_chapter = [], {}
    sources = {figure.id: _sources(figure, known) for figure in figures}
    subjects = {
        f.id: {kind: [n for n, ids in about[kind].items() if f.id in ids] for kind in FILTERS}
        for f in figures
    }
    keys = {f.id: _key(f, subjects[f.id], sources[f.id], edition) for f in figures}
    due = [f for f in figures if not ((path := place(FOLDERS, keys[f.id], "zip")) and path.is_file())]
    drawings = {f.id: pictures.svg(f.svg[0], f.meta, sources[f.id], edition) for f in due}
    pictures.ahead((drawings[f.id], f.meta["title"], f.id) for f in due)
    for figure in figures:

        def make(figure=figure) -> bytes:
            return _folder(figure, subjects[figure.id], edition, sources[figure.id], drawings[figure.id])

        entry = _unpacked(kept(FOLDERS, keys[figure.id], "zip", make), root / figure.id)
        entries.append(entry)
        by_chapter.setdefault((figure.page, figure.chapter), []).append(entry)
    old = _redirects_of(figures)
    for name, new in old.items():
        page = _render("moved.html", title=f"{name} is {new} now", up="../../", old=name, new=new)
        _put(root / name / "index.html", page)
    _put(root / "index.html", _gallery(by_chapter, about, edition))
    index = {
        "edition": edition.as_dict(),
        "moved": old,
        "figures": [_without(e["meta"], "drawn") for e in entries],
    }
    _put(root / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
    drop_oldest(made("pictures"), PICTURES)
    drop_oldest(made(FOLDERS), KEPT)


def clear(site: Path) -> None:
    """Drop the pages that an earlier build wrote: an incremental one prints over what was printed before."""
    shutil.rmtree(site / "figures", ignore_errors=True)


def write_assets(static: Path) -> None:
    """The style sheet and the script of these pages."""
    css = (ASSETS / "roxham-figure-page.css").read_text()
    for n, mark in enumerate(("/*light*/", "/*dark*/")):
        css = css.replace(
            mark, "".join(f"--rx-{k.replace('_', '-')}:{pair[n]};" for k, pair in COLOURS.items())
        )
    _put(static / "roxham-figure-page.css", css)
    _put(static / "roxham-figure-page.js", (ASSETS / "roxham-figure-page.js").read_text())


def _redirects_of(figures: list[Drawn]) -> dict[str, str]:
    """The redirects that lead to these figures; a preview holds few of them, and owes no other."""
    _, moved = promised()
    ids, found = {f.id for f in figures}, {}
    for old in moved:
        new, seen = moved[old], {old}
        while new in moved and new not in seen:
            seen.add(new)
            new = moved[new]
        if new in ids and old not in ids:
            found[old] = new
    return found


def _sources(figure: Drawn, known) -> list[dict]:
    """The sources of a figure, each with what kind of source it is."""
    names, columns = tiers(), ["publisher", "title", "url", "date", "tier"]
    rows = [
        {**{k: str(v) for k, v in known.loc[i, columns].items()}, "id": i} for i in figure.meta["sources"]
    ]
    return [row | {"kind": names[row["tier"]].lower()} for row in rows]


def _key(figure: Drawn, subjects: Mapping, sources: list[dict], edition: Edition) -> str:
    """All that the folder of a figure is made of."""
    told = [
        figure.meta,
        figure.code,
        figure.chapter,
        figure.page,
        subjects,
        sources,
        edition.as_dict(),
        state(),
    ]
    return digest(json.dumps(told).encode(), figure.html.encode())


def _unpacked(packed: bytes, folder: Path) -> dict:
    """Write out a figure's folder; what the gallery and the index say of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        entry = json.loads(archive.read(ENTRY))
        for name in archive.namelist():
            if name != ENTRY:
                (folder / name).write_bytes(archive.read(name))
    return entry


def _folder(figure: Drawn, subjects: Mapping, edition: Edition, sources: list[dict], picture: str) -> bytes:
    """All files of one figure, and what its page, the gallery and the index say of it, as a zip."""
    item = cite.record(figure.meta, edition)
    cited = {name: make(item) for name, make in cite.FORMATS.items()}
    meta = {
        **{k: figure.meta[k] for k in ("id", "title", "subtitle", "caption", "note", "alt", "rows")},
        **subjects,
        "chapter": figure.chapter,
        "page": figure.page,
        "sources": sources,
        "hash": f"sha256:{figure.hash}",
        "drawn": {"how": HOW, "datasets": plotted.links(figure.meta["csv"], figure.datasets)},
        "version": edition.version,
        "date": edition.date,
        "citation": item,
    }
    content: dict[str, bytes] = {
        "svg": picture.encode(),
        **pictures.files(picture, meta["title"], figure.id),
        "csv": figure.meta["csv"].encode(),
        **({"geojson": _json(outlines)} if (outlines := plotted.outlines(figure.datasets)) else {}),
        "vl.json": figure.spec.encode(),
        "json": _json(meta),
        **{cite.SUFFIX[name]: cited[name].encode() for name in cite.SUFFIX},
    }
    named = {f"{figure.id}/{figure.id}.{suffix}": data for suffix, data in content.items()}
    content["zip"] = zipped(named, {f"{figure.id}/{figure.id}.png"})
    sizes = {suffix: len(data) for suffix, data in content.items()}
    files = [{"name": f"{figure.id}.{s}", "what": WORDS[s], "size": _size(n)} for s, n in sizes.items()]
    thumbnail, width, height = pictures.thumbnail(figure.svg[1])
    address = f"{edition.base}figures/{figure.id}/"
    shown = {
        **meta,
        "stem": Path(figure.page).stem,
        "html": figure.html,
        "code": figure.code.strip(),
        "cited": cited,
        "files": files,
        "hash": figure.hash,
        "vintage": max((s["date"][:10] for s in sources if re.match(r"\d{4}", s["date"])), default=""),
        "iframe": f'<iframe src="{address}embed.html" title="{html.escape(figure.meta["title"])}" '
        f'width="100%" height="640" style="border:0"></iframe>',
    }
    common = {
        "f": shown,
        "edition": edition,
        "up": "../../",
        "title": f"{figure.meta['title']} — {edition.title}",
        "description": figure.meta["alt"],
        "live": True,
        "canonical": address if edition.base else "",
    }
    page = _render("figure.html", **common, citations=CITATIONS, suffix=cite.SUFFIX)
    words = " ".join(figure.meta[k] for k in ("id", "title", "subtitle", "caption", "alt")).lower()
    entry = {"meta": meta, "words": words, "width": width, "height": height}
    files = {f"{figure.id}.{suffix}": data for suffix, data in content.items()}
    files |= {"thumbnail.svg": thumbnail.encode(), "index.html": page.encode()}
    files |= {"embed.html": _render("embed.html", **common).encode(), ENTRY: _json(entry)}
    return zipped(files, set(files))


def _gallery(chapters: Mapping, about: Mapping, edition: Edition) -> str:
    shown = [
        {
            "chapter": chapter,
            "anchor": f"in-{Path(page).stem}",
            "figures": [{**e["meta"], **{k: e[k] for k in ("words", "width", "height")}} for e in entries],
        }
        for (page, chapter), entries in chapters.items()
    ]
    figures = [f for g in shown for f in g["figures"]]
    filters = [
        (kind, label, [(name, sum(name in f[kind] for f in figures)) for name in about[kind]])
        for kind, label in FILTERS.items()
    ]
    return _render(
        "gallery.html",
        title=f"All figures — {edition.title}",
        description=f"Every figure of {edition.title}, by chapter.",
        canonical=f"{edition.base}figures/" if edition.base else "",
        live=False,
        up="../",
        edition=edition,
        groups=shown,
        filters=filters,
        count=len(figures),
    )


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )


def _render(template: str, **words) -> str:
    return (
        _environment()
        .get_template(template)
        .render(**{"description": "", "canonical": "", "live": False} | words)
    )


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _without(held: Mapping, key: str) -> dict:
    return {k: v for k, v in held.items() if k != key}


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _size(n: int) -> str:
    return f"{n / 1000:,.0f} kB" if n >= 1000 else f"{n} bytes"


def zipped(files: Mapping[str, bytes], stored: Collection[str] = ()) -> bytes:
    """A zip of files by their names, the same bytes for the same content; those `stored` are not compressed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _WHEN)
            entry.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return packed.getvalue()


def exported(site: Path, id: str, kind: str, width: int | None) -> bytes:
    """A file of a figure of a built site; an image at a width in pixels."""
    path = site / "figures" / id / f"{id}.{kind}"
    if not width:
        return path.read_bytes()
    svg = path.with_name(f"{id}.svg").read_text(encoding="utf-8")
    found = re.search(r'width="(\d+)" height="(\d+)"', svg)
    drawn = tuple(map(int, found.groups()))
    if kind == "png":
        return pictures.png(svg, width / drawn[0])
    return svg.replace(found[0], f'width="{width}" height="{width * drawn[1] / drawn[0]:g}"', 1).encode()
