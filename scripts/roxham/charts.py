"""The one theme, the colours, and the marks that recur. Everything returned is a plain `alt.Chart`.

Importing this module registers and enables the Altair theme "roxham". A chapter may draw anything with
Altair; what is here is what several chapters would otherwise repeat:

- `series`: lines over time, labelled at their ends, with event rules and an uncertainty band;
- `events`: the event rules alone, to layer over any chart with a time axis;
- `bars`: ranked horizontal bars with their values;
- `columns`: columns by year, stacked when there is a series;
- `small_multiples`: one panel a place, on one scale.

A chart is shown at two widths, `WIDE` and `NARROW` pixels, and its text is never smaller than 12 px at
either. `series` and `events` place their labels for both and let the drawn width decide; inside a
concatenation, where Vega-Lite knows no single width, give `width=`.
"""

from __future__ import annotations

import difflib
import itertools
import json
import math
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import altair as alt
import pandas as pd

_hovers = itertools.count(1)  # figures.py numbers them anew in each figure

WIDE = 680  # the text column of the book at 1280 px, rounded down
NARROW = 328  # the same on a 360 px screen
TEXT = 12  # px, the smallest text of a chart as it is shown
PROVINCES = {  # as a label says them that has little room
    "Alberta": "Alta.",
    "British Columbia": "B.C.",
    "Manitoba": "Man.",
    "New Brunswick": "N.B.",
    "Newfoundland and Labrador": "N.L.",
    "Northwest Territories": "N.W.T.",
    "Nova Scotia": "N.S.",
    "Ontario": "Ont.",
    "Prince Edward Island": "P.E.I.",
    "Quebec": "Que.",
    "Saskatchewan": "Sask.",
}
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # one set of metrics, on every system

# What a thing is called → its colour on the white page, and on the dark one (#121212). Each reaches 4.5:1
# against its page, so that a mark and its label share it. A light value belongs to one name only, because
# the page finds the dark one by it. Tests hold all three, and the distance between colours that meet in one
# chart as dichromats see it.
COLOURS: dict[str, tuple[str, str]] = {
    # places and directions
    "quebec": ("#17479e", "#5b9bff"),
    "rest_of_canada": ("#c2480a", "#ff9457"),
    "southbound": ("#8f62b5", "#e3bdf5"),
    "canada": ("#1d2124", "#f2f4f6"),
    # where a claim is made
    "airports": ("#00616a", "#7be0da"),
    "border": ("#8a6000", "#e3b62e"),
    "inland": ("#85173f", "#ff5f8a"),
    "other": ("#6d7680", "#8f99a4"),
    # the page and what is quiet on it
    "page": ("#ffffff", "#121212"),
    "ink": ("#22272b", "#e9ecef"),
    "muted": ("#59636e", "#aab2bb"),
    "rule": ("#7d8791", "#77818b"),
    "grid": ("#e3e7eb", "#30363d"),
    # maps
    "land": ("#f3f1ec", "#23272b"),
    "water": ("#d5e3ee", "#1b3346"),
    # an ordered scale, from little to much
    "step_1": ("#dbe7f6", "#1c2b40"),
    "step_2": ("#aecbeb", "#27466f"),
    "step_3": ("#78a5da", "#3566a6"),
    "step_4": ("#4179c0", "#5b8ed6"),
    "step_5": ("#20549b", "#93bbef"),
    "step_6": ("#102f63", "#d3e4fb"),
}
STEPS = [COLOURS[f"step_{i}"][0] for i in range(1, 7)]

_ALSO = {
    "swanton": "southbound",
    "swanton sector": "southbound",
    "united states": "southbound",
    "airport": "airports",
    "air port": "airports",
    "land ports": "border",
    "land port": "border",
    "land border": "border",
    "total": "canada",
    "not stated": "other",
    "ontario": "rest_of_canada",
    "british columbia": "rest_of_canada",
    "alberta": "rest_of_canada",
    "saskatchewan": "rest_of_canada",
    "manitoba": "rest_of_canada",
    "new brunswick": "rest_of_canada",
    "nova scotia": "rest_of_canada",
    "prince edward island": "rest_of_canada",
    "newfoundland and labrador": "rest_of_canada",
    "yukon": "rest_of_canada",
    "northwest territories": "rest_of_canada",
    "nunavut": "rest_of_canada",
}
_DASHES = ([1, 0], [6, 3], [2, 3], [8, 3, 2, 3])  # for lines that share a colour


def colour(name: str) -> str:
    """The light-mode hex of a thing: a name of `COLOURS`, or what the data call it ("Quebec", "Ontario",
    "Land ports"). Pages replace it with the dark one. Raises ValueError, with the nearest name."""
    plain = unicodedata.normalize("NFD", str(name)).encode("ascii", "ignore").decode().strip().lower()
    plain = plain.replace("_", " ").replace("-", " ")
    key = _ALSO.get(plain, plain.replace(" ", "_"))
    if key not in COLOURS:
        near = difflib.get_close_matches(key, COLOURS, 1)
        raise ValueError(
            f"no colour for {name!r}{f'; did you mean {near[0]!r}?' if near else ''} Known: {', '.join(COLOURS)}"
        )
    return COLOURS[key][0]


@alt.theme.register("roxham", enable=True)
def theme() -> alt.theme.ThemeConfig:
    """No background, a quiet grid, few ticks, text of 12 px or more."""
    ink, muted, rule, grid = (colour(name) for name in ("ink", "muted", "rule", "grid"))
    text = {"labelFontSize": TEXT, "titleFontSize": TEXT, "labelColor": muted, "titleColor": muted}
    return {
        "background": None,
        "padding": 2,
        "config": {
            "aria": False,  # one description a figure, and a table beside it
            "font": FONT,
            "view": {"stroke": None, "continuousWidth": 320, "continuousHeight": 280},
            "axis": {
                **text,
                "titleFontWeight": "normal",
                "domainColor": rule,
                "tickColor": rule,
                "gridColor": grid,
                "labelPadding": 6,
                "labelOverlap": "parity",
                "labelSeparation": 8,
            },
            "axisX": {"grid": False, "tickCount": 6, "tickSize": 4, "labelFlush": False},
            "axisY": {"domain": False, "ticks": False, "tickCount": 4, "titleAnchor": "start"},
            "axisBand": {"ticks": False, "labelAngle": 0},
            "legend": {**text, "orient": "top", "title": None, "symbolType": "square"},
            "header": {
                **text,
                "labelFontSize": 13,
                "labelColor": ink,
                "labelFontWeight": "bold",
                "labelAnchor": "start",
                "title": None,
            },
            "headerRow": {"labelAngle": 0, "labelOrient": "top", "labelPadding": 2},
            "title": {"fontSize": 14, "color": ink, "anchor": "start", "fontWeight": "bold"},
            "text": {"fontSize": TEXT, "color": ink},
            "line": {"strokeWidth": 2, "strokeJoin": "round", "color": colour("quebec")},
            "area": {"color": colour("quebec")},
            "bar": {"color": colour("quebec")},
            "point": {"color": colour("quebec"), "filled": True, "size": 40},
            "circle": {"color": colour("quebec")},
            "rect": {"color": colour("quebec")},
            "rule": {"color": rule},
            "geoshape": {"color": colour("land"), "stroke": colour("rule"), "strokeWidth": 0.5},
            "facet": {"spacing": 18},
            "concat": {"spacing": 18},
            "range": {
                "category": [v[0] for v in list(COLOURS.values())[:8]],
                "ordinal": STEPS,
                "ramp": STEPS,
                "heatmap": STEPS,
            },
        },
    }


def series(
    data: pd.DataFrame,
    x: str,
    y: str,
    *,
    series: str | None = None,
    colours: str | Mapping[str, str] | None = None,
    labels: str | Mapping[str, str] | None = None,
    events: Iterable[str] | pd.DataFrame = (),
    band: tuple[str, str] | None = None,
    thin: Iterable[str] = (),
    y_title: str | None = None,
    height: int = 280,
    width: int | None = None,
) -> alt.LayerChart:
    """Lines over time from zero, each labelled at its end.

    data: long, one row a point; `x` datetime64, `y` a count or rate (a null breaks the line), `series` the
    column that tells the lines apart. colours: a name of `COLOURS` for one line, or {value: name}; without
    it the values themselves are looked up. labels: the text at the end of one line, or {value: text}.
    events: event ids, or a frame as in `tables.load("events")`; those outside the data are left out.
    band: the columns (lower, upper) of an interval. thin: the values of `series` that stand back. width: px,
    only inside a concatenation.
    Raises ValueError for a missing column, an unknown event, an empty frame, or `x` that is no date.
    """
    _columns(data, [x, y, series, *(band or ())], "charts.series")
    if not pd.api.types.is_datetime64_any_dtype(data[x]):
        raise ValueError(f"charts.series: {x!r} is {data[x].dtype}; it must be datetime64 (pd.to_datetime)")
    shown = data.dropna(subset=[y])
    if shown.empty:
        raise ValueError(f"charts.series: no value in {y!r} ({len(data)} rows)")

    names = list(dict.fromkeys(data[series])) if series else [y]
    if series:
        paint = {name: colour((colours or {}).get(name, name)) for name in names}
        words = {name: (labels or {}).get(name, str(name)) for name in names}
    else:
        paint, words = {y: colour(colours or "quebec")}, {y: labels or ""}
    dashes = {name: _DASHES[list(paint.values())[:i].count(paint[name]) % 4] for i, name in enumerate(names)}

    columns = [shown[y], *(data[c].dropna() for c in band or ())]
    bottom, top = _nice(min(c.min() for c in columns), max(c.max() for c in columns))
    x_axis = alt.X(x, type="temporal", title=None, axis=_time_axis(data[x]))
    scale = alt.Scale(domain=[bottom, top], nice=False)
    y_axis = alt.Y(
        y,
        type="quantitative",
        title=y_title,
        scale=scale,
        axis=_value_axis(_ticks(shown[y], bottom, top), y_title),
    )
    tint: object = alt.value(paint[names[0]])
    stroke: object = alt.value(dashes[names[0]])
    if series:
        by = alt.Scale(domain=names, range=[paint[n] for n in names])
        tint = alt.Color(series, type="nominal", scale=by, legend=None)
        by = alt.Scale(domain=names, range=[dashes[n] for n in names])
        stroke = alt.StrokeDash(series, type="nominal", scale=by, legend=None)

    base = alt.Chart(data)
    layers: list[alt.Chart | alt.LayerChart] = []
    if band:
        low, high = band
        area = base.mark_area(opacity=0.2, line=False).encode(
            x_axis, alt.Y(low, type="quantitative"), alt.Y2(high)
        )
        layers.append(area.encode(color=tint))
    line = base.mark_line().encode(x_axis, y_axis, color=tint, strokeDash=stroke)
    if thin := sorted(thin):
        thin = alt.FieldOneOfPredicate(field=series, oneOf=thin)
        line = line.encode(strokeWidth=alt.condition(thin, alt.value(1.2), alt.value(2.5)))
    layers.append(line)

    ends = shown.sort_values(x, kind="stable").groupby(series or (lambda _: y), sort=False).tail(1)
    ends = pd.DataFrame(
        {
            x: ends[x],
            "label": [words[n] for n in (ends[series] if series else [y])],
            "colour": [paint[n] for n in (ends[series] if series else [y])],
            "value": ends[y].astype(float),
        }
    )
    ends = ends[ends.label != ""].sort_values("value", ascending=False)
    rules = _events(events)
    under = any(data[x].min() <= _middle(date) <= data[x].max() for date in rules["date"])
    if len(ends):
        layers.append(_end_labels(ends, x, bottom, top, height, width, under=under))
    if len(rules):
        span = (data[x].min(), data[x].max())
        left = text_width(f"{top:,.0f}") + 12
        right = {w: max([text_width(t) for t in _wrap(ends.label, w)], default=0) + 8 for w in (WIDE, NARROW)}
        if width:  # that of the plot alone
            right = {width: max(map(text_width, ends.label), default=0) + 8}
            margins = {round(width + left + right[width]): (left, right[width])}
        else:
            margins = {w: (left, right[w]) for w in (WIDE, NARROW)}
        if (layer := _event_layer(rules, span, margins)) is not None:
            layers.insert(0, layer)
    # its own name: Altair warns of, and merges, equal ones when charts stand below each other
    name = f"hover_{next(_hovers)}"
    hover = alt.selection_point(name=name, nearest=True, on="pointerover", clear="pointerout", empty=False)
    tips = [alt.Tooltip(x, type="temporal", format=_tip_format(data[x])), alt.Tooltip(y, format=",")]
    tips = [alt.Tooltip(series, type="nominal"), *tips] if series else tips
    live = base.mark_point(size=60).encode(x_axis, y_axis, color=tint, tooltip=tips)
    live = live.encode(opacity=alt.condition(hover, alt.value(1), alt.value(0))).add_params(hover)
    layers.append(live.properties(name="live-hover"))
    return alt.layer(*layers).properties(height=height, **({"width": width} if width else {}))


def events(
    ids: Iterable[str] | pd.DataFrame,
    span: tuple[pd.Timestamp, pd.Timestamp],
    *,
    width: int | None = None,
    left: int = 48,
    right: int = 8,
) -> alt.LayerChart:
    """Rules at dated events, their labels in rows above the plot so that none overlaps or is struck through.

    ids: event ids, or a frame with columns date, label (≤ 28 characters). span: the first and last date of
    the axis; events outside are left out. left, right: px that the axes and labels of the chart under it
    take. Layer it over a chart whose x is temporal. A date known only to the month or the year stands at
    its middle. Raises ValueError for an unknown event, or when none falls within the span.
    """
    layer = _event_layer(_events(ids), span, {w: (left, right) for w in _widths(width)})
    if layer is None:
        raise ValueError(f"charts.events: no event between {span[0]:%Y-%m-%d} and {span[1]:%Y-%m-%d}")
    return layer


def bars(
    data: pd.DataFrame,
    x: str,
    y: str,
    *,
    colours: str | Mapping[str, str] = "quebec",
    sort: Sequence | None = None,
    format: str = ",.0f",
) -> alt.LayerChart:
    """Horizontal bars from zero, ranked, each with its value at its end.

    data: one row a bar; `x` a number, `y` a category. colours: a name of `COLOURS`, or {category: name}.
    sort: the categories in order; longest first by default. format: d3 format of the values. Raises ValueError for a
    missing column.
    """
    _columns(data, [x, y], "charts.bars")
    # spelled out: Vega-Lite's own sort by value is lost where layers share an axis
    sort = list(sort if sort is not None else data.sort_values(x, ascending=False, kind="stable")[y])
    tips = [alt.Tooltip(y, type="nominal"), alt.Tooltip(x, format=format)]
    base = alt.Chart(data).encode(
        # to the longest bar exactly: room up to a round number would be taken from the values at the ends
        alt.X(x, type="quantitative", axis=None, scale=alt.Scale(zero=True, nice=False)),
        alt.Y(y, type="nominal", sort=sort, title=None, axis=alt.Axis(domain=False, labelLimit=170)),
    )
    drawn = base.mark_bar().encode(color=_tint(data[y], y, colours), tooltip=tips)
    text = base.mark_text(align="left", dx=5).encode(text=alt.Text(x, format=format))
    return alt.layer(drawn, text).properties(height=26 * data[y].nunique())


def intervals(
    data: pd.DataFrame,
    x: str,
    low: str,
    high: str,
    y: str,
    *,
    colours: str | Mapping[str, str] = "quebec",
    hollow: str | None = None,
    reference: float | None = 0.0,
    domain: tuple[float, float] | None = None,
    format: str = ",.0f",
    log: bool = False,
) -> alt.LayerChart:
    """Estimates with their intervals, a row each: the words of `y` above, a dot on a bar from `low` to `high` below.

    data: one row an estimate, in the order drawn; `x` may be missing (a bar without a dot). colours: a name of
    `COLOURS`, or {value of `y`: name}. hollow: a column of booleans, true for a dot that is not to be trusted.
    reference: where a dashed rule stands. domain: that of the axis, clipping longer bars; by default all of them.
    Raises ValueError for a missing column.
    """
    _columns(data, [x, low, high, y, *([hollow] if hollow else [])], "charts.intervals")
    shown = data.assign(_hollow=data[hollow].astype(bool) if hollow else False)
    rows = alt.Y(y, type="nominal", sort=list(dict.fromkeys(shown[y])), title=None, axis=None)
    scale = {"type": "log"} if log else {"zero": reference == 0}
    if domain:
        scale |= {"domain": list(domain), "nice": False}
    scale = alt.Scale(**scale)
    axis = alt.Axis(format=format, grid=True, tickCount=5)
    if log and domain:  # doublings: Vega's own ticks of a short logarithmic axis crowd
        axis.values = [2.0**k for k in range(-20, 21) if domain[0] <= 2.0**k <= domain[1]]
    tint = _tint(shown[y], y, colours)
    tips = [alt.Tooltip(c, format=format) for c in (x, low, high)]
    base = alt.Chart(shown)
    layers = []
    if reference is not None:
        rule = alt.Chart(pd.DataFrame({"reference": [float(reference)]}))
        layers.append(
            rule.mark_rule(strokeDash=[3, 3], color=colour("rule")).encode(
                x=alt.X("reference:Q", scale=scale)
            )
        )
    bar = base.mark_rule(strokeWidth=3, yOffset=10, clip=True, opacity=0.55)
    layers.append(
        bar.encode(
            alt.X(low, type="quantitative", title=None, scale=scale, axis=axis), rows, x2=high, color=tint
        )
    )
    seen = base.transform_filter(f"isValid(datum['{x}'])").encode(
        alt.X(x, type="quantitative", scale=scale), rows, tooltip=tips
    )
    dot = seen.transform_filter("!datum._hollow").mark_circle(size=60, yOffset=10, opacity=1, clip=True)
    layers.append(dot.encode(color=tint))
    if shown["_hollow"].any():  # the page's colour in the middle, so that the bar does not show through
        ring = seen.transform_filter("datum._hollow").mark_circle(yOffset=10, opacity=1, clip=True)
        layers.append(ring.encode(color=tint, size=alt.value(110)))
        layers.append(ring.encode(color=alt.value(colour("page")), size=alt.value(36)))
    words = base.encode(rows, x=alt.value(0), text=alt.Text(y, type="nominal"))
    if reference is not None:  # the rule ends where the words begin
        layers.append(words.mark_text(align="left", dy=-9, stroke=colour("page"), strokeWidth=5))
    layers.append(words.mark_text(align="left", dy=-9))
    return alt.layer(*layers).properties(height=alt.Step(44))


def columns(
    data: pd.DataFrame,
    x: str,
    y: str,
    *,
    series: str | None = None,
    colours: str | Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    partial: Iterable[str] = (),
    height: int = 280,
) -> alt.LayerChart:
    """Columns from zero, in the order of the data: years, or other ordered categories.

    data: one row a column or, with `series`, a segment; `x` a category, `y` a number ≥ 0 (a null keeps its place,
    and has neither column nor value). Segments stack in the order of their first rows, each named (`labels`:
    {value: text}) beside the last column. Without `series` each column carries its value where there is room.
    colours: as in the function `series`. partial: the values of `x` not yet whole, such as a year still running:
    paler, in an outline. Where not every category can be named, the last one is.
    Raises ValueError for a missing column, an empty frame or a negative number.
    """
    _columns(data, [x, y, series], "charts.columns")
    if data.empty or (data[y] < 0).any():
        raise ValueError(f"charts.columns: {y!r} must hold numbers from 0 on; found {data[y].min()}")
    order = list(dict.fromkeys(data[x]))
    names = list(dict.fromkeys(data[series])) if series else [y]
    rank = data[series].map({name: i for i, name in enumerate(names)}) if series else 0
    stacked = data.assign(_rank=rank).sort_values("_rank", kind="stable")
    stacked["_to"] = stacked.groupby(x, sort=False)[y].cumsum()
    stacked["_from"] = stacked["_to"] - stacked[y]
    bottom, top = _nice(0, stacked["_to"].max())

    # the drawing stacks the rows itself, so that it holds no more than they do
    base = alt.Chart(stacked[list(data.columns)]).transform_stack(stack=y, groupby=[x], as_=["_from", "_to"])
    # as many names as fit, counted back from the last
    room = len(order) * (max(text_width(str(name)) for name in order) + 4)
    every = f"({len(order) - 1} - indexof({json.dumps([str(name) for name in order])}, datum.label))"
    every = f"{every} % max(1, ceil({room:.0f} / width)) == 0 ? datum.label : ''"
    axis = alt.Axis(labelExpr=every, labelOverlap=False)
    base = base.encode(alt.X(x, type="ordinal", sort=order, title=None, axis=axis))
    axis = _value_axis(_ticks(data[y], bottom, top))
    scale = alt.Scale(domain=[bottom, top], nice=False)
    length = alt.Y("_from", type="quantitative", title=None, axis=axis, scale=scale)
    tint = _tint(data[series], series, colours) if series else alt.value(colour(colours or "quebec"))
    tips = [alt.Tooltip(x, type="nominal"), alt.Tooltip(y, format=",")]
    tips = [alt.Tooltip(series, type="nominal"), *tips] if series else tips
    drawn = base.mark_bar().encode(length, alt.Y2("_to"), color=tint, tooltip=tips)
    if partial := list(partial):
        pale = alt.FieldOneOfPredicate(field=x, oneOf=partial)
        line = _tint(data[series], series, colours).to_dict() if series else None
        drawn = drawn.encode(
            stroke=alt.Stroke(**line) if line else tint,
            strokeWidth=alt.condition(pale, alt.value(1), alt.value(0)),
            fillOpacity=alt.condition(pale, alt.value(0.35), alt.value(1)),
        )
    if series:
        last = stacked[stacked[x] == order[-1]]
        ends = pd.DataFrame(
            {
                x: last[x],
                "label": [(labels or {}).get(name, str(name)) for name in last[series]],
                "colour": [colour((colours or {}).get(name, name)) for name in last[series]],
                "value": (last["_from"] + last["_to"]).astype(float) / 2,
            }
        )
        named = _end_labels(
            ends.sort_values("value", ascending=False), x, bottom, top, height, None, order=order
        )
        return alt.layer(drawn, named).properties(height=height)
    room = len(order) * (text_width(f"{stacked['_to'].max():,.0f}") + 4)
    unknown = f" || !isValid(datum['{y}'])" if data[y].isna().any() else ""
    value = alt.expr(f"width < {room:.0f}{unknown} ? '' : format(datum['_to'], ',')")
    text = base.mark_text(dy=-8, text=value).encode(alt.Y("_to", type="quantitative"))
    return alt.layer(drawn, text).properties(height=height)


def small_multiples(
    data: pd.DataFrame,
    x: str,
    y: str,
    panel: str,
    *,
    colours: str | Mapping[str, str] | None = None,
    columns: int = 4,
    height: int = 90,
    independent: bool = False,
) -> alt.FacetChart:
    """One small line chart a value of `panel`, in the order of the data, on one scale from zero.

    data: long; `x` datetime64, `y` a number. columns: at most so many a row (a narrow page takes fewer).
    independent: each panel its own y scale; say so in the subtitle. colours: as in `series`.
    """
    _columns(data, [x, y, panel], "charts.small_multiples")
    names = list(dict.fromkeys(data[panel]))
    years = sorted(data[x].dt.year.unique())
    axis = alt.Axis(
        format="%Y", values=[{"year": int(year)} for year in (years[0], years[-1])], labelFlush=True
    )
    line = (
        alt.Chart()
        .mark_line(strokeWidth=1.5)
        .encode(
            alt.X(x, type="temporal", title=None, axis=axis),
            alt.Y(y, type="quantitative", title=None, axis=alt.Axis(format=",.0f", tickCount=2)),
            color=_tint(data[panel], panel, colours),
            tooltip=[
                alt.Tooltip(x, type="temporal", format=_tip_format(data[x])),
                alt.Tooltip(y, format=","),
            ],
        )
        .properties(width=120, height=height)
    )
    facet = alt.Facet(panel, type="nominal", sort=names, title=None)
    # flush: panels in line with each other, whatever room their own labels take
    chart = alt.layer(line, data=data).facet(facet, columns=columns, bounds="flush", spacing=44)
    return chart.resolve_scale(y="independent") if independent else chart


# --- what the above are made of -----------------------------------------------------------------------------


def _columns(data: pd.DataFrame, names: Iterable[str | None], who: str) -> None:
    for name in names:
        if name is not None and name not in data:
            near = difflib.get_close_matches(str(name), map(str, data.columns), 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(
                f"{who}: no column {name!r}{hint} The data has {', '.join(map(str, data.columns))}"
            )


def _tint(values: pd.Series, name: str, colours: str | Mapping[str, str] | None) -> alt.Color | dict:
    """The colour of each value: one for all, or by name."""
    if isinstance(colours, str):
        return alt.value(colour(colours))
    names = list(dict.fromkeys(values))
    scale = alt.Scale(domain=names, range=[colour((colours or {}).get(n, n)) for n in names])
    return alt.Color(name, type="nominal", scale=scale, legend=None)


def _widths(width: int | None) -> tuple[int, ...]:
    return (width,) if width else (WIDE, NARROW)


def _nice(low: float, high: float) -> tuple[float, float]:
    """A domain from zero that ends on a round number: the top of four or so equal steps."""
    low, high = min(0.0, float(low)), max(0.0, float(high))
    high = high if high > low else 1.0  # nothing but zeros still has an axis
    rough = (high - low) / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * s for s in (1, 2, 2.5, 5, 10) if unit * s >= rough * 0.8)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _format(bottom: float, top: float) -> str:
    """d3 format of the ticks: whole numbers, or as many decimals as a quarter of the axis needs."""
    return ",.0f" if top - bottom >= 4 else f",.{max(1, math.ceil(-math.log10((top - bottom) / 4)))}f"


def _ticks(values: pd.Series, bottom: float, top: float) -> dict:
    """Format of the ticks (d3) and, for a few whole numbers, where they stand: half a person is no count."""
    if top - bottom < 4 and pd.api.types.is_integer_dtype(values):
        return {"format": ",.0f", "values": list(range(math.ceil(bottom), math.floor(top) + 1))}
    return {"format": _format(bottom, top)}


def _value_axis(ticks: dict, title: str | None = None) -> alt.Axis:
    beside = {"titleAngle": 0, "titleAlign": "left", "titleY": -10, "titleX": 0} if title else {}
    return alt.Axis(**ticks, **beside)


def _time_axis(dates: pd.Series) -> alt.Axis:
    years = (dates.max() - dates.min()).days / 365.25
    if years < 2.5:
        return alt.Axis(tickCount={"interval": "month", "step": 6 if years > 1.2 else 3}, format="%b %Y")
    return alt.Axis(tickCount={"interval": "year", "step": max(1, math.ceil(years / 8))}, format="%Y")


def _tip_format(dates: pd.Series) -> str:
    if dates.nunique() > 1 and (dates.dropna().dt.strftime("%m-%d") == "01-01").all():
        return "%Y"
    return "%B %Y" if (dates.dropna().dt.day == 1).all() else "%e %B %Y"


_ADVANCE = {c: w for w, cs in ((0.28, "iljtfI.,:;'|!/’ -"), (0.86, "mwMW@%—")) for c in cs}


def text_width(text: str, size: float = TEXT) -> float:
    """Pixels of a text in the theme's font, a little generous."""
    return 1.05 * size * sum(_ADVANCE.get(c, 0.70 if c.isupper() else 0.56) for c in text)


def _wrap(labels: Iterable[str], width: int) -> list[str]:
    """The lines of the labels, as they are broken at this width."""
    return [line for label in labels for line in _broken(label, width).split("\n")]


def _broken(label: str, width: int) -> str:
    return "\n".join(textwrap.wrap(label, 22 if width > 480 else 10, break_long_words=False) or [label])


def _by_width(values: Mapping[int, str]) -> alt.ExprRef:
    """A mark property that differs between widths: an expression, or one value when the width is given."""
    if len(values) == 1:
        return alt.expr(f"datum.{next(iter(values.values()))}")
    wide, narrow = (values[w] for w in (WIDE, NARROW))
    return alt.expr(f"width < 400 ? datum.{narrow} : datum.{wide}")


def _end_labels(
    ends: pd.DataFrame,
    x: str,
    bottom: float,
    top: float,
    height: int,
    width: int | None,
    *,
    order: list | None = None,
    under: bool = False,
) -> alt.LayerChart:
    """The names of the lines at their ends, moved apart where they would touch. ends: highest first. order: of
    the categories of `x`, which layers that share an axis must all give. under: whether labels of events stand above
    the plot, which the names must not reach."""
    rows, fields = ends.drop(columns="value").assign(), {}
    for w in _widths(width):
        lines = [_broken(label, w) for label in ends.label]
        tall = [14 * (line.count("\n") + 1) for line in lines]
        want = [height * (top - v) / (top - bottom) for v in ends.value]
        at = _apart(want, tall, height, -4 if under else None)
        rows[f"text_{w}"], rows[f"y_{w}"] = (
            lines,
            [round(y - (t - 14) / 2, 1) for y, t in zip(at, tall, strict=True)],
        )
        fields[w] = (f"text_{w}", f"y_{w}")
    mark = {
        "align": "left",
        "baseline": "middle",
        "dx": 6,
        "lineBreak": "\n",
        "lineHeight": 14,
        "fontWeight": "bold",
        "text": _by_width({w: f[0] for w, f in fields.items()}),
        "y": _by_width({w: f[1] for w, f in fields.items()}),
    }
    dated = pd.api.types.is_datetime64_any_dtype(rows[x])
    across = alt.X(x, type="temporal") if dated else alt.X(x, type="ordinal", sort=order, bandPosition=1)
    tint = alt.Color("colour", type="nominal", scale=None)
    return alt.Chart(rows).mark_text(**mark).encode(across, color=tint)


def _apart(want: list[float], tall: list[float], height: float, above: float | None = None) -> list[float]:
    """Centres as near as possible to `want` (ascending), none overlapping, within the height and, if `above` is
    given, not beginning higher than that."""
    at = list(want)
    for _ in range(50):
        moved = False
        for i in range(len(at) - 1):
            lack = (tall[i] + tall[i + 1]) / 2 - (at[i + 1] - at[i])
            if lack > 0.05:
                at[i], at[i + 1], moved = at[i] - lack / 2, at[i + 1] + lack / 2, True
        if at and (over := at[-1] + tall[-1] / 2 - (height + 7)) > 0:
            at[-1] -= over
        if at and above is not None and (over := above - (at[0] - tall[0] / 2)) > 0:
            at[0] += over
            moved = moved or over > 0.05
        if not moved:
            break
    return at


def _events(ids: Iterable[str] | pd.DataFrame) -> pd.DataFrame:
    """Events as rows of date (str) and label, from ids or a frame."""
    if isinstance(ids, pd.DataFrame):
        _columns(ids, ["date", "label"], "charts.events")
        return ids
    ids = [ids] if isinstance(ids, str) else list(ids)
    if not ids:
        return pd.DataFrame({"date": [], "label": []})
    from roxham import tables

    known = tables.load("events").set_index("event_id")
    for name in ids:
        if name not in known.index:
            near = difflib.get_close_matches(name, known.index, 1)
            raise ValueError(
                f"charts.events: no event {name!r}{f'; did you mean {near[0]!r}?' if near else ''}"
            )
    return known.loc[ids].reset_index()


def _middle(date: str) -> pd.Timestamp:
    """A date known to the day; the middle of one known to the month or the year."""
    date = str(date)[:10]
    return pd.Timestamp({4: f"{date}-07-01", 7: f"{date}-15"}.get(len(date), date))


def _event_layer(
    rules: pd.DataFrame, span: tuple, margins: Mapping[int, tuple[float, float]]
) -> alt.LayerChart | None:
    """Rules and labels of the events within the span; margins: width → px beside the plot, left and right."""
    rows = pd.DataFrame({"event": map(_middle, rules["date"]), "label": rules["label"].astype(str).to_list()})
    start, end = pd.Timestamp(span[0]), pd.Timestamp(span[1])
    rows = rows[rows.event.between(start, end)].sort_values("event", kind="stable").reset_index(drop=True)
    if rows.empty:
        return None
    for w, (left, right) in margins.items():
        at = (rows.event - start) / (end - start) * (w - left - right) + left
        placed = _flags(tuple(at.round(1)), tuple(map(text_width, rows.label)), w)
        rows[f"y_{w}"] = [-12 - 16 * row for row, _ in placed]
        rows[f"side_{w}"] = [side for _, side in placed]
        rows[f"dx_{w}"] = [_GAP if side == "left" else -_GAP for _, side in placed]

    def pick(field: str) -> alt.ExprRef:
        return _by_width({w: f"{field}_{w}" for w in margins})

    base = alt.Chart(rows).encode(alt.X("event", type="temporal", title=None))
    rule = base.mark_rule(color=colour("rule"), y=pick("y"), y2="height", strokeDash=[3, 3])
    text = base.mark_text(
        color=colour("muted"), baseline="middle", y=pick("y"), align=pick("side"), dx=pick("dx")
    ).encode(text=alt.Text("label", type="nominal"))
    return alt.layer(rule, text)


_GAP = 4  # px between a rule and its label


@lru_cache(maxsize=512)
def _flags(at: tuple[float, ...], wide: tuple[float, ...], total: float) -> list[tuple[int, str]]:
    """Where each label stands: its row (0 is next to the plot) and its alignment to its rule.

    at: ascending positions of the rules, wide: widths of the labels, px of `total`. A label flies right of
    its rule ("left") or left of it ("right"), inside the figure. A rule runs from its label's row down, so a
    label must lie above the rules it passes over: its row is the longest chain of such demands. Of the first
    thousand choices of side that make no circle, the one with the fewest rows, then the most to the right.
    """
    sides = []
    for a, w in zip(at, wide, strict=True):
        fits = (("left", a + _GAP + w <= total), ("right", a - _GAP - w >= 0))
        sides.append([side for side, fit in fits if fit] or ["left" if a < total / 2 else "right"])
    best: tuple[int, list[tuple[int, str]]] | None = None
    for choice in itertools.islice(itertools.product(*sides), 1024):
        rows = _rows(at, wide, choice)
        if rows is not None and (best is None or max(rows) < best[0]):
            best = (max(rows), list(zip(rows, choice, strict=True)))
    # all to the right never makes a circle; some label may then widen the figure's margin
    return best[1] if best else [(row, "left") for row in _rows(at, wide, ("left",) * len(at))]


def _rows(at: Sequence[float], wide: Sequence[float], sides: Sequence[str]) -> list[int] | None:
    """Row of each label: above those whose rules it passes over, and beside none that it would touch. None
    if the demands go in a circle."""
    boxes = [
        (a + _GAP, a + _GAP + w) if side == "left" else (a - _GAP - w, a - _GAP)
        for a, w, side in zip(at, wide, sides, strict=True)
    ]
    over = [  # a little room at the far end, because the plot's true width is known only when it is drawn
        {
            j
            for j, a in enumerate(at)
            if low - (8 if side == "right" else 2) < a < high + (8 if side == "left" else 2)
        }
        for (low, high), side in zip(boxes, sides, strict=True)
    ]
    rows: dict[int, int] = {}
    while len(rows) < len(at):
        ready = [i for i in range(len(at)) if i not in rows and over[i] <= rows.keys()]
        if not ready:
            return None
        for i in ready:
            row = 1 + max((rows[j] for j in over[i]), default=-1)
            while any(
                rows[j] == row and boxes[i][0] - 10 < boxes[j][1] and boxes[j][0] - 10 < boxes[i][1]
                for j in rows
            ):
                row += 1
            rows[i] = row
    return [rows[i] for i in range(len(at))]
