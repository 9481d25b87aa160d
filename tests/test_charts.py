"""The marks that chapters share: colours that everyone can tell apart, labels that never touch."""

import itertools
import random
import re

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert

from roxham import charts, tables

THINGS = list(charts.COLOURS)[:8]
TOGETHER = [  # colours that meet in one chart
    ["quebec", "rest_of_canada", "southbound", "canada"],
    ["airports", "border", "inland", "other"],
]
# Machado, Oliveira and Fernandes (2009), severity 1.0, in linear RGB
DICHROMATS = {
    "no deficiency": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
OKLAB_1 = [[0.412221, 0.536333, 0.051446], [0.211903, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]]
OKLAB_2 = [[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]]


def linear(colour):
    share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def distance(one, other, seen_by):
    labs = [
        np.array(OKLAB_2) @ np.cbrt(np.array(OKLAB_1) @ np.clip(np.array(seen_by) @ linear(c), 0, 1))
        for c in (one, other)
    ]
    return 100 * np.linalg.norm(labs[0] - labs[1])


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*THINGS, "ink", "muted"])
def test_every_colour_can_be_read_as_text_on_its_page(name, page):
    assert contrast(charts.COLOURS[name][page], charts.COLOURS["page"][page]) >= 4.5


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_event_rules_stand_out_from_the_page(page):
    assert contrast(charts.COLOURS["rule"][page], charts.COLOURS["page"][page]) >= 3


@pytest.mark.parametrize("sight", DICHROMATS)
@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_colours_that_meet_in_one_chart_differ_for_everyone(page, sight):
    near = {
        (a, b): round(float(distance(charts.COLOURS[a][page], charts.COLOURS[b][page], DICHROMATS[sight])), 1)
        for group in TOGETHER
        for a, b in itertools.combinations(group, 2)
    }
    assert min(near.values()) >= 7, sorted(near.items(), key=lambda item: item[1])[:3]


def test_a_light_colour_belongs_to_one_name():
    light = [pair[0].lower() for pair in charts.COLOURS.values()]
    assert len(set(light)) == len(light)


@pytest.mark.parametrize(
    ("name", "same_as"),
    [("Quebec", "quebec"), ("Québec", "quebec"), ("Ontario", "rest_of_canada"), ("Land ports", "border"),
     ("Airport", "airports"), ("Swanton Sector", "southbound"), ("Rest of Canada", "rest_of_canada")],
)  # fmt: skip
def test_data_find_their_colour_by_their_own_name(name, same_as):
    assert charts.colour(name) == charts.COLOURS[same_as][0]


def test_every_province_and_office_of_the_tables_has_a_colour():
    claimants = tables.load("claimants")
    for name in {*tables.load("interceptions").province, *claimants.province, *claimants.office}:
        charts.colour(name)


def test_an_unknown_colour_names_the_nearest():
    with pytest.raises(ValueError, match="'quebeck'; did you mean 'quebec'"):
        charts.colour("quebeck")


def test_no_text_of_the_theme_is_under_12_px():
    def sizes(node):
        for key, value in node.items():
            if isinstance(value, dict):
                yield from sizes(value)
            elif key.lower().endswith("fontsize"):
                yield value

    assert min(sizes(alt.theme.get()()["config"])) >= charts.TEXT == 12


def conflicts(at, wide, placed):
    """Labels over labels, and rules through labels, seen geometrically."""
    boxes = [
        (a + 4, a + 4 + w) if side == "left" else (a - 4 - w, a - 4)
        for a, w, (_, side) in zip(at, wide, placed, strict=True)
    ]
    for i, j in itertools.permutations(range(len(at)), 2):
        same_row = placed[i][0] == placed[j][0]
        if same_row and boxes[i][0] < boxes[j][1] and boxes[j][0] < boxes[i][1]:
            yield "labels overlap", i, j
        if boxes[i][0] < at[j] < boxes[i][1] and placed[j][0] > placed[i][0]:
            yield "a rule strikes a label", j, i


@pytest.mark.parametrize("total", [charts.WIDE, charts.NARROW])
@pytest.mark.parametrize("seed", range(60))
def test_event_labels_never_touch(seed, total):
    draw = random.Random(seed)
    at = sorted(round(draw.uniform(45, total - 10), 1) for _ in range(draw.randint(1, 8)))
    if seed % 5 == 0:
        at = sorted([*at, at[0]])  # two events on one day
    wide = [draw.uniform(30, 150) for _ in at]
    placed = charts._flags(tuple(at), tuple(wide), total)
    assert not list(conflicts(at, wide, placed))


def test_labels_stay_inside_the_figure_when_they_can():
    at, wide = (60.0, 250.0, 300.0, 310.0), (90.0, 90.0, 100.0, 60.0)
    for a, w, (_, side) in zip(at, wide, charts._flags(at, wide, 328), strict=True):
        assert (a + 4 + w <= 328) if side == "left" else (a - 4 - w >= 0)


def test_few_far_events_share_one_row():
    assert {row for row, _ in charts._flags((100.0, 300.0, 500.0), (80.0, 80.0, 80.0), 680)} == {0}


@pytest.fixture(scope="module")
def quebec():
    return tables.load("interceptions").query("province == 'Quebec'")


def test_a_series_starts_at_zero_and_ends_with_its_name(quebec):
    spec = charts.series(quebec, "month", "people", series="province").to_dict()
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"][0] == 0
    assert any(row.get("text_680") == "Quebec" for rows in spec["datasets"].values() for row in rows)


def test_events_outside_the_data_are_left_out(quebec):
    spec = charts.series(quebec, "month", "people", events=["stca", "protocol"]).to_dict()
    labels = [row["label"] for rows in spec["datasets"].values() for row in rows if "event" in row]
    assert labels == ["Protocol in force"]


def test_a_date_known_to_the_month_stands_at_its_middle():
    assert charts._middle("2023-03") == pd.Timestamp("2023-03-15")
    assert charts._middle("2022") == pd.Timestamp("2022-07-01")
    assert charts._middle("2023-03-25") == pd.Timestamp("2023-03-25")


def test_lines_of_one_colour_differ_in_their_dashes():
    provinces = tables.load("interceptions").query("province in ['Ontario', 'Manitoba', 'Quebec']")
    spec = charts.series(provinces, "month", "people", series="province").to_dict()
    dashes = spec["layer"][0]["encoding"]["strokeDash"]["scale"]
    style = dict(zip(dashes["domain"], map(tuple, dashes["range"]), strict=True))
    assert style["Ontario"] != style["Manitoba"] and style["Quebec"] == (1, 0)


def test_stacked_columns_reach_the_sum():
    yearly = tables.load("interceptions").assign(year=lambda d: d.month.dt.year)
    yearly = yearly.groupby(["year", "province"], as_index=False).people.sum()
    spec = charts.columns(yearly, "year", "people", series="province").to_dict()
    bars = spec["layer"][0]
    assert bars["transform"] == [{"stack": "people", "groupby": ["year"], "as": ["_from", "_to"]}]
    assert (bars["encoding"]["y"]["field"], bars["encoding"]["y2"]["field"]) == ("_from", "_to")
    assert bars["encoding"]["y"]["scale"]["domain"] == [0, 40000]  # of 39,540 in 2022


def test_stacked_columns_stand_in_the_order_of_the_data():
    rows = pd.DataFrame({"when": ["Sep 2018", "Dec 2018", "Mar 2019"] * 2, "claims": [1, 2, 3, 4, 5, 6]})
    rows["outcome"] = ["accepted"] * 3 + ["pending"] * 3
    paint = {"accepted": "quebec", "pending": "border"}
    svg = vl_convert.vegalite_to_svg(
        charts.columns(rows, "when", "claims", series="outcome", colours=paint)
        .properties(width=400)
        .to_json()
    )
    labels = re.findall(r">((?:Sep|Dec|Mar) 20\d\d)<", svg)
    assert labels == ["Sep 2018", "Dec 2018", "Mar 2019"]


def test_the_last_column_is_named_where_not_every_one_can_be():
    years = [f"’{y}" for y in range(15, 26)] + ["’26*"]
    data = pd.DataFrame({"year": years, "claims": range(1, 13)})
    chart = charts.columns(data, x="year", y="claims", partial=["’26*"]).properties(width=200)
    svg = vl_convert.vegalite_to_svg(chart.to_json())
    assert ">’26*<" in svg and ">’25<" not in svg and svg.count('fill-opacity="0.35"') == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": "month", "y": "peopel"}, "no column 'peopel'; did you mean 'people'"),
        ({"x": "province", "y": "people"}, "'province' is str; it must be datetime64"),
        ({"x": "month", "y": "people", "events": ["protocl"]}, "no event 'protocl'; did you mean 'protocol'"),
    ],
)
def test_a_wrong_argument_is_named(quebec, arguments, message):
    with pytest.raises(ValueError, match=message):
        charts.series(quebec, **arguments)


def test_an_empty_series_is_refused(quebec):
    with pytest.raises(ValueError, match="no value in 'people'"):
        charts.series(quebec.iloc[:0], "month", "people")


def test_axes_end_on_round_numbers():
    assert charts._nice(0, 4894) == (0, 5000)
    assert charts._nice(0, 39171) == (0, 40000)
    low, high = charts._nice(-0.3, 0.9)
    assert low <= -0.3 and high >= 0.9


def test_an_axis_of_a_few_people_has_whole_numbers():
    few = pd.DataFrame({"month": pd.date_range("2020-01-01", periods=3, freq="MS"), "people": [0, 2, 1]})
    svg = vl_convert.vegalite_to_svg(charts.series(few, x="month", y="people", width=400).to_dict())
    assert re.findall(r">([\d.]+)</text>", svg)[-3:] == ["0", "1", "2"] and ">0.5<" not in svg
    shares = charts._ticks(pd.Series([0.5, 2.0]), 0, 2)
    assert shares == {"format": ",.1f"}


def test_a_column_that_is_not_known_keeps_its_place_and_has_no_value():
    some = pd.DataFrame({"year": ["2020", "2021", "2022"], "n": pd.array([10, None, 0], dtype="Int64")})
    svg = vl_convert.vegalite_to_svg(
        charts.columns(some, x="year", y="n").properties(width=300, height=200).to_dict()
    )
    said = re.findall(r">([^<>]*)</text>", svg)
    assert {"2020", "2021", "2022"} <= set(said)
    assert said.count("10") == 2 and said.count("0") == 2  # a tick and a value of each that is known


def test_names_at_the_ends_stay_below_the_labels_of_events():
    assert charts._apart([0], [28], 280, above=-4) == [10]
    assert charts._apart([0], [28], 280) == [0]
    first, second = charts._apart([0, 20], [28, 28], 280, above=-4)
    assert first >= 9.9 and second - first >= 27.9


def test_series_below_each_other_keep_their_own_hover(recwarn):
    monthly = pd.DataFrame({"month": pd.date_range("2020-01-01", periods=6, freq="MS"), "people": range(6)})
    both = alt.vconcat(*(charts.series(monthly, x="month", y="people", width=400) for _ in range(2)))
    params = both.to_dict()["params"]
    assert len({param["name"] for param in params}) == len(params) == 2
    assert not recwarn.list
