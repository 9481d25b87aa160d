"""The files that show a figure by itself: the drawing with its title and sources, as SVG, PNG and PDF."""

from __future__ import annotations

import html
import io
import os
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import pikepdf
import vl_convert as vlc
from PIL import Image

from roxham.charts import COLOURS, WIDE, text_width
from roxham.figures import own_fonts
from roxham.publish import cache
from roxham.publish.edition import Edition

SCALE = 2
KINDS = ("pdf", "png")
MANY = 12  # drawings that are worth the start of other processes, a second each
WORDS = {"source": "Source", "sources": "Sources", "note": "Note", "more": "and {n} more"}
MARGIN = 20
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def svg(drawing: str, meta: Mapping, sources: Sequence[Mapping], edition: Edition) -> str:
    """A drawing as a file that stands alone: title, subtitle, note, sources and ID with it."""
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

    write(meta["title"], 18, ink, "bold")
    if meta["subtitle"]:
        y += 4
        write(meta["subtitle"], 14, muted)
    y += 14
    chart, height = drawing, float(re.search(r'height="([\d.]+)"', drawing)[1])
    chart = (
        re.sub(r' (?:style|aria-hidden|focusable)="[^"]*"', "", chart[: chart.index(">")])
        + chart[chart.index(">") :]
    )
    parts.append(chart.replace("<svg ", f'<svg x="{MARGIN}" y="{y}" ', 1))
    y += round(height) + 8
    if meta["note"]:
        write(f"{WORDS['note']}: {meta['note']}", 12, muted)
        y += 4
    publishers = list(dict.fromkeys(s["publisher"] for s in sources))
    named = "; ".join(publishers[:6])
    if len(publishers) > 6:
        named += f"; {WORDS['more'].format(n=len(publishers) - 6)}"
    write(f"{WORDS['source' if len(publishers) == 1 else 'sources']}: {named}", 12, muted)
    y += 4
    write(
        f"{edition.title}. "
        + (f"{edition.base}figures/{meta['id']}/" if edition.base else f"Figure {meta['id']}"),
        12,
        muted,
    )
    width, height = WIDE + 2 * MARGIN, y + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">'
        f'<title id="title">{html.escape(meta["title"], quote=False)}</title>'
        f'<desc id="description">{html.escape(meta["alt"], quote=False)}</desc>'
        f'<rect width="{width}" height="{height}" fill="{page}"/>{"".join(parts)}</svg>\n'
    )


def _lines(text: str, size: int, width: int) -> list[str]:
    """A text broken so that no line is wider than `width` px."""
    each = text_width(text, size) / max(1, len(text))
    room = int(width / each)
    while room > 10 and any(text_width(line, size) > width for line in textwrap.wrap(text, room)):
        room -= 2
    return textwrap.wrap(text, room)


def thumbnail(svg: str) -> tuple[str, int, int]:
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


def png(svg: str, scale: float = SCALE) -> bytes:
    """The image, packed tightly: a third of the bytes that the converter needs."""
    packed = io.BytesIO()
    with own_fonts():
        drawn = vlc.svg_to_png(svg, scale=scale)
    with Image.open(io.BytesIO(drawn)) as image:
        image.convert("RGB").save(packed, "PNG", compress_level=6, dpi=(72 * scale, 72 * scale))
    return packed.getvalue()


def pdf(svg: str, title: str, id: str) -> bytes:
    """The drawing as one page of vectors and text, titled; the same bytes for the same drawing.

    The converter numbers its fonts in an order that changes from run to run; qpdf numbers everything anew, in the
    order in which it meets it.
    """
    packed = io.BytesIO()
    with own_fonts():
        drawn = vlc.svg_to_pdf(svg)
    with pikepdf.open(io.BytesIO(drawn)) as file:
        with file.open_metadata(set_pikepdf_as_editor=False) as about:
            about["dc:title"], about["dc:identifier"], about["dc:language"] = title, id, ["en-CA"]
        file.docinfo["/Title"] = title
        file.Root["/Lang"] = "en-CA"
        file.Root["/ViewerPreferences"] = pikepdf.Dictionary(DisplayDocTitle=True)
        file.save(packed, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return packed.getvalue()


def files(svg: str, title: str, id: str) -> dict[str, bytes]:
    """The drawing as "pdf" and as "png", kept from build to build."""
    make = {"pdf": lambda: pdf(svg, title, id), "png": lambda: png(svg)}
    return {kind: cache.kept("pictures", _key(svg, kind), kind, make[kind]) for kind in KINDS}


def ahead(drawings: Iterable[tuple[str, str, str]]) -> None:
    """Make those `files` that are not kept, on all cores: they are half of the printing of a book that is new."""
    due = [
        one
        for one in drawings
        if any(
            (path := cache.place("pictures", _key(one[0], kind), kind)) and not path.exists()
            for kind in KINDS
        )
    ]
    if len(due) >= MANY and (cores := os.cpu_count() or 1) > 1:
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            for _ in pool.map(_kept, due):
                pass


def _kept(drawing: tuple[str, str, str]) -> None:
    files(*drawing)


def _key(svg: str, kind: str) -> str:
    """All that the file depends on: the drawing, the converters' versions and what is written here."""
    return f"{vlc.__version__} {pikepdf.__version__} {_here()} {kind} {svg}"


@lru_cache
def _here() -> str:
    return sha256(Path(__file__).read_bytes()).hexdigest()
