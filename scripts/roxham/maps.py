"""The base maps, and the layers under them. Everything returned is a plain `alt.LayerChart`.

- `continent`: provinces and states, plain or shaded by a number;
- `quebec_new_york`: counties, the St. Lawrence, Lake Champlain, ports of entry, the way by bus and taxi;
- `crossing`: the boundary, the road, the ports of entry around it;
- `world`: countries shaded by a number;
- `layer`: a layer of data/geo as a GeoDataFrame; `iso_a3`: country names as codes.

A map is drawn for one width, so give a figure a function of the width:

    figure(lambda width: maps.crossing(width), id="crossing", ...)

`over=` takes charts with longitude and latitude, or geoshapes, to draw between the ground and the labels.
Names come from the layers, in English (`names="name"`) or French (`names="name_fr"`). Scale bars hold at
the middle of the map, within 1 %; north is up, except on the continent, where the meridians show it.

Besides tables, this module imports charts: for the colours that a page can darken, the widths and the
sizes of text.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import altair as alt
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import yaml

from roxham import charts, tables
from roxham.charts import colour

LAYERS = ("north_america", "quebec_new_york", "boundary", "local", "world")
MARGIN = 4  # px of a figure's width that are padding

# What each base map is drawn from: the sources that a figure of it names.
_POINTS = ("travel-mapping-2026-08", "wikipedia-roxham-road", "geonames-2026-07")
SOURCES: dict[str, tuple[str, ...]] = {
    "continent": (
        "natural-earth-50m",
        "natural-earth-10m",
        "census-boundaries-2016",
        "wikipedia-roxham-road",
        "geonames-2026-07",
    ),
    "quebec_new_york": (
        "census-boundaries-2016",
        "natural-earth-10m",
        "natural-earth-50m",
        *_POINTS,
        "wikipedia-herdman",
        "wikipedia-three-nations",
        "wikipedia-rainbow-bridge",
        "daily-news-2023-02-10-tickets",
    ),
    "crossing": (
        "census-boundaries-2016",
        "nrn-quebec-highways",
        *_POINTS,
        "wikipedia-herdman",
        "wikipedia-three-nations",
        "wikipedia-rainbow-bridge",
    ),
    "world": ("natural-earth-10m",),
}


def layer(name: str, *kinds: str) -> gpd.GeoDataFrame:
    """A layer of data/geo in degrees (EPSG:4326): id, kind, name, name_fr, geometry; only some kinds if named.

    Raises LookupError, with the nearest, for an unknown layer or kind.
    """
    tables.known(name, LAYERS, "map layer")
    path = tables.path(f"geo/{name}.geojson")
    frame = _read(path, path.stat().st_mtime_ns).copy()
    for kind in kinds:
        tables.known(kind, sorted(set(frame["kind"])), f"kind in {name}")
    return frame[frame["kind"].isin(kinds)] if kinds else frame


def iso_a3(names: Iterable[str]) -> pd.Series:
    """ISO 3166 alpha-3 codes of country names as the tables spell them; null where the name is no one country.

    Raises LookupError for a name that neither the world layer nor data/geo/country_names.yml knows.
    """
    names = pd.Series(names)
    path = tables.path("geo/country_names.yml")
    known = yaml.safe_load(path.read_text(encoding="utf-8"))
    countries = layer("world")
    codes = {c: c for c in countries["id"]}
    for spelling in ("name_fr", "name"):
        codes |= dict(zip(countries[spelling].str.casefold(), countries["id"], strict=True))
    codes |= {name.casefold(): code for name, code in known["codes"].items()}
    codes |= {name.casefold(): None for name in known["no_code"]}
    plain = names.map(lambda name: name if name in codes else name.casefold().replace("’", "'"), "ignore")
    for name, key in zip(names, plain, strict=True):
        if pd.notna(key) and key not in codes:
            near = difflib.get_close_matches(key, codes, 1, cutoff=0)[0]
            raise LookupError(f"no country {name!r}; the nearest is {near!r}. Add it to {path.name}")
    return plain.map(codes)


# --- the maps -----------------------------------------------------------------------------------------------


def continent(
    width: int = charts.WIDE,
    *,
    values: pd.DataFrame | None = None,
    key: str = "id",
    value: str = "value",
    breaks: Sequence[float] | None = None,
    title: str | None = None,
    format: str = ",",
    over: Iterable[alt.Chart] = (),
    names: str = "name",
) -> alt.LayerChart:
    """Canada and the United States, true to area, their boundary on land, and the crossing; a few cities where
    nothing is shaded.

    values: a row a province or state (`key`: its postal code, such as QC); shades them by `value` in steps
    that begin at `breaks` (at most five; by default, round numbers that share the regions out). title: of
    the legend. Raises LookupError for an unknown code and ValueError for a repeated one.
    """
    view = _CONTINENT.at(width)
    ground = layer("north_america", "country")
    regions = layer("north_america", "province", "state")
    lakes = layer("north_america", "lake")
    water = "water" if values is None else "page"
    parts = [
        _lines(_meridians(), "page" if values is None else "grid", 1),
        _areas(ground, "land", "rule", 0.3),
        _shaded(regions, values, key, value, breaks, title, format, names, width, "north_america")
        if values is not None
        else _areas(regions, "land", "rule", 0.6),
        _areas(lakes, water, "rule", 0.3),
        _lines(_common(regions, "province", "state"), "ink", 1.6),
        *over,
        *_names(
            view,
            _ON_CONTINENT if values is None else {"crossing": _ON_CONTINENT["crossing"]},
            names,
            "land" if values is None else "page",
        ),
        *_scale_bar(view, water),
    ]
    return view.chart(parts, water)


def quebec_new_york(
    width: int = charts.WIDE,
    *,
    route: bool = True,
    ports: bool = True,
    counties: bool = True,
    beside: Mapping[str, str] | None = None,
    over: Iterable[alt.Chart] = (),
    names: str = "name",
) -> alt.LayerChart:
    """From New York to Montréal: states, provinces, counties of NY, VT and NH, waters, ports of entry.

    route: the way by bus to Plattsburgh and by taxi to the road, dashed because it is schematic. beside: a text
    after the name of a place, {its id in the layer `local`: such as "35 km"}.
    """
    view = _REGION.at(width)
    wanted = {id: how for id, how in _ON_REGION.items() if route or not id.startswith("route-")}
    land = layer("quebec_new_york", "province", "state")
    parts = [
        _areas(land, "land", "rule", 0.8),
        *([_lines(_between(layer("quebec_new_york", "county"), land), "grid", 0.8)] if counties else []),
        _lines(layer("quebec_new_york", "river"), "water", 2),
        _areas(layer("quebec_new_york", "lake"), "water", "water", 0.3),
        _lines(layer("quebec_new_york", "boundary"), "ink", 1.6),
        *over,
        *([_lines(layer("local", "route"), "quebec", 2, dash=[5, 4])] if route else []),
        *([_squares(layer("local", "port_of_entry"), 20)] if ports else []),
        *_names(view, wanted, names, "land", beside),
        *_scale_bar(view, "land"),
        *_north(view, "land"),
    ]
    return view.chart(parts, "water")


def crossing(
    width: int = charts.WIDE,
    *,
    key: str | None = None,
    beside: Mapping[str, str] | None = None,
    over: Iterable[alt.Chart] = (),
    names: str = "name",
) -> alt.LayerChart:
    """The crossing: the boundary within about 10 m, the 45th parallel 780 m south of it, the road (dashed where
    schematic), the motorway, ports of entry and villages. No water: see data/geo/README.md.

    key: what the squares are called, if a key shall say it ("Port of entry"). beside: as in `quebec_new_york`; a
    port whose name has no room on the narrow page shows its text alone.
    """
    view = _CROSSING.at(width)
    roads = layer("local", "road")
    drawn, guessed = roads[~roads["schematic"]], roads[roads["schematic"]]
    parts = [
        _lines(_parallel(), "muted", 1, dash=[2, 3]),
        _lines(layer("boundary"), "ink", 1.8),
        _lines(layer("local", "motorway"), "rule", 3.5),
        _lines(drawn, "quebec", 2.5),
        _lines(guessed, "quebec", 2.5, dash=[5, 3]),
        *over,
        _squares(layer("local", "port_of_entry"), 70),
        *_names(view, _ON_CROSSING, names, "land", beside),
        *([] if key is None else _key(view, key, "land")),
        *_scale_bar(view, "land"),
        *_north(view, "land"),
    ]
    return view.chart(parts, "land")


def world(
    values: pd.DataFrame,
    width: int = charts.WIDE,
    *,
    key: str = "iso_a3",
    value: str = "value",
    breaks: Sequence[float] | None = None,
    title: str | None = None,
    format: str = ",",
    over: Iterable[alt.Chart] = (),
    names: str = "name",
) -> alt.LayerChart:
    """Countries shaded by a number, true to area (Equal Earth), without Antarctica.

    values: a row a country (`key`: ISO 3166 alpha-3; `iso_a3` makes it from names). Countries without a row
    keep the colour of land. The rest as in `continent`.
    """
    view = _WORLD.at(width)
    shaded = _shaded(layer("world"), values, key, value, breaks, title, format, names, width, "world")
    return view.chart([shaded, *over], "page")


# --- views --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A window on the globe: projection, its centre, kilometres across, height over width, radius in km, length
    of the scale bar in km, how far down the frame the centre lies, px across inside the padding."""

    projection: str
    centre: tuple[float, float]
    across: float
    ratio: float
    radius: float
    bar: int = 0
    down: float = 0.5
    width: int = 0

    @property
    def height(self) -> int:
        return round(self.width * self.ratio)

    @property
    def scale(self) -> float:
        """Pixels a radian, which is d3's scale."""
        return self.width / self.across * self.radius

    def chart(self, parts: Iterable[alt.Chart], ground: str) -> alt.LayerChart:
        longitude, latitude = self.centre
        edge = 6  # px beyond the frame, so that no cut edge is stroked inside it
        projection = alt.Projection(
            type=self.projection,
            rotate=[-longitude, -latitude, 0],
            scale=round(self.scale, 2),
            translate=[self.width / 2, self.height * self.down],
            clipExtent=[[-edge, -edge], [self.width + edge, self.height + edge]],
            precision=0.3,
        )
        parts = [_projected(part, projection) for part in parts]
        frame = alt.ViewBackground(fill=colour(ground), stroke=None)
        return alt.layer(*parts, view=frame).properties(width=self.width, height=self.height)


@dataclass(frozen=True)
class Views:
    """The same map on a wide and on a narrow page."""

    wide: View
    narrow: View

    def at(self, width: int) -> View:
        view = self.wide if width > 480 else self.narrow
        return replace(view, width=width - MARGIN)


# the radius is the ellipsoid's at that latitude, so that a bar of a few kilometres is right
_CONTINENT = Views(
    View("azimuthalEqualArea", (-93.0, 52.0), 6_400, 0.86, 6_371, 1_000),
    View("azimuthalEqualArea", (-93.0, 52.0), 6_200, 0.94, 6_371, 1_000),
)
_REGION = Views(
    View("transverseMercator", (-73.9, 43.35), 690, 1.0, 6_376, 100),
    View("transverseMercator", (-73.9, 43.45), 600, 1.18, 6_376, 100),
)
_CROSSING = Views(
    View("transverseMercator", (-73.485, 45.026), 24.0, 0.62, 6_378, 5),
    View("transverseMercator", (-73.485, 45.026), 21.5, 0.80, 6_378, 5),
)
_GLOBE = View("equalEarth", (0.0, 0.0), 2 * 2.7067 * 6_371, 0.43, 6_371, down=0.58)  # 2.7067: its half width
_WORLD = Views(_GLOBE, _GLOBE)


def _projected(part: alt.Chart | alt.LayerChart, projection: alt.Projection) -> alt.Chart | alt.LayerChart:
    """A layer with the projection of the map, if it stands on the globe and not on the frame."""
    part = part.copy(deep=False)
    if isinstance(part, alt.LayerChart):
        part.layer = [_projected(inner, projection) for inner in part.layer]
    elif "geoshape" in str(part.mark) or part.encoding.longitude is not alt.Undefined:
        part.projection = projection
    return part


# --- marks --------------------------------------------------------------------------------------------------


def _areas(frame: gpd.GeoDataFrame, fill: str, stroke: str, width: float) -> alt.Chart:
    return alt.Chart(_slim(frame)).mark_geoshape(
        fill=colour(fill), stroke=colour(stroke), strokeWidth=width, clip=True
    )


def _lines(frame: gpd.GeoDataFrame, stroke: str, width: float, dash: list[int] | None = None) -> alt.Chart:
    look = {"stroke": colour(stroke), "strokeWidth": width, "strokeJoin": "round"}
    if dash:
        look["strokeDash"] = dash
    return alt.Chart(_slim(frame)).mark_geoshape(filled=False, clip=True, **look)


def _shaded(
    frame: gpd.GeoDataFrame,
    values: pd.DataFrame,
    key: str,
    value: str,
    breaks: Sequence[float] | None,
    title: str | None,
    format: str,
    names: str,
    width: int,
    of: str,
) -> alt.Chart:
    """Regions in steps of one hue; those without a value in the colour of land."""
    for column in (key, value):
        if column not in values:
            raise ValueError(
                f"maps: no column {column!r}; the data has {', '.join(map(str, values.columns))}"
            )
    given = values.dropna(subset=[key, value])
    if given.empty:
        raise ValueError(f"maps: no row has both {key!r} and {value!r} ({len(values)} rows)")
    for code in given[key]:
        tables.known(code, list(frame["id"]), f"region in {of}")
    if given[key].duplicated().any():
        code = given.loc[given[key].duplicated(), key].iloc[0]
        raise ValueError(f"maps: {key} {code!r} has {(given[key] == code).sum()} rows; one is allowed")
    own = breaks is None
    breaks = list(breaks) if breaks is not None else round_breaks(given[value])
    if not 1 <= len(breaks) <= 5 or sorted(set(breaks)) != breaks:
        raise ValueError(f"maps: breaks are {breaks}; allowed are one to five ascending numbers")
    frame = frame[["id", names, "geometry"]].rename(columns={names: "name"})
    frame["value"] = frame["id"].map(given.set_index(key)[value].astype(float))
    labels = _step_labels(breaks, given[value], format)
    step = np.searchsorted(breaks, frame["value"].fillna(-np.inf), side="right")
    frame["step"] = pd.Series(labels, dtype=object).reindex(step).where(frame["value"].notna().values).values
    paint = [charts.STEPS[round(i)] for i in np.linspace(0, 5, len(labels))]
    if own:  # a step that no region holds needs no place in the legend
        held = set(frame["step"].dropna())
        paint = [tone for label, tone in zip(labels, paint, strict=True) if label in held]
        labels = [label for label in labels if label in held]
    legend = alt.Legend(
        title=title,
        columns=len(labels) if width > 480 else 3,
        titleLimit=width - 20,
        symbolStrokeWidth=0,
        symbolSize=180,
        columnPadding=14,
    )
    tint = alt.Color("step:N", scale=alt.Scale(domain=labels, range=paint), legend=legend)
    return (
        alt.Chart(frame)
        .mark_geoshape(stroke=colour("rule"), strokeWidth=0.5, clip=True)
        .encode(
            color=alt.condition("isValid(datum.step)", tint, alt.value(colour("land"))),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("value:Q", format=format)],
        )
    )


def _step_labels(breaks: Sequence[float], values: pd.Series, format: str) -> list[str]:
    """< 100, 100–499, ≥ 500 where the values are whole numbers (0, 1–9, ≥ 10 from a break at 1); < 0.1,
    0.1–0.5, ≥ 0.5 where they are not."""
    whole = bool((values % 1 == 0).all())
    low = [f"{b:{format}}" for b in breaks]
    high = [f"{b - whole:{format}}" for b in breaks[1:]]
    return [
        "0" if whole and breaks[0] == 1 and values.min() >= 0 else f"< {low[0]}",
        *(a if a == b else f"{a}–{b}" for a, b in zip(low, high, strict=False)),
        f"≥ {low[-1]}",
    ]


def round_breaks(values: pd.Series, steps: int = 6) -> list[float]:
    """Where steps of a scale begin: round numbers (1, 2 or 5 times a power of ten) near the quantiles."""
    values = values[values > 0]
    found = set()
    for quantile in values.quantile(np.linspace(0, 1, steps + 1)[1:-1]):
        unit = 10 ** math.floor(math.log10(quantile))
        found.add(min((unit * m for m in (1, 2, 5, 10)), key=lambda n: abs(math.log(n / quantile))))
    return [int(b) if float(b).is_integer() else b for b in sorted(found)] or [1]


def _squares(places: gpd.GeoDataFrame, size: int) -> alt.Chart:
    square = {"shape": "square", "size": size, "fill": colour("border"), "stroke": colour("page")}
    where = {"longitude": "longitude:Q", "latitude": "latitude:Q"}
    return (
        alt.Chart(_points(places))
        .mark_point(**square, opacity=1, clip=True)
        .encode(**where, tooltip="name:N")
    )


# What each map names: where the name stands beside its point on the wide page and on the narrow one ("" leaves it
# out), and the point itself (longitude, latitude) for what has none, such as a province or a road.
_ON_CONTINENT = {
    "vancouver": ("ne", "ne"),
    "winnipeg": ("n", "n"),
    "toronto": ("nw", ""),
    "montreal": ("nw", "nw"),
    "halifax": ("se", ""),
    "new-york": ("se", "se"),
    "crossing": ("e", "s"),
}
_ON_REGION = {
    "montreal": ("nw", "nw"),
    "ottawa": ("w", "w"),
    "sherbrooke": ("e", ""),
    "plattsburgh": ("w", "w"),
    "burlington": ("e", "e"),
    "albany": ("w", "w"),
    "new-york": ("w", "nw"),
    "boston": ("w", "w"),
    "crossing": ("nw", "nw"),
    "route-bus": ("e", "e", -73.87, 41.8),
    "route-taxi": ("w", "e", -73.49, 44.86),
    "QC": ("c", "c", -72.2, 45.9),
    "ON": ("c", "c", -76.6, 44.98),
    "NY": ("c", "c", -75.6, 42.9),
    "VT": ("c", "c", -72.72, 43.95),
}
_ON_CROSSING = {
    "hemmingford": ("w", "n"),
    "lacolle": ("w", "w"),
    "champlain": ("e", ""),
    "rouses-point": ("w", "w"),
    "crossing": ("nw", "nw"),
    "port-lacolle-15": ("e", "", -73.4515, 45.0145),
    "port-hemmingford": ("n", ""),
    "a15": ("e", "e", -73.4525, 45.035),
    "i87": ("e", "e", -73.4565, 44.9725),
    "roxham-north": ("w", "", -73.5125, 45.0573),
    "QC": ("c", "c", -73.585, 45.031),
    "NY": ("c", "c", -73.575, 44.982),
    "45° N": ("s", "s", -73.605, 45.0),
}
_SIDES = {  # alignment, baseline, px right, px down
    "n": ("center", "bottom", 0, -6),
    "nn": ("center", "bottom", 0, -21),
    "ne": ("left", "bottom", 6, -3),
    "e": ("left", "middle", 8, 0),
    "se": ("left", "top", 6, 3),
    "s": ("center", "top", 0, 6),
    "sw": ("right", "top", -6, 3),
    "w": ("right", "middle", -8, 0),
    "nw": ("right", "bottom", -6, -3),
    "c": ("center", "middle", 0, 0),
}
_BOLD = ("province", "state", "crossing")
_ABOVE = (
    "new-york",
    "port-lacolle-15",
    "port-hemmingford",
)  # a text beside these names has room above them only
_ALONE = {"port-lacolle-15": "e", "port-hemmingford": "nn"}  # where it stands when the name has no room
_TINTS = {"crossing": "quebec", "route": "quebec", "port_of_entry": "border", "city": "ink", "village": "ink"}


def _names(
    view: View, wanted: dict[str, tuple], names: str, ground: str, beside: Mapping[str, str] | None = None
) -> list[alt.Chart]:
    """Dots of towns, and the names of places with a halo of the ground; `beside` some, a text."""
    beside = dict(beside or {})
    for id in beside:
        tables.known(id, list(wanted), "place named on the map")
    known = pd.concat([layer("local"), layer("quebec_new_york", "province", "state")]).set_index("id")
    rows = []
    for id, (wide, narrow, *at) in wanted.items():
        named = wide if view.width > 480 else narrow
        if side := named or (_ALONE.get(id) if id in beside else ""):
            place = known.loc[id] if id in known.index else pd.Series({names: id, "kind": "text"})
            longitude, latitude = at or place["geometry"].coords[0]
            align, baseline, dx, dy = _SIDES[side]
            more = beside.get(id, "")
            texts = (
                [(place[names], 0), (more, -14)] if id in _ABOVE else [(f"{place[names]} {more}".strip(), 0)]
            )
            rows += [
                {
                    "text": text,
                    "kind": place["kind"],
                    "longitude": longitude,
                    "latitude": latitude,
                    "align": align,
                    "baseline": baseline,
                    "dx": dx,
                    "dy": dy + up,
                    "tint": _TINTS.get(place["kind"], "muted"),
                    "weight": "bold" if place["kind"] in _BOLD else "normal",
                }
                for text, up in (texts if named else [(more, 0)])
                if text
            ]
    frame = pd.DataFrame(rows)
    where = {"longitude": "longitude:Q", "latitude": "latitude:Q"}
    towns, own = frame["kind"].isin(["city", "village"]), frame["kind"] == "crossing"
    spots = [
        alt.Chart(frame.loc[chosen, ["longitude", "latitude"]])
        .mark_circle(size=size, color=colour(tint), stroke=colour("page"), strokeWidth=1, opacity=1)
        .encode(**where)
        for chosen, size, tint in ((towns, 36, "ink"), (own, 100, "quebec"))
        if chosen.any()
    ]
    from_row = {name: alt.expr(f"datum.{name}") for name in ("align", "baseline", "dx", "dy")}

    def write(some: pd.DataFrame, weight: str, tint: str, **halo) -> alt.Chart:
        text = alt.Chart(some.drop(columns=["kind", "tint", "weight"])).encode(**where, text="text:N")
        return text.mark_text(**from_row, color=colour(tint), fontWeight=weight, **halo)

    # a mark for each colour: a scale of colours would clash with that of the values
    halos = [write(some, weight, ground, **_halo(ground)) for weight, some in frame.groupby("weight")]
    texts = [write(some, weight, tint) for (weight, tint), some in frame.groupby(["weight", "tint"])]
    return [*spots, *halos, *texts]


def _halo(ground: str) -> dict:
    return {"stroke": colour(ground), "strokeWidth": 3, "strokeJoin": "round"}


def _words(text: str, ground: str, x: float, y: float, **how) -> list[alt.Chart]:
    """A text at a place of the frame, px, with a halo."""
    return [
        _fixed(x=x, y=y).mark_text(text=text, color=colour(ground), **_halo(ground), **how),
        _fixed(x=x, y=y).mark_text(text=text, color=colour("ink"), **how),
    ]


def _fixed(**where: float) -> alt.Chart:
    """A mark at a place of the frame, px."""
    return alt.Chart(alt.Data(values=[{}])).encode(**{name: alt.value(px) for name, px in where.items()})


def _scale_bar(view: View, ground: str) -> list[alt.Chart]:
    """A bar of `view.bar` kilometres in the lower left corner, true at the middle of the map."""
    left, y = 12, view.height - 12
    right = left + view.scale * view.bar / view.radius
    ink = {"color": colour("ink"), "strokeWidth": 1.5}
    return [
        _fixed(x=left, x2=right, y=y).mark_rule(**ink),
        _fixed(x=left, y=y - 5, y2=y).mark_rule(**ink),
        _fixed(x=right, y=y - 5, y2=y).mark_rule(**ink),
        *_words(f"{view.bar:,} km", ground, (left + right) / 2, y - 5, align="center", baseline="bottom"),
    ]


def _north(view: View, ground: str) -> list[alt.Chart]:
    """An arrow and an N beside the scale bar."""
    x = 32 + view.scale * view.bar / view.radius
    arrow = {"shape": "M0,-1.4L0.55,0.8L0,0.4L-0.55,0.8Z", "size": 180, "filled": True, "opacity": 1}
    return [
        _fixed(x=x, y=view.height - 32).mark_point(**arrow, fill=colour("ink")),
        *_words("N", ground, x, view.height - 10, align="center", baseline="bottom"),
    ]


def _key(view: View, text: str, ground: str) -> list[alt.Chart]:
    """A square and what it stands for, in the lower right corner."""
    left, y = view.width - 12 - 6.4 * len(text), view.height - 17  # 6.4 px: a letter, generously
    square = {"shape": "square", "size": 70, "fill": colour("border"), "stroke": colour("page"), "opacity": 1}
    return [
        _fixed(x=left - 10, y=y).mark_point(**square),
        *_words(text, ground, left, y, align="left", baseline="middle"),
    ]


# --- helpers ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int) -> gpd.GeoDataFrame:
    return gpd.read_file(path)


def _slim(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Only what is drawn."""
    return frame[["geometry"]]


def _points(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame({"name": frame["name"], "longitude": frame.geometry.x, "latitude": frame.geometry.y})


def _between(parts: gpd.GeoDataFrame, wholes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The lines between the parts, once each, without those of the wholes."""
    lines = shapely.linestrings([(edge[:2], edge[2:]) for edge in sorted(_edges(parts) - _edges(wholes))])
    return gpd.GeoDataFrame(geometry=[shapely.line_merge(shapely.multilinestrings(lines))], crs=parts.crs)


def _common(frame: gpd.GeoDataFrame, one: str, other: str) -> gpd.GeoDataFrame:
    """The lines that two kinds share, such as the boundary between provinces and states; it breaks in lakes."""
    edges = sorted(_edges(frame[frame["kind"] == one]) & _edges(frame[frame["kind"] == other]))
    lines = shapely.linestrings([(edge[:2], edge[2:]) for edge in edges])
    return gpd.GeoDataFrame(geometry=[shapely.line_merge(shapely.multilinestrings(lines))], crs=frame.crs)


def _edges(frame: gpd.GeoDataFrame) -> set[tuple[float, float, float, float]]:
    """Every edge of polygons as (x, y, x, y), whichever way it runs."""
    rings = shapely.get_rings(shapely.get_parts(frame.geometry.values))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    edges = np.hstack([points[:-1], points[1:]])[ring[:-1] == ring[1:]]
    turned = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[turned] = edges[turned][:, [2, 3, 0, 1]]
    return set(map(tuple, edges))


def _meridians() -> gpd.GeoDataFrame:
    """Each 15°, so that the reader sees where north is."""
    lines = [shapely.segmentize(shapely.LineString([(x, 5), (x, 85)]), 5) for x in range(-180, 1, 15)]
    return gpd.GeoDataFrame(geometry=lines, crs=4326)


def _parallel() -> gpd.GeoDataFrame:
    """The 45th parallel around the crossing; d3 would join far points by a great circle."""
    line = shapely.segmentize(shapely.LineString([(-74, 45), (-73, 45)]), 0.05)
    return gpd.GeoDataFrame(geometry=[line], crs=4326)
