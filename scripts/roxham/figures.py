"""A chart made citable: its ID, title, caption, alt text, data and sources, in one static `<figure>`.

`figure(chart, ...)` ends a notebook cell. The page gets two SVG drawings, wide and narrow, of which the
style sheet shows one; the data as a table; the sources; and the Vega-Lite spec, which the reader may bring to
life with one local bundle. Nothing needs JavaScript or the network to be read.

How a figure shows itself is the environment's choice, `ROXHAM_FIGURES`:

- `site`: the bare figure; the site links the style sheet and script of `write_assets`;
- `static`: the same, and the first figure of the kernel carries the style sheet (a plain `jupyter-book build .`);
- `live`: the interactive chart over the static one, all inline (JupyterLab);

unset, it is `live` in a Jupyter server (which sets JPY_SESSION_NAME) and `static` elsewhere.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import string
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from threading import get_ident

import altair as alt
import pandas as pd
import vl_convert as vlc

from roxham.charts import COLOURS, NARROW, TEXT, WIDE
from roxham.facts import display_mode, month

MAX_ROWS = 5_000
MAX_NAMED = 6  # publishers named before the list of sources is opened
VL_VERSION = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
_VEGA = f"{vlc.__version__}-{VL_VERSION}-own-fonts"
WORDS = {  # every word that a figure adds of its own
    "source": "Source",
    "sources": "Sources",
    "note": "Note",
    "data": "Data",
    "data_of": "Data of the figure: {title}",
    "rows": "{n} rows",
    "row": "1 row",
    "suppressed": "0–5, suppressed",
    "missing": "no value",
    "live": "Live view",
    "still": "Still view",
    "loading": "Loading…",
    "failed": "The live view could not be loaded.",
    "documents": "{n} documents",
    "other": "; and 1 other",
    "others": "; and {n} others",
    "yes": "yes",
    "no": "no",
}
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ASSETS = files("roxham") / "assets"

Drawable = alt.TopLevelMixin | Callable[[int], alt.TopLevelMixin]


class FigureError(ValueError):
    """A figure that cannot be published: its ID, what was found and what is allowed."""


@dataclass(frozen=True)
class Figure:
    """What a cell displays. `meta` is also the output's metadata, under "roxham"."""

    id: str
    meta: dict = field(repr=False)
    specs: dict[str, dict] = field(repr=False)
    svg: dict[str, str] = field(repr=False)  # "wide", "narrow" → a standalone SVG in the light colours
    html: str = field(repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        how, page = display_mode(), self.html
        first = _kernel.setdefault("first", self.id) == self.id
        if how == "live":
            page = page.replace('class="rx-figure"', 'class="rx-figure" data-rx-live', 1)
            page += f"<style>{css()}</style>" + (_script(_bundle()) if first else "") + _script(_player())
        elif how == "static" and first:
            page = f"<style>{css()}</style>{page}"
        return {"text/html": page, "text/plain": f"Figure {self.id}: {self.meta['title']}"}, {
            "roxham": self.meta
        }


def figure(
    chart: Drawable,
    *,
    id: str,
    title: str,
    caption: str,
    alt: str,
    data: pd.DataFrame,
    subtitle: str | None = None,
    sources: Iterable[str | pd.DataFrame] | str | pd.DataFrame | None = None,
    note: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Figure:
    """Make a chart citable; the last expression of a notebook cell.

    chart: an Altair chart, which is drawn 680 and 328 px wide (a single or layered chart takes the width;
    panels beside each other shrink, wrap or stack), or a function of the width in px that returns one.
    id: kebab-case, unique in the book; the figure's anchor is `#fig-<id>`. title: the takeaway. subtitle:
    what is measured, where and when. caption, note: plain text. alt: the kind of chart, of what data, and
    what it shows, in at most two sentences. data: what is plotted, at most 5,000 rows; it is printed as a
    table, under the names and in the order of `columns` where given. A column `suppressed` (bool) explains
    empty cells. sources: ids or frames, besides the `source_id` column of data; one at least must be known.

    Raises FigureError, naming the figure, for a malformed or repeated id, a text that is empty or an alt that
    repeats the title, data that is empty or too long, no or unknown sources, a chart that is invalid, does not
    fit, has text under 12 px, colours outside `charts.COLOURS`, or data by URL.
    """
    who = f"figure {id!r}"
    if not isinstance(id, str) or not _ID.fullmatch(id):
        slug = re.sub(r"[^a-z0-9]+", "-", str(id).lower()).strip("-")
        hint = f", such as {slug!r}" if _ID.fullmatch(slug) else ""
        raise FigureError(f"{who}: an id is lower-case words, digits and single hyphens{hint}")
    for name, text in (("title", title), ("caption", caption), ("alt", alt)):
        if not isinstance(text, str) or not text.strip():
            raise FigureError(f"{who}: {name} is {text!r}; it must be text")
    if _plain(alt) in _plain(title):
        raise FigureError(f"{who}: alt repeats the title; say what kind of chart it is and what it shows")
    if not isinstance(data, pd.DataFrame):
        raise FigureError(f"{who}: data is {type(data).__name__}; it must be a DataFrame")
    if not 0 < len(data) <= MAX_ROWS:
        raise FigureError(
            f"{who}: data has {len(data):,} rows; allowed are 1 to {MAX_ROWS:,} (aggregate it first)"
        )
    cited = _sources(who, data, sources)
    table = _table(who, data, columns)
    specs, svg = _draw(who, id, chart, alt)
    _claim(who, id)

    meta = {
        "id": id,
        "title": title,
        "subtitle": subtitle or "",
        "caption": caption,
        "note": note or "",
        "alt": alt,
        "sources": cited.source_id.to_list(),
        "rows": len(data),
        "csv": data.to_csv(index=False, lineterminator="\n"),
    }
    _kernel["figures"][id] = meta
    page = _html(meta, cited, table, specs, svg)
    return Figure(id=id, meta=meta, specs=specs, svg=svg, html=page)


# --- the kernel ---------------------------------------------------------------------------------------------

_kernel: dict = {"figures": {}, "owners": {}}


def registry() -> dict[str, dict]:
    """The figures made in this kernel, id → metadata (id, title, alt, sources, csv …), in order."""
    return dict(_kernel["figures"])


def reset() -> None:
    """Forget the figures of this kernel, as when another chapter runs in it."""
    _kernel.clear()
    _kernel.update(figures={}, owners={})


def _claim(who: str, id: str) -> None:
    """An id belongs to the cell that first drew it. The cell may run again, changed or not; in one run it may
    draw the id once. A cell is known by the front end's cell id or, under papermill, by its source."""
    cell, run = _cell()
    owner = _kernel["owners"].get(id)
    if owner is not None and (cell is None or owner[0] != cell or owner[1] == run):
        title = _kernel["figures"][id]["title"] if id in _kernel["figures"] else ""
        raise FigureError(
            f"{who}: the id is taken in this notebook by {title!r}; "
            "give this figure another (or restart the kernel, if that cell is gone)"
        )
    _kernel["owners"][id] = (cell, run)


def _cell() -> tuple[str | None, str | None]:
    """The calling cell and this run of it; (None, None) outside a kernel."""
    try:
        from IPython import get_ipython

        request = get_ipython().get_parent()
        cell = request["metadata"].get("cellId") or request["content"]["code"]
        return cell, request["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError):
        return None, None


# --- what is given ------------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    return " ".join(text.casefold().translate(str.maketrans("", "", string.punctuation)).split())


def _sources(who: str, data: pd.DataFrame, given: object) -> pd.DataFrame:
    items = [given] if isinstance(given, str | pd.DataFrame) else list(given or ())
    if "source_id" in data:
        if (rows := int(data["source_id"].isna().sum())) > 0:
            raise FigureError(f"{who}: {rows} of {len(data)} rows of data have no source_id")
        items.insert(0, data)
    if not items:
        raise FigureError(f"{who}: no source; keep the column source_id in data, or give sources=")
    from roxham import tables

    try:
        cited = tables.sources(*items)
    except (LookupError, ValueError) as error:
        raise FigureError(f"{who}: {error.args[0] if error.args else error}") from error
    if cited.empty:
        raise FigureError(f"{who}: sources= is empty; name one at least")
    return cited


def _table(who: str, data: pd.DataFrame, columns: Mapping[str, str] | None) -> pd.DataFrame:
    """The data as text, ready to print."""
    for name in columns or ():
        if name not in data:
            near = difflib.get_close_matches(name, map(str, data.columns), 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise FigureError(
                f"{who}: columns= names {name!r}{hint} Data has {', '.join(map(str, data.columns))}"
            )
    suppressed = pd.Series(False, index=data.index)
    if "suppressed" in data:
        suppressed = data["suppressed"].fillna(False).astype(bool)
    names = columns or {
        name: _label(name) for name in data.columns if name not in {"suppressed", "source_id"}
    }
    shown = {
        label: [
            _cell_text(value, hidden, str(name), dates)
            for value, hidden in zip(data[name], suppressed, strict=True)
        ]
        for name, label in names.items()
        for dates in [_dates(data[name])]
    }
    table = pd.DataFrame(shown)
    table.attrs["numeric"] = [
        pd.api.types.is_numeric_dtype(data[n]) and not pd.api.types.is_bool_dtype(data[n]) for n in names
    ]
    return table


def _label(column: object) -> str:
    """A column's name as a reader sees it."""
    return str(column).replace("_", " ").strip().capitalize()


def _dates(values: pd.Series) -> str | None:
    if not pd.api.types.is_datetime64_any_dtype(values):
        return None
    return "month" if (values.dropna().dt.day == 1).all() else "day"


def _cell_text(value: object, hidden: bool, name: str, dates: str | None) -> str:
    if pd.isna(value):
        return WORDS["suppressed"] if hidden and dates is None else WORDS["missing"]
    if dates:
        return month(value) if dates == "month" else f"{value:%Y-%m-%d}"
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return WORDS["yes"] if value else WORDS["no"]
    if isinstance(value, str):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if number.is_integer():
        return f"{number:.0f}" if name.endswith("year") else f"{number:,.0f}".replace("-", "−")
    digits = 2 if abs(number) >= 1 else 3
    return f"{number:,.{digits}f}".rstrip("0").rstrip(".").replace("-", "−")


# --- the drawing --------------------------------------------------------------------------------------------


def _draw(who: str, id: str, chart: Drawable, description: str) -> tuple[dict[str, dict], dict[str, str]]:
    """The specs and the drawings at both widths."""
    specs, svg = {}, {}
    one = None if _is_function(chart) else _spec(who, chart)
    for variant, width in (("wide", WIDE), ("narrow", NARROW)):
        spec = _spec(who, chart(width)) if one is None else json.loads(json.dumps(one))
        spec["description"] = description
        spec, drawn = _fit(who, spec, width)
        specs[variant], svg[variant] = spec, _tidy(who, drawn, f"{id}-{variant[0]}")
    return specs, svg


def _is_function(chart: object) -> bool:
    return callable(chart) and not isinstance(chart, alt.TopLevelMixin)


def _spec(who: str, chart: alt.TopLevelMixin) -> dict:
    """A chart as Vega-Lite, its data inline and counted, its generated names in order of appearance."""
    if not isinstance(chart, alt.TopLevelMixin):
        raise FigureError(f"{who}: the chart is {type(chart).__name__}; it must be an Altair chart")
    try:
        with alt.data_transformers.enable("default", consolidate_datasets=True, max_rows=None):
            spec = chart.to_dict()
    except Exception as error:  # altair raises SchemaValidationError, TypeError, ValueError, narwhals' own
        raise FigureError(f"{who}: the chart is not valid Vega-Lite: {_first_lines(error)}") from error
    datasets = spec.pop("datasets", {})
    rows = sum(map(_rows, datasets.values()))
    for node in _nodes(spec):
        if isinstance(url := node.get("url"), str) and "values" not in node and len(node) <= 3:
            raise FigureError(f"{who}: the chart's data is by URL ({url}); load it and give the frame")
        if isinstance(node.get("data"), dict) and "values" in node["data"]:
            rows += _rows(node["data"]["values"])
    for node in _nodes(spec):
        told = node.get("tooltip")
        for tip in told if isinstance(told, list) else [told]:
            if isinstance(tip, dict) and "field" in tip:
                tip.setdefault("title", _label(tip["field"]))
    if rows > MAX_ROWS:
        raise FigureError(
            f"{who}: the chart holds {rows:,} rows; allowed are {MAX_ROWS:,} (aggregate it first)"
        )
    asked = {node["param"] for node in _nodes(spec) if isinstance(node.get("param"), str)}
    held = {p.get("name") for node in _nodes(spec) if isinstance(ps := node.get("params"), list) for p in ps}
    for name in sorted(asked - held):
        raise FigureError(
            f"{who}: the chart asks for the selection {name}, which it has lost: layer the chart, not its layers"
        )
    spec = json.loads(_in_order(json.dumps(spec)))
    return {**spec, "background": "transparent", "datasets": datasets}


def _rows(values: object) -> int:
    if isinstance(values, dict):
        return len(values.get("features", [values]))
    return len(values) if isinstance(values, list) else 1


def _nodes(value: object) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _in_order(text: str) -> str:
    """Altair numbers views and parameters by how many it has made; a figure must not depend on that."""
    seen: dict[str, str] = {}
    return re.sub(
        r"\b(view|param|hover)_\d+\b", lambda m: seen.setdefault(m[0], f"{m[1]}_{len(seen) + 1}"), text
    )


def _first_lines(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:4])[:400] or type(error).__name__


def _fit(who: str, spec: dict, width: int) -> tuple[dict, str]:
    """The spec and its drawing at a width. Panels beside each other wrap or stack, then share the width."""
    encoding = spec.get("encoding", {})
    if ("mark" in spec or "layer" in spec) and not {"facet", "row", "column"} & encoding.keys():
        spec |= {"width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
        return spec, _check_width(who, _svg(who, spec), width)
    _wrap(spec, width)
    views = list(_views(spec))
    base = [view["width"] if isinstance(view.get("width"), int | float) else 240 for view in views]
    for view, size in zip(views, base, strict=True):
        view["width"] = size
    breadth = _breadth(spec)
    share, last = (width - 50) / breadth, None
    for _ in range(5):
        for view, size in zip(views, base, strict=True):
            view["width"] = max(40, int(size * share))
        drawn = _svg(who, spec)
        total = _size(drawn)[0]
        if width - 10 <= total <= width:
            break
        slope = (total - last[1]) / (share - last[0]) if last and share != last[0] else breadth
        last, share = (share, total), max(0.05, share + (width - 6 - total) / (slope or breadth))
    return spec, _check_width(who, drawn, width)


def _wrap(spec: dict, width: int) -> None:
    """Fewer panels a row on a narrow page: at least 110 px each; no more than one row of plain panels."""
    if "hconcat" in spec and width < 480:
        spec["vconcat"] = spec.pop("hconcat")
    facet = spec.get("encoding", {}).get("facet", {})
    for node in (spec, facet):
        if isinstance(node.get("columns"), int):
            node["columns"] = max(1, min(node["columns"], width // 145))


def _views(spec: dict) -> Iterator[dict]:
    """The views whose width can be set."""
    if "spec" in spec:
        yield from _views(spec["spec"])
    elif parts := next((spec[k] for k in ("hconcat", "vconcat", "concat") if k in spec), None):
        for part in parts:
            yield from _views(part)
    else:
        yield spec


def _breadth(spec: dict) -> float:
    """The summed widths of the views of a row, the widest row; a first guess, before axes and gaps."""
    if "hconcat" in spec:
        return sum(map(_breadth, spec["hconcat"]))
    if "vconcat" in spec:
        return max(map(_breadth, spec["vconcat"]))
    inner = spec.get("spec") or max(spec.get("concat", []), key=_breadth, default=None)
    row = spec.get("columns") or spec.get("encoding", {}).get("facet", {}).get("columns") or 1
    return row * (_breadth(inner) if inner else spec["width"] + 10)


def _svg(who: str, spec: dict) -> str:
    still = {**spec, "layer": _still(spec["layer"])} if "layer" in spec else spec
    text = json.dumps(still)

    def draw() -> str:
        try:
            with own_fonts():
                return vlc.vegalite_to_svg(text, vl_version=VL_VERSION, allowed_base_urls=[])
        except Exception as error:  # a bare exception is all that vl-convert has
            raise FigureError(f"{who}: the chart cannot be drawn: {_first_lines(error)}") from error

    # one spec has one drawing, whichever notebook draws it, so it is drawn once
    return _kept(f"drawings/{sha256(f'{_VEGA} {text}'.encode()).hexdigest()}", draw)


@contextmanager
def own_fonts() -> Iterator[None]:
    """The converter measures text by its own fonts alone, of which the theme's is one: the same on every system, and
    twice as fast as where it opens each of the system's fonts for each word. It looks at its first drawing only."""
    before = os.environ.get("FONTCONFIG_FILE")
    os.environ["FONTCONFIG_FILE"] = str(_ASSETS / "fonts.conf")
    try:
        yield
    finally:
        if before is None:
            del os.environ["FONTCONFIG_FILE"]
        else:
            os.environ["FONTCONFIG_FILE"] = before


def _still(layers: list[dict]) -> list[dict]:
    """Layers without those that only a pointer shows."""
    return [layer for layer in layers if not str(layer.get("name", "")).startswith("live-")]


def _size(svg: str) -> tuple[float, float]:
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', svg)
    return float(found[1]), float(found[2])


def _check_width(who: str, svg: str, width: int) -> str:
    if (found := _size(svg)[0]) > width + 1:
        raise FigureError(
            f"{who}: drawn for {width} px the chart is {found:.0f} px wide; give a function of the width, "
            "figure(lambda width: ..., ...), with fewer or shorter parts when it is narrow"
        )
    return svg


_KNOWN = {light.lower() for light, _ in COLOURS.values()} | {"none", "transparent", "currentcolor"}


def _tidy(who: str, svg: str, prefix: str) -> str:
    """The drawing without what a page does not need, its ids its own; checked for small text and stray colours."""
    width, height = _size(svg)
    body = svg[svg.index(">") + 1 :]
    body = re.sub(r'^<rect width="[^"]*" height="[^"]*" fill="[^"]*"/>', "", body)
    body = re.sub(r' (?:class|role|aria-[a-z]+|pointer-events)="[^"]*"', "", body)
    body = re.sub(r'<path d="M0,0h0v0h0Z"/>', "", body)
    body = re.sub(
        r'<path(?: (?!d=)[a-z-]+="[^"]*")*/>', "", body
    )  # of a country outside the frame nothing is drawn
    body = _OUTLINE.sub(_shorter, body)
    body = re.sub(
        r'<text[^>]* opacity="0"[^>]*>[^<]*</text>', "", body
    )  # labels dropped where they would touch
    names = {
        name: f"{prefix}{i}" for i, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', body)), 1)
    }
    if names:
        old = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
        body = re.sub(rf'(\bid="|url\(#|href="#)({old})(?=["\)])', lambda m: m[1] + names[m[2]], body)
    for size, text in re.findall(r'<text[^>]*font-size="([\d.]+)px"[^>]*>([^<]*)', body):
        if float(size) < TEXT:
            raise FigureError(f"{who}: the text {text!r} is {size} px; at least {TEXT} px can be read")
    for paint in sorted(set(re.findall(r'\b(?:fill|stroke)="([^"]+)"', body))):
        if paint.lower() not in _KNOWN and not paint.startswith(("rgb", "url(")):
            raise FigureError(
                f"{who}: the colour {paint} has no dark-mode counterpart; use charts.colour(name), one of "
                + ", ".join(COLOURS)
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" style="max-width:100%;height:auto" '
        f'aria-hidden="true" focusable="false">{body}'
    )


_OUTLINE = re.compile(
    r' d="([MLZ\d.,-]{300,})"'
)  # straight lines between absolute points: coasts and borders


def _shorter(path: re.Match) -> str:
    """An outline to a tenth of a pixel, each point from the one before it: a third of the bytes, compressed."""
    drawn, at, start = [], (0, 0), (0, 0)
    for kind, x, y in re.findall(r"([ML])([\d.-]+),([\d.-]+)|Z", path[1]):
        if not kind:
            drawn.append("z")
            at = start
            continue
        point = (round(float(x) * 10), round(float(y) * 10))
        step = (point[0] - at[0], point[1] - at[1])
        if kind == "M":
            drawn.append(f"M{_tenths(point[0])},{_tenths(point[1])}")
            start = point
        elif step != (0, 0):
            drawn.append(f"l{_tenths(step[0])},{_tenths(step[1])}")
        at = point
    return f' d="{"".join(drawn)}"'


def _tenths(n: int) -> str:
    whole, tenth = divmod(abs(n), 10)
    return ("-" if n < 0 else "") + (f"{whole or ''}.{tenth}" if tenth else f"{whole}")


# --- the page -----------------------------------------------------------------------------------------------


def _html(meta: dict, cited: pd.DataFrame, table: pd.DataFrame, specs: dict, svg: dict) -> str:
    anchor = f"fig-{meta['id']}"
    alt_text = escape(meta["alt"])
    words = " ".join(f'data-rx-{k}="{escape(WORDS[k])}"' for k in ("live", "still", "loading", "failed"))
    words = words.replace("data-rx-live=", "data-rx-play=")
    subtitle = f'<p class="rx-subtitle">{escape(meta["subtitle"])}</p>' if meta["subtitle"] else ""
    note = f'<p class="rx-note">{WORDS["note"]}: {escape(meta["note"])}</p>' if meta["note"] else ""
    return (
        f'<figure id="{anchor}" class="rx-figure" aria-labelledby="{anchor}-title" {words}>'
        f'<p class="rx-title" id="{anchor}-title">{escape(meta["title"])}</p>{subtitle}'
        f'<div class="rx-chart">'
        f'<div class="rx-wide" role="img" aria-label="{alt_text}">{svg["wide"]}</div>'
        # without the style sheet, as in an e-book, only the wide drawing shows
        f'<div class="rx-narrow" role="img" aria-label="{alt_text}" style="display:none">{svg["narrow"]}</div>'
        f"</div>"
        f'<figcaption><p class="rx-caption">{escape(meta["caption"])}</p>{note}{_source_html(cited)}'
        f"{_table_html(anchor, meta, table)}</figcaption>"
        f'<script type="application/json" class="rx-spec">{_json(specs)}</script>'
        f"</figure>"
    )


def _json(specs: dict[str, dict]) -> str:
    """Both specs, their data once, safe inside a script element."""
    datasets = {name: rows for spec in specs.values() for name, rows in spec.get("datasets", {}).items()}
    bare = {variant: {k: v for k, v in spec.items() if k != "datasets"} for variant, spec in specs.items()}
    text = json.dumps({**bare, "datasets": datasets}, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _source_html(cited: pd.DataFrame) -> str:
    """Few sources in one line; many by publisher, and each in a list that opens."""
    one = len(cited) == 1
    head = WORDS["source"] if one else WORDS["sources"]
    lines = [_citation(source) for source in cited.to_dict("records")]
    if len(cited) <= 3:
        return f'<p class="rx-source">{head}: {"; ".join(lines)}.</p>'
    counts = cited.publisher.value_counts(sort=len(cited.publisher.unique()) > MAX_NAMED)
    short = "; ".join(
        escape(name) + (f" ({WORDS['documents'].format(n=count)})" if count > 1 else "")
        for name, count in counts.head(MAX_NAMED).items()
    )
    if len(counts) > MAX_NAMED:
        more = len(counts) - MAX_NAMED
        short += WORDS["other"] if more == 1 else WORDS["others"].format(n=more)
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<details class="rx-sources"><summary>{head}: {short}</summary><ul>{items}</ul></details>'


def _citation(source: Mapping) -> str:
    title = escape(str(source["title"]))
    url = str(source.get("url") or "")
    if re.match(r"https?://", url):
        title = f'<a href="{escape(url)}">{title}</a>'
    date = "" if pd.isna(source.get("date")) or not source.get("date") else f", {escape(str(source['date']))}"
    return f"{escape(str(source['publisher']))}, {title}{date}"


def _table_html(anchor: str, meta: dict, table: pd.DataFrame) -> str:
    kinds = [' class="rx-number"' if numeric else "" for numeric in table.attrs["numeric"]]
    head = "".join(
        f'<th scope="col"{kind}>{escape(str(name))}</th>'
        for name, kind in zip(table.columns, kinds, strict=True)
    )
    rows = []
    for first, *rest in table.itertuples(index=False, name=None):
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(rest, kinds[1:], strict=True))
        rows.append(f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>')
    count = WORDS["row"] if len(table) == 1 else WORDS["rows"].format(n=f"{len(table):,}")
    caption = escape(WORDS["data_of"].format(title=meta["title"]))
    return (
        f'<details class="rx-data"><summary>{WORDS["data"]} ({count})</summary>'
        f'<div class="rx-scroll" role="region" tabindex="0" aria-labelledby="{anchor}-data">'
        f'<table><caption id="{anchor}-data">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div></details>"
    )


# --- style sheet, script, bundle ----------------------------------------------------------------------------


def write_assets(folder: Path | str) -> list[Path]:
    """Write what the pages of a site link: roxham-figures.css, roxham-figures.js, roxham-explorer.js (where there are
    sliders) and, loaded by the second when a reader asks, roxham-vega.js (900 kB, 305 kB compressed). Returns the
    paths; unchanged files stay untouched."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "roxham-figures.css": css(),
        "roxham-figures.js": _player(),
        "roxham-explorer.js": explorer_script(),
        "roxham-vega.js": _bundle(),
    }
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


@cache
def css() -> str:
    """The style sheet of the figures: assets/figures.css, with the colours of `charts.COLOURS`."""
    light = "".join(f"--rx-{name.replace('_', '-')}:{pair[0]};" for name, pair in COLOURS.items())
    dark = "".join(f"--rx-{name.replace('_', '-')}:{pair[1]};" for name, pair in COLOURS.items())
    paint = "".join(
        f'.rx-chart [fill="{hex}" i]{{fill:var(--rx-{var})}}.rx-chart [stroke="{hex}" i]{{stroke:var(--rx-{var})}}\n'
        for name, (hex, _) in COLOURS.items()
        for var in [name.replace("_", "-")]
    )
    text = (_ASSETS / "figures.css").read_text(encoding="utf-8")
    for mark, value in {
        "light": light,
        "dark": dark,
        "paint": paint,
        "wide": str(WIDE),
        "narrow": str(NARROW),
    }.items():
        text = text.replace(f"/*{mark}*/", value)
    return text


@cache
def _player() -> str:
    return (_ASSETS / "figures.js").read_text(encoding="utf-8")


@cache
def explorer_script() -> str:
    """The script of the sliders; see `explorer`."""
    return (_ASSETS / "explorer.js").read_text(encoding="utf-8")


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and vega-embed as one script."""
    # in a function of its own: its top-level names are one letter long, and a page has others of those
    code = "window.vegaEmbed = vegaEmbed;"
    return _kept(
        f"bundle-{_VEGA}", lambda: f"(() => {{{vlc.javascript_bundle(code, vl_version=VL_VERSION)}\n}})();"
    )


def _kept(name: str, make: Callable[[], str]) -> str:
    """`make()`, kept compressed in the folder ROXHAM_CACHE, if there is one, for as long as it reads back whole."""
    if not (folder := os.environ.get("ROXHAM_CACHE")):
        return make()
    file = Path(folder, name)
    try:
        text = zlib.decompress(file.read_bytes()).decode()
        os.utime(file)  # what is not used for long is dropped first
        return text
    except (OSError, zlib.error):
        text = make()
    part = file.with_name(f"{file.name}.{os.getpid()}-{get_ident()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(zlib.compress(text.encode()))
        part.replace(file)
    except OSError:  # a full disk; what cannot be kept is made again
        with suppress(OSError):
            part.unlink()
    return text


def _script(text: str) -> str:
    return "<script>" + text.replace("</script", "<\\/script") + "</script>"
