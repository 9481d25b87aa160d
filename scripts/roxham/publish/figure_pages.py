"""A page for each figure, at figures/<id>/: the figure, how to cite it, its files, what it rests on; and the gallery.

Everything is taken from the executed notebooks, so that a page shows what its chapter shows. Pictures are kept
from build to build by their content. IDs are a promise to those who cite them: `promises` holds a build to it.
"""

from __future__ import annotations

import functools
import html
import io
import json
import os
import re
import shutil
import textwrap
import zipfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import vl_convert as vlc
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from roxham import tables
from roxham.charts import COLOURS, WIDE, text_width
from roxham.publish import cite
from roxham.publish.bibliography import tiers
from roxham.publish.cache import drop_oldest, write_atomically
from roxham.publish.chapters import ROOT, BookError, settings
from roxham.publish.edition import Edition

ASSETS = Path(__file__).parent / "assets"
LIST = "chapters/figures.yml"
INDEX = "figures.json"  # what `roxham figures`, `cite` and `export` read
PICTURES = 1_000  # kept from build to build; about 40 kB each
SCALE = 2
CITATIONS = [
    ("apa", "APA"),
    ("chicago", "Chicago, author-date"),
    ("bibtex", "BibTeX"),
    ("ris", "RIS"),
    ("csl", "CSL-JSON"),
]
WORDS = {
    "svg": "drawing with title and sources",
    "png": f"image at {SCALE}×",
    "csv": "the rows that are plotted",
    "vl.json": "Vega-Lite specification, data included",
    "json": "metadata",
    "bib": "BibTeX",
    "ris": "RIS",
    "csl.json": "CSL-JSON",
    "zip": "all of it",
    "source": "Source",
    "sources": "Sources",
    "note": "Note",
    "more": "and {n} more",
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


# --- the promise --------------------------------------------------------------------------------------------


def promised() -> tuple[list[str], dict[str, str]]:
    """Every ID ever published, and old ID → the one that took its place. Raises `BookError` if the list is none."""
    held = settings(LIST)
    ids, moved = held.get("ids") or [], held.get("moved") or {}
    texts = (
        isinstance(ids, list)
        and isinstance(moved, dict)
        and all(isinstance(i, str) for i in [*ids, *moved, *moved.values()])
    )
    if not texts:
        raise BookError(f"{LIST}: it must be `ids:`, a list of figure IDs, and `moved:`, old ID: new ID")
    return ids, moved


def redirects(ids: Collection[str]) -> dict[str, str]:
    """Old ID → the figure that stands for it now, for a book that holds `ids`.

    Raises `BookError`, one line a figure, where an ID that was published leads nowhere.
    """
    published, moved = promised()
    wrong, found = [], {}
    for old in dict.fromkeys([*published, *moved]):
        if old in ids:
            if old in moved:
                wrong.append(
                    f"{LIST}: {old} has moved to {moved[old]}, but is in the book; drop one of the two"
                )
            continue
        new, seen = moved.get(old), {old}
        while new in moved and new not in seen:
            seen.add(new)
            new = moved[new]
        if new is None:
            wrong.append(
                f"figure {old}: it was published and is not in the book; bring it back, or name under `moved:` "
                f"in {LIST} what took its place"
            )
        elif new not in ids:
            wrong.append(f"{LIST}: {old} has moved to {new}, which is not in the book")
        else:
            found[old] = new
    if wrong:
        raise BookError("\n".join(wrong))
    return found


def unpromised(ids: Iterable[str]) -> list[str]:
    """The figures of the book that the list does not hold yet."""
    published, _ = promised()
    return [i for i in ids if i not in published]


def promise(ids: Iterable[str]) -> list[str]:
    """Add figures to the list; those that were added."""
    new = unpromised(ids)
    if new:
        path = ROOT / LIST
        text, mark = path.read_text(), "\nids:\n"
        head, _, rest = text.partition(mark)
        listed, gap, tail = rest.partition("\n\n")
        lines = sorted({*listed.strip("\n").splitlines(), *(f"- {i}" for i in new)})
        write_atomically(path, f"{head}{mark}" + "\n".join(lines) + (gap + tail or "\n"))
    return new


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


def write(site: Path, figures: list[Drawn], edition: Edition, kept: Path | None = None) -> None:
    """Write figures/ into a printed site. kept: the folder of pictures made before, if there is one."""
    root = site / "figures"
    shutil.rmtree(root, ignore_errors=True)  # a plain `jupyter-book build` prints over what it printed before
    write_assets(site / "_static")
    known = tables.load("sources").set_index("source_id")
    entries, groups = [], {}
    for figure in figures:
        entry = _folder(root / figure.id, figure, edition, known, kept)
        entries.append(entry)
        groups.setdefault((figure.page, figure.chapter), []).append(entry)
    old = _redirects_of(figures)
    for name, new in old.items():
        page = _render("moved.html", title=f"{name} is {new} now", up="../../", old=name, new=new)
        _put(root / name / "index.html", page)
    _put(root / "index.html", _gallery(groups, edition))
    index = {"edition": edition.as_dict(), "moved": old, "figures": [e["meta"] for e in entries]}
    _put(root / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
    if kept:
        drop_oldest(kept, PICTURES)


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


def _folder(folder: Path, figure: Drawn, edition: Edition, known, kept: Path | None) -> dict:
    """Write all of one figure; what its page, the gallery and the index say of it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = tiers()
    sources = [
        {
            **{k: str(v) for k, v in known.loc[i, ["publisher", "title", "url", "date", "tier"]].items()},
            "id": i,
        }
        for i in figure.meta["sources"]
    ]
    sources = [s | {"kind": names[s["tier"]].lower()} for s in sources]
    item = cite.record(figure.meta, edition)
    cited = {name: make(item) for name, make in cite.FORMATS.items()}
    meta = {
        **{k: figure.meta[k] for k in ("id", "title", "subtitle", "caption", "note", "alt", "rows")},
        "chapter": figure.chapter,
        "page": figure.page,
        "sources": sources,
        "hash": f"sha256:{figure.hash}",
        "version": edition.version,
        "date": edition.date,
        "citation": item,
    }
    picture = _picture(figure, sources, edition)
    content: dict[str, bytes] = {
        "svg": picture.encode(),
        "png": _kept(kept, picture, "png", _png),
        "csv": figure.meta["csv"].encode(),
        "vl.json": figure.spec.encode(),
        "json": (json.dumps(meta, indent=1, ensure_ascii=False) + "\n").encode(),
        **{cite.SUFFIX[name]: cited[name].encode() for name in cite.SUFFIX},
    }
    for suffix, data in content.items():
        (folder / f"{figure.id}.{suffix}").write_bytes(data)
    _zip(folder / f"{figure.id}.zip", figure.id, content)
    sizes = {s: len(d) for s, d in content.items()} | {"zip": (folder / f"{figure.id}.zip").stat().st_size}
    files = [{"name": f"{figure.id}.{s}", "what": WORDS[s], "size": _size(n)} for s, n in sizes.items()]
    thumbnail, width, height = _thumbnail(figure.svg[1])
    _put(folder / "thumbnail.svg", thumbnail)
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
    _put(folder / "index.html", _render("figure.html", **common, citations=CITATIONS, suffix=cite.SUFFIX))
    _put(folder / "embed.html", _render("embed.html", **common))
    words = " ".join(figure.meta[k] for k in ("id", "title", "subtitle", "alt")).lower()
    return {"meta": meta, "words": words, "width": width, "height": height}


def _gallery(groups: Mapping, edition: Edition) -> str:
    shown = [
        {
            "chapter": chapter,
            "anchor": f"in-{Path(page).stem}",
            "figures": [{**e["meta"], **{k: e[k] for k in ("words", "width", "height")}} for e in entries],
        }
        for (page, chapter), entries in groups.items()
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
        count=sum(len(g["figures"]) for g in shown),
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


def _size(n: int) -> str:
    return f"{n / 1000:,.0f} kB" if n >= 1000 else f"{n} bytes"


def _zip(path: Path, name: str, content: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for suffix, data in content.items():
            entry = zipfile.ZipInfo(f"{name}/{name}.{suffix}", _WHEN)
            entry.compress_type = zipfile.ZIP_STORED if suffix == "png" else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)


# --- the pictures -------------------------------------------------------------------------------------------

MARGIN = 20
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def _picture(figure: Drawn, sources: list[dict], edition: Edition) -> str:
    """The wide drawing as a file that stands alone: title, subtitle, note, sources and ID with it."""
    ink, muted, page = (COLOURS[name][0] for name in ("ink", "muted", "page"))
    parts, y = [], MARGIN

    def write(text: str, size: int, colour: str, weight: str = "normal") -> None:
        nonlocal y
        for line in _lines(text, size, WIDE if weight == "normal" else int(WIDE / 1.08)):
            y += round(1.35 * size)
            parts.append(
                f'<text x="{MARGIN}" y="{y}" font-family="{FONT}" font-size="{size}px" font-weight="{weight}" '
                f'fill="{colour}">{html.escape(line, quote=False)}</text>'
            )

    write(figure.meta["title"], 18, ink, "bold")
    if figure.meta["subtitle"]:
        y += 4
        write(figure.meta["subtitle"], 14, muted)
    y += 14
    chart, height = figure.svg[0], float(re.search(r'height="([\d.]+)"', figure.svg[0])[1])
    chart = (
        re.sub(r' (?:style|aria-hidden|focusable)="[^"]*"', "", chart[: chart.index(">")])
        + chart[chart.index(">") :]
    )
    parts.append(chart.replace("<svg ", f'<svg x="{MARGIN}" y="{y}" ', 1))
    y += round(height) + 8
    if figure.meta["note"]:
        write(f"{WORDS['note']}: {figure.meta['note']}", 12, muted)
        y += 4
    publishers = list(dict.fromkeys(s["publisher"] for s in sources))
    named = "; ".join(publishers[:6])
    if len(publishers) > 6:
        named += f"; {WORDS['more'].format(n=len(publishers) - 6)}"
    write(f"{WORDS['source' if len(publishers) == 1 else 'sources']}: {named}", 12, muted)
    y += 4
    write(
        f"{edition.title}. "
        + (f"{edition.base}figures/{figure.id}/" if edition.base else f"Figure {figure.id}"),
        12,
        muted,
    )
    width, height = WIDE + 2 * MARGIN, y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">'
        f'<title id="title">{html.escape(figure.meta["title"], quote=False)}</title>'
        f'<desc id="description">{html.escape(figure.meta["alt"], quote=False)}</desc>'
        f'<rect width="{width}" height="{height}" fill="{page}"/>{"".join(parts)}</svg>\n'
    )


def _lines(text: str, size: int, width: int) -> list[str]:
    """A text broken so that no line is wider than `width` px."""
    each = text_width(text, size) / max(1, len(text))
    room = int(width / each)
    while room > 10 and any(text_width(line, size) > width for line in textwrap.wrap(text, room)):
        room -= 2
    return textwrap.wrap(text, room)


def _thumbnail(svg: str) -> tuple[str, int, int]:
    """The narrow drawing, which follows the light or dark of the page that shows it; its width and height."""
    rules = "".join(
        f'[fill="{light}" i]{{fill:{dark}}}[stroke="{light}" i]{{stroke:{dark}}}'
        for light, dark in COLOURS.values()
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    head, end, body = svg.partition(">")
    width, height = (
        round(float(re.search(rf'\b{name}="([\d.]+)"', head)[1])) for name in ("width", "height")
    )
    head = re.sub(r' (?:style|aria-hidden|focusable)="[^"]*"', "", head)
    head = head.replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1)
    return f"{head}{end}{style}{body}\n", width, height


def _png(svg: str, scale: float = SCALE) -> bytes:
    """The image, packed tightly: a third of the bytes that the converter needs."""
    packed = io.BytesIO()
    with Image.open(io.BytesIO(vlc.svg_to_png(svg, scale=scale))) as image:
        image.convert("RGB").save(packed, "PNG", compress_level=9, dpi=(72 * scale, 72 * scale))
    return packed.getvalue()


def _kept(kept: Path | None, svg: str, suffix: str, make) -> bytes:
    """`make(svg)`, kept in a folder by the drawing and the converter's version."""
    if kept is None:
        return make(svg)
    name = sha256(f"{vlc.__version__} {SCALE} {suffix} {svg}".encode()).hexdigest()
    path = kept / f"{name}.{suffix}"
    try:
        data = path.read_bytes()
        os.utime(path)  # what is not used for long is dropped first
        return data
    except OSError:
        data = make(svg)
    write_atomically(path, data)
    return data


def exported(site: Path, id: str, kind: str, width: int | None) -> bytes:
    """A file of a figure of a built site; an image at a width in pixels."""
    path = site / "figures" / id / f"{id}.{kind}"
    if not width:
        return path.read_bytes()
    svg = path.with_name(f"{id}.svg").read_text(encoding="utf-8")
    found = re.search(r'width="(\d+)" height="(\d+)"', svg)
    drawn = tuple(map(int, found.groups()))
    if kind == "png":
        return _png(svg, width / drawn[0])
    return svg.replace(found[0], f'width="{width}" height="{width * drawn[1] / drawn[0]:g}"', 1).encode()
