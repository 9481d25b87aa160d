"""The maps as drawn: true bars, a true north, labels apart, no polygon over everything."""

import itertools
import re

import altair as alt
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import vl_convert as vlc
from pyproj import Geod

from roxham import charts, figures, maps, tables
from roxham.charts import NARROW, WIDE

EARTH = Geod(ellps="WGS84")
ORIGINS = pd.DataFrame({"iso_a3": ["NGA", "HTI", "TUR", "COL", "MEX"], "value": [16_834, 14_621, 400, 90, 5]})
PROVINCES = pd.DataFrame({"id": ["QC", "BC", "MB", "AB", "ON"], "value": [39_171, 264, 82, 20, 15]})
PORTS = {"port-lacolle-15": "5.1 km", "port-hemmingford": "6.8 km"}
TOWNS = {"plattsburgh": "35 km", "montreal": "56 km", "new-york": "479 km"}
MAPS = {
    "crossing": lambda width, **more: maps.crossing(width, key="Port of entry", beside=PORTS, **more),
    "region": lambda width, **more: maps.quebec_new_york(width, beside=TOWNS, **more),
    "continent": lambda width, **more: maps.continent(width, **more),
    "shaded": lambda width, **more: maps.continent(width, values=PROVINCES, title="People", **more),
    "world": lambda width, **more: maps.world(ORIGINS, width, title="Claims", **more),
}
BARRED = {"crossing": 5, "region": 100, "continent": 1_000}
CENTRES = {"crossing": (-73.485, 45.026), "region": (-73.9, 43.4), "continent": (-93.0, 52.0)}
BOTH = [(name, width) for name in MAPS for width in (WIDE, NARROW)]


@pytest.fixture(scope="module")
def drawn():
    """Every map as a figure draws it, SVG by name and width; the figure itself checks text and colours."""
    figures.reset()
    made = {}
    for name, draw in MAPS.items():
        shown = figures.figure(
            draw,
            id=f"map-{name}",
            title="A map",
            caption="A map.",
            alt="Map of something, with its numbers.",
            data=PROVINCES,
            sources="wikipedia-roxham-road",
        )
        made[name, WIDE], made[name, NARROW] = shown.svg["wide"], shown.svg["narrow"]
    figures.reset()
    return made


def _marks(name: str, width: int, points: list[tuple[float, float]]) -> np.ndarray:
    """Where points of the globe (longitude, latitude) are drawn, px."""
    frame = pd.DataFrame(points, columns=["longitude", "latitude"])
    dots = alt.Chart(frame).mark_circle(color=charts.colour("inland"), size=9, opacity=1)
    over = [dots.encode(longitude="longitude:Q", latitude="latitude:Q")]
    svg = vlc.vegalite_to_svg(MAPS[name](width, over=over).to_json())
    ink = charts.colour("inland")
    found = re.findall(rf'transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*fill="{ink}"', svg)
    assert len(found) == len(points)
    return np.array(found, dtype=float)


# --- scale and north ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "width"), [(n, w) for n in BARRED for w in (WIDE, NARROW)])
def test_the_scale_bar_is_right_within_1_percent_at_the_centre(drawn, name, width):
    kilometres, middle = BARRED[name], CENTRES[name]
    azimuths = [0, 180, 45, 225, 90, 270]
    points = _marks(name, width, [EARTH.fwd(*middle, a, kilometres * 500)[:2] for a in azimuths])
    bar = re.search(r'<line transform="translate\(12,[\d.]+\)" x2="([\d.]+)"', drawn[name, width])
    assert f">{kilometres:,} km<" in drawn[name, width]
    for a, b in points.reshape(3, 2, 2):
        assert float(bar[1]) == pytest.approx(np.hypot(*(a - b)), rel=0.01)


def test_places_are_as_far_apart_as_the_globe_says():
    """Hemmingford to Rouses Point, and New York to Plattsburgh, measured with the bar of their map."""
    for name, pair in (
        ("crossing", ("hemmingford", "rouses-point")),
        ("region", ("new-york", "plattsburgh")),
    ):
        places = maps.layer("local").set_index("id").geometry[list(pair)]
        points = [(p.x, p.y) for p in places]
        a, b = _marks(name, WIDE, points)
        view = {"crossing": maps._CROSSING, "region": maps._REGION}[name].at(WIDE)
        measured = np.hypot(*(a - b)) / (view.scale * view.bar / view.radius) * view.bar
        assert measured == pytest.approx(EARTH.inv(*points[0], *points[1])[2] / 1000, rel=0.01)


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("crossing", "port-lacolle-15"),
        ("crossing", "port-hemmingford"),
        ("crossing", "port-lacolle-223"),
        ("region", "plattsburgh"),
        ("region", "montreal"),
        ("region", "new-york"),
    ],
)
def test_a_distance_that_the_chapter_states_is_what_the_bar_measures(drawn, name, to, width):
    """From the road, in kilometres along the globe, against the drawn bar."""
    ends = [(p.x, p.y) for p in maps.layer("local").set_index("id").geometry[["crossing", to]]]
    bar = float(re.search(r'<line transform="translate\(12,[\d.]+\)" x2="([\d.]+)"', drawn[name, width])[1])
    measured = np.hypot(*np.subtract(*_marks(name, width, ends))) / bar * BARRED[name]
    assert measured == pytest.approx(EARTH.inv(*ends[0], *ends[1])[2] / 1000, rel=0.01)


def test_the_places_of_the_tables_are_those_of_the_maps():
    """What a chapter measures from the tables, and what the map draws: within 100 m."""
    drawn = maps.layer("local").set_index("id").geometry
    crossings = tables.load("crossings").set_index("crossing_id")
    places = tables.load("places").set_index("place_id")
    for here, there in (
        (crossings.loc["roxham"], "crossing"),
        (crossings.loc["lacolle-a15"], "port-lacolle-15"),
        (crossings.loc["hemmingford"], "port-hemmingford"),
        (places.loc["plattsburgh"], "plattsburgh"),
        (places.loc["montreal"], "montreal"),
        (places.loc["new-york-city"], "new-york"),
    ):
        assert EARTH.inv(here.lon, here.lat, drawn[there].x, drawn[there].y)[2] < 100, there


def test_the_crossing_lies_within_50_m_of_the_drawn_boundary():
    spot = maps.layer("local", "crossing").to_crs("EPSG:32618").geometry.iloc[0]
    line = maps.layer("boundary").to_crs("EPSG:32618").geometry.iloc[0]
    assert spot.distance(line) < 50
    svg = vlc.vegalite_to_svg(maps.crossing(WIDE).to_json())
    view = maps._CROSSING.at(WIDE)
    pixel = view.radius * 1000 / view.scale  # metres
    ink, quebec = charts.colour("ink"), charts.colour("quebec")
    path = re.search(rf'd="(M[^"]+)" stroke="{ink}" stroke-width="1.8"', svg)[1]
    drawn = shapely.LineString(np.array(re.findall(r"(-?[\d.]+),(-?[\d.]+)", path), dtype=float))
    dot = re.search(rf'transform="translate\(([\d.]+),([\d.]+)\)"[^>]*fill="{quebec}"', svg)
    assert drawn.distance(shapely.Point(float(dot[1]), float(dot[2]))) * pixel < 50


@pytest.mark.parametrize(("name", "most"), [("crossing", 0.2), ("region", 3.2)])
def test_north_is_up_everywhere_within_a_few_degrees(name, most):
    (x, y), dx, dy = CENTRES[name], *{"crossing": (0.14, 0.05), "region": (3.7, 2.5)}[name]
    feet = [(x + column * dx, y + row * dy) for column in (-1, 0, 1) for row in (-1, 1)]
    points = _marks(name, WIDE, [*feet, *((x, y + 0.02) for x, y in feet)])
    right, down = (points[6:] - points[:6]).T
    assert np.abs(np.degrees(np.arctan2(right, -down))).max() < most


def test_the_boundary_is_drawn_north_of_the_45th_parallel():
    line, parallel = _marks("crossing", WIDE, [(-73.5172, 45.0071), (-73.5172, 45.0)])
    view = maps._CROSSING.at(WIDE)
    assert (parallel[1] - line[1]) / view.scale * view.radius * 1000 == pytest.approx(789, abs=15)


# --- what is drawn ------------------------------------------------------------------------------------------


def _labels(svg: str, width: int) -> dict[str, tuple[float, float, float, float]]:
    """The labels of the map, without its legend, as boxes (left, top, right, bottom), px."""
    pattern = (
        r'<text text-anchor="(\w+)" transform="translate\(([-\d.]+),([-\d.]+)\)"[^>]*'
        r'font-size="(\d+)px"[^>]*>([^<]+)'
    )
    boxes = {}
    for anchor, x, y, size, text in re.findall(pattern, svg):
        wide = charts.text_width(text)
        left = float(x) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        boxes[text, x, y] = (left, float(y) - int(size) * 0.8, left + wide, float(y) + int(size) * 0.2)
    return boxes


@pytest.mark.parametrize(("name", "width"), [b for b in BOTH if b[0] in BARRED])
@pytest.mark.parametrize("names", ["name", "name_fr"])
def test_labels_stay_apart_and_inside(name, width, names):
    svg = vlc.vegalite_to_svg(MAPS[name](width, names=names).to_json())
    boxes = _labels(svg, width)
    assert len({text for text, *_ in boxes}) >= 5
    tall = float(re.search(r'height="([\d.]+)"', svg)[1]) - 4
    for (text, *_), (left, top, right, bottom) in boxes.items():
        assert left >= 0 and right <= width - 4 and top >= 0 and bottom <= tall, text
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one[0]} touches {other[0]}"


@pytest.mark.parametrize(("name", "width"), BOTH)
def test_a_figure_takes_every_map_at_both_widths(drawn, name, width):
    """figures.figure has checked that text is 12 px or more and that each colour has a dark one."""
    found = re.search(r'width="([\d.]+)" height="([\d.]+)"', drawn[name, width])
    assert float(found[1]) <= width and float(found[2]) <= 720
    assert len(drawn[name, width]) < 250_000


@pytest.mark.parametrize("dark", [0, 1])
@pytest.mark.parametrize(
    ("name", "ground", "least", "most"),
    [
        ("continent", "land", 0.40, 0.70),
        ("continent", "water", 0.25, 0.55),
        ("region", "land", 0.60, 0.90),
        ("region", "water", 0.08, 0.30),
        ("shaded", "page", 0.25, 0.60),
        ("world", "land", 0.15, 0.40),
        ("world", "page", 0.50, 0.80),
        ("crossing", "land", 0.85, 0.99),
    ],
)
def test_no_polygon_fills_the_map(page, drawn, name, ground, least, most, dark):
    assert least < _share(page, drawn[name, WIDE], ground, dark) < most


COUNT = """async ([svg, wanted]) => {
    const image = new Image();
    image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(svg);
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), {width: image.width, height: image.height});
    const ink = canvas.getContext('2d');
    ink.drawImage(image, 0, 0);
    const pixels = ink.getImageData(0, 0, canvas.width, canvas.height).data;
    let found = 0;
    for (let i = 0; i < pixels.length; i += 4)
        found += [0, 1, 2].every(c => Math.abs(pixels[i + c] - wanted[c]) <= 2);
    return found * 4 / pixels.length;
}"""


def _share(page, svg: str, name: str, dark: int = 0) -> float:
    """The share of the picture in one colour, in light or in dark mode, as a browser paints it."""
    if dark:
        pairs = {light.lower(): dark for light, dark in charts.COLOURS.values()}
        svg = re.sub(r'"(#[0-9a-fA-F]{6})"', lambda m: f'"{pairs.get(m[1].lower(), m[1])}"', svg)
    ground = charts.COLOURS["page"][dark]
    svg = svg.replace(">", f'><rect width="100%" height="100%" fill="{ground}"/>', 1)
    wanted = [int(charts.COLOURS[name][dark][i : i + 2], 16) for i in (1, 3, 5)]
    return page.evaluate(COUNT, [svg, wanted])


@pytest.fixture(scope="module")
def page(browser):
    page = browser.new_page()
    yield page
    page.close()


def test_a_polygon_wound_the_other_way_would_be_seen(page):
    frame = maps.layer("world")
    turned = frame.geometry.where(frame["id"] != "HTI", frame.geometry.map(shapely.reverse))
    wrong = gpd.GeoDataFrame(geometry=turned[frame["id"] == "HTI"], crs=frame.crs)
    chart = maps.world(ORIGINS, over=[maps._areas(wrong, "land", "rule", 0.5)])
    assert _share(page, vlc.vegalite_to_svg(chart.to_json()), "land") > 0.7


def test_the_continent_shows_the_boundary_from_the_yukon_to_new_brunswick():
    regions = maps.layer("north_america", "province", "state")
    line = maps._common(regions, "province", "state").geometry.iloc[0]
    west, south, east, north = line.bounds
    assert (west, east) == pytest.approx((-141.0, -67.1), abs=0.3) and north > 69 and south > 42
    marks = [layer["mark"] for layer in maps.continent().to_dict()["layer"]]
    assert [m.get("stroke") for m in marks].count(charts.colour("ink")) == 1


@pytest.mark.parametrize("name", maps.SOURCES)
def test_every_map_names_sources_of_the_record(name):
    assert set(maps.SOURCES[name]) <= set(tables.load("sources")["source_id"])
    local = maps.layer("local")
    shown = {"crossing": ["road", "motorway"], "quebec_new_york": ["route"]}.get(name, [])
    if shown:
        kinds = local[local["kind"].isin([*shown, "port_of_entry", "crossing", "city"])]
        assert {s for ids in kinds["source_id"] for s in ids.split(";")} <= set(maps.SOURCES[name])


def test_what_is_schematic_is_dashed():
    spec = maps.crossing().to_dict()
    quebec = [
        layer["mark"] for layer in spec["layer"] if layer["mark"].get("stroke") == charts.colour("quebec")
    ]
    dashes = ["strokeDash" in mark for mark in quebec if mark["type"] == "geoshape"]
    assert dashes == [False, True]


# --- values -------------------------------------------------------------------------------------------------


def test_a_step_holds_what_its_label_says(drawn):
    spec = maps.world(ORIGINS, breaks=[10, 100, 1000]).to_dict()
    (rows,) = (d for d in spec["datasets"].values() if len(d) > 200)
    steps = {row["id"]: row["step"] for row in rows if row.get("step")}
    assert steps == {"MEX": "< 10", "COL": "10–99", "TUR": "100–999", "HTI": "≥ 1,000", "NGA": "≥ 1,000"}


def test_a_scale_of_the_maps_own_leaves_out_steps_that_no_region_holds():
    values = pd.DataFrame({"iso_a3": ["HTI", "NGA", "TUR", "COL"], "value": [24_000, 17_000, 11_000, 2_300]})
    spec = maps.world(values).to_dict()
    (rows,) = (d for d in spec["datasets"].values() if len(d) > 200)
    (scale,) = (s for s in _scales(spec) if "domain" in s)
    assert set(scale["domain"]) == {row["step"] for row in rows if row.get("step")}
    assert len(scale["domain"]) == len(scale["range"])


def _scales(node):
    if isinstance(node, dict):
        yield from ([node["scale"]] if isinstance(node.get("scale"), dict) else [])
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from _scales(inner)


def test_a_value_on_a_break_belongs_to_the_step_above():
    values = pd.DataFrame({"iso_a3": ["HTI", "NGA"], "value": [100, 99]})
    spec = maps.world(values, breaks=[100]).to_dict()
    (rows,) = (d for d in spec["datasets"].values() if len(d) > 200)
    assert {r["id"]: r["step"] for r in rows if r.get("step")} == {"HTI": "≥ 100", "NGA": "< 100"}


def test_a_step_of_nothing_but_zeros_says_0():
    values = pd.DataFrame({"iso_a3": ["HTI", "NGA", "TUR"], "value": [0, 1, 12]})
    spec = maps.world(values, breaks=[1, 10]).to_dict()
    (rows,) = (d for d in spec["datasets"].values() if len(d) > 200)
    assert {r["id"]: r["step"] for r in rows if r.get("step")} == {"HTI": "0", "NGA": "1–9", "TUR": "≥ 10"}


def test_breaks_are_round_numbers_and_ascend():
    breaks = maps.round_breaks(pd.Series([1, 3, 8, 20, 55, 130, 900, 4_000, 40_000]))
    assert breaks == sorted(set(breaks)) and 1 <= len(breaks) <= 5
    assert all(str(b).strip("0") in {"1", "2", "5"} for b in breaks)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        (
            pd.DataFrame({"iso_a3": ["NGR"], "value": [1]}),
            LookupError,
            "no region in world 'NGR'; the nearest is",
        ),
        (pd.DataFrame({"iso_a3": ["NGA", "NGA"], "value": [1, 2]}), ValueError, "'NGA' has 2 rows"),
        (pd.DataFrame({"iso3": ["NGA"], "value": [1]}), ValueError, "no column 'iso_a3'; the data has iso3"),
    ],
)
def test_a_wrong_value_is_named(values, error, says):
    with pytest.raises(error, match=says):
        maps.world(values)


def test_an_unknown_country_is_named_with_its_nearest():
    with pytest.raises(LookupError, match="no country 'Hayti'; the nearest is 'haïti'"):
        maps.iso_a3(["Nigeria", "Hayti"])


def test_an_unknown_layer_is_named_with_its_nearest():
    with pytest.raises(LookupError, match="'quebec_newyork'; the nearest is quebec_new_york"):
        maps.layer("quebec_newyork")
    with pytest.raises(LookupError, match="kind in local 'ports'"):
        maps.layer("local", "ports")


def test_a_map_counts_its_layers_as_read():
    tables.forget()
    maps.crossing()
    names = {file.name for file in tables.files_read()}
    assert {"local.geojson", "boundary.geojson"} <= names


def test_a_layer_may_be_changed_without_changing_the_next():
    maps.layer("boundary")["name"] = "mine"
    assert (maps.layer("boundary")["name"] != "mine").all()
