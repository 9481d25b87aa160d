"""Claims about the world, tested on the record as it is."""

import re
import time
from pathlib import Path

import frictionless
import pandas as pd
import pytest

from roxham import tables
from roxham.publish import site

DISAGREEMENTS = {"2018-07", "2018-08", "2018-10", "2018", "2023-01", "2023-02", "2023-03", "2023"}


def year(frame, number):
    return frame[frame["month"].dt.year == number]


def fiscal_year(frame, number):
    months = frame["month"]
    return frame[(months >= f"{number - 1}-10") & (months < f"{number}-10")]


def swanton(number):
    return fiscal_year(tables.load("southbound").query("sector == 'Swanton'"), number)


def test_the_record_is_valid():
    faults = tables.check(cited=site.words())
    assert faults.empty, faults.to_string()


def test_the_whole_record_is_checked_in_three_seconds():
    fresh = tables.Record(tables.DATA)
    start = time.process_time()
    fresh.check()
    assert time.process_time() - start <= 3


def test_frictionless_agrees_that_the_package_is_valid():
    report = frictionless.Package(str(tables.DATA / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "message"])
    assert len(report.tasks) == len(tables.names())


def test_quebec_2022_is_39171():
    quebec = year(tables.load("interceptions"), 2022).query("province == 'Quebec'")
    assert quebec["people"].sum() == 39_171


def test_rest_of_canada_2022_is_369():
    rest = year(tables.load("interceptions"), 2022).query("province != 'Quebec'")
    assert rest["people"].sum() == 369


def test_quebec_intercepted_4875_in_january_2023_and_648_in_all_of_2024():
    quebec = tables.load("interceptions").query("province == 'Quebec'").set_index("month")["people"]
    assert quebec["2023-01-01"] == 4_875
    assert quebec["2024"].sum() == 648


def test_interceptions_are_complete_from_2017_to_2023():
    frame = tables.load("interceptions").query("month < '2024'")
    months = frame.groupby([frame["month"].dt.year, "province"]).size()
    assert (months == 12).all()
    always = months.unstack().dropna(axis=1).columns
    assert list(always) == [
        "Alberta", "British Columbia", "Manitoba", "New Brunswick", "Ontario", "Quebec", "Saskatchewan",
    ]  # fmt: skip


def test_2024_says_what_was_not_seen():
    frame = year(tables.load("interceptions"), 2024)
    assert "British Columbia" not in set(frame["province"])
    assert frame.query("province == 'Alberta'")["month"].max() == pd.Timestamp("2024-10-01")


def test_every_month_of_interceptions_adds_up_except_the_known_ones():
    cells = tables.load("interceptions")
    sums = cells.groupby(cells["month"].dt.strftime("%Y-%m"))["people"].sum()
    totals = tables.load("interceptions_totals")
    printed = totals[(totals["place"] == "Canada") & (totals["period"].str.len() == 7)].set_index("period")
    assert len(printed) == 84
    apart = printed["people"] - sums[printed.index]
    assert apart[apart != 0].to_dict() == {
        "2018-07": -1, "2018-08": -2, "2018-10": -1, "2023-01": -4, "2023-02": -2, "2023-03": -2,
    }  # fmt: skip


def test_every_province_row_of_interceptions_adds_up_to_its_printed_year():
    cells = tables.load("interceptions")
    sums = cells.groupby([cells["month"].dt.strftime("%Y"), "province"])["people"].sum()
    totals = tables.load("interceptions_totals")
    printed = totals[(totals["place"] != "Canada")].set_index(["period", "place"])["people"]
    assert len(printed) == 55
    assert (printed == sums[printed.index]).all()


def test_printed_years_of_interceptions():
    totals = tables.load("interceptions_totals").query("place == 'Canada'").set_index("period")["people"]
    years = {
        "2017": 20593,
        "2018": 19419,
        "2019": 16503,
        "2020": 3302,
        "2021": 4246,
        "2022": 39540,
        "2023": 14663,
    }
    assert totals[list(years)].to_dict() == years


def test_the_known_disagreements_are_these_and_no_others():
    known = [(entry["table"], entry["period"]) for entry in tables.hand("discrepancies")]
    assert {period for table, period in known if table == "interceptions_totals"} == DISAGREEMENTS
    others = {(table, period) for table, period in known if table != "interceptions_totals"}
    assert others == {
        ("claims_by_mode_totals", "2022-01-01"),
        *(("irb_irregular", day) for day in ("2019-03-31", "2019-06-30", "2021-12-31", "2022-09-30")),
        *(("irb_irregular_totals", day) for day in ("2019-03-31", "2019-06-30", "2021-12-31", "2022-09-30")),
    }


def bounds(frame, column="claimants"):
    """Least and most of counts rounded to 5, with 0 to 5 suppressed."""
    printed = frame[column].astype("Float64")
    return frame.assign(
        low=(printed - 2).clip(lower=0).fillna(0),
        high=(printed + 2).fillna(5).mask(printed.eq(0).fillna(False), 0),
    )


def agree(totals, parts, by):
    """Printed totals, each beside the bounds of its parts, that these cannot reach."""
    sums = parts.groupby(by)[["low", "high"]].sum().add_prefix("parts_")
    beside = totals.join(sums, on=by)
    assert beside["parts_low"].notna().all()
    return beside[(beside["low"] > beside["parts_high"]) | (beside["high"] < beside["parts_low"])]


def test_every_row_of_claims_by_channel_agrees_with_its_printed_totals():
    cells = bounds(tables.load("claims_by_channel"))
    cells = cells.assign(period=cells["month"].dt.strftime("%Y-%m"), place=cells["province"])
    totals = bounds(tables.load("claims_by_channel_totals"))
    months, years = totals[totals["period"].str.len() == 7], totals[totals["period"].str.len() == 4]
    assert (len(cells), len(months), len(years)) == (5_544, 2_940, 707)
    ports = cells[cells["channel"] != "Inland"]
    canada, places = months[months["place"] == "Canada"], months[months["place"] != "Canada"]
    by_channel = canada[canada["channel"].isin(cells["channel"])]
    assert agree(by_channel, cells, ["period", "agency", "channel"]).empty
    assert agree(places.query("channel == 'All ports'"), ports, ["period", "place"]).empty
    assert agree(places.query("channel == 'All'"), cells, ["period", "place"]).empty
    everything = canada.query("agency == 'CBSA and IRCC'")
    assert agree(everything, places.query("channel == 'All'"), ["period"]).empty
    both = pd.concat([cells, months])
    yearly = both.assign(period=both["period"].str[:4])
    assert agree(years, yearly, ["period", "place", "agency", "channel"]).empty


def test_the_land_channel_of_quebec_is_its_border_office():
    channels = tables.load("claims_by_channel").query("province == 'Quebec' and channel == 'Land'")
    offices = tables.load("claimants").query("province == 'Quebec' and office == 'Border'")
    beside = channels.merge(offices, on="month", suffixes=("_channel", "_office"))
    later = beside[beside["month"] >= "2018-04-01"]
    assert len(later) == 69
    assert (later["claimants_channel"] - later["claimants_office"]).abs().max() <= 90


@pytest.mark.parametrize("name", [name for name in tables.names() if name != "sources"])
def test_every_row_has_a_source_that_exists(name):
    known = set(tables.load("sources")["source_id"])
    assert set(tables.load(name)["source_id"]) <= known


def test_the_readme_counts_the_rows_of_every_table():
    text = (tables.DATA / "README.md").read_text(encoding="utf-8")
    told = {}
    for name, rows in re.findall(r"^\| `(\w+)` \| ([0-9,+ ]+) \|", text, re.MULTILINE):
        older = name.removesuffix("_vintages")
        names = [name, f"{older}_totals{name.removeprefix(older)}"]
        told |= {n: int(r.replace(",", "")) for n, r in zip(names, rows.split(" + "), strict=False)}
    assert told == {name: len(tables.load(name)) for name in tables.names()}


def test_every_hand_entry_has_a_source_and_a_reason_or_a_definition():
    for name in ("series_breaks", "corrections", "discrepancies", "choices", "glossary"):
        entries = tables.hand(name)
        assert entries
        for entry in entries:
            assert entry["source_id"]
            assert entry.get("reason") or entry.get("definition")


def test_the_glossary_has_what_a_newcomer_needs():
    terms = {entry["term"] for entry in tables.hand("glossary")}
    assert len(terms) >= 25
    assert terms >= {
        "asylum claimant", "interception", "irregular crossing", "port of entry", "Additional Protocol", "encounter",
        "Safe Third Country Agreement (STCA)", "apprehension", "Title 42", "At Entry", "At Large", "sector",
        "inland claim", "suppressed", "rounded", "vintage", "referral", "acceptance rate",
    }  # fmt: skip
    assert all(entry["french"] for entry in tables.hand("glossary"))


def test_both_acceptance_rates_are_as_the_glossary_says():
    total = tables.load("irb_irregular_totals", vintage="2022-09").set_index("measure")["claims"]
    assert round(100 * total["accepted"] / (total["accepted"] + total["rejected"]), 1) == 59.3
    assert round(100 * total["accepted"] / total["finalized"], 1) == 52.1


def test_the_territories_are_all_that_canada_has_more_than_its_ten_provinces():
    for name in ("asylum_stock", "non_permanent_residents"):
        canada = tables.load(f"{name}_totals").set_index("quarter")["persons"]
        apart = canada - tables.load(name).groupby("quarter")["persons"].sum()
        assert len(apart) == 20
        assert apart.between(27, 3_631).all()


def test_quebec_claims_of_january_to_april_are_flat_from_2023_to_2024():
    quebec = tables.load("claimants").query("province == 'Quebec'")
    sums = [
        quebec[quebec["month"].between(f"{year}-01", f"{year}-04")]["claimants"].sum()
        for year in (2023, 2024)
    ]
    assert sums == [22_580, 22_595]


def test_the_four_cities_make_up_the_transfers_to_ontario():
    moved = tables.load("transfers").query("measure == 'claimants transferred'")
    people = moved[moved["period_end"] == "2023-03-08"].set_index("place")["value"]
    cities = ["Niagara Falls, Ontario", "Cornwall, Ontario", "Windsor, Ontario", "Ottawa, Ontario"]
    assert people[cities].sum() == people["Ontario"] == 7_131


def test_no_row_rests_on_a_partisan_source_without_saying_so():
    partisan = tables.load("sources").query("tier == 'partisan'")["source_id"]
    used = {
        name: sorted(set(tables.load(name)["source_id"]) & set(partisan))
        for name in tables.names()
        if name != "sources"
    }
    assert {name: len(ids) for name, ids in used.items() if ids} == {
        "interceptions_vintages": 4,
        "interceptions_totals_vintages": 3,
        "southbound_years": 2,
        "irb_backlog": 1,
        "costs": 2,
        "polls": 1,
    }


def test_no_one_who_died_or_was_hurt_is_named():
    safety = tables.load("safety")
    assert set(safety.columns) == {
        "safety_id", "date", "found", "place", "region", "direction", "dead", "hurt", "source_id", "note",
    }  # fmt: skip
    assert safety["dead"].sum() == 16


# Cells read by eye on the sources, at least three a table where it has them.
CELLS = pd.read_csv(Path(__file__).with_name("cells.csv"), dtype="str").to_records(index=False).tolist()


@pytest.mark.parametrize(("name", "row", "column", "value"), CELLS)
def test_a_cell_is_as_its_source_prints_it(name, row, column, value):
    frame = tables.load(name)
    for part in row.split("; "):
        field, wanted = part.split("=")
        cells = frame[field]
        if pd.api.types.is_datetime64_any_dtype(cells):
            cells = cells.dt.strftime("%Y-%m-%d").str[: len(wanted)]
        frame = frame[cells.astype("str") == wanted]
    assert set(frame[column]) == {float(value)}, frame.to_string()


def test_swanton_in_june_2024_was_mostly_citizens_of_india():
    june = tables.load("southbound_detail").query("sector == 'Swanton'")
    june = june[june["month"] == "2024-06-01"]
    assert june.query("citizenship == 'India'")["encounters"].sum() == 2_715
    assert june["encounters"].sum() == 3_310


def test_india_was_12602_of_swantons_19385_in_fiscal_year_2024():
    detail = fiscal_year(tables.load("southbound_detail").query("sector == 'Swanton'"), 2024)
    people = detail.groupby("citizenship")["encounters"].sum()
    assert (people["India"], people["Mexico"], people["Haiti"], people.sum()) == (12_602, 2_389, 323, 19_385)


@pytest.mark.parametrize(
    ("number", "people"), [(2020, 574), (2022, 1_065), (2023, 6_925), (2024, 19_385), (2025, 2_918)]
)
def test_swanton_fiscal_years_are_exact(number, people):
    total = tables.total(swanton(number), "encounters")
    assert total.exact
    assert total.value == people


def test_swanton_2021_is_365_though_its_months_are_rounded():
    months = tables.total(swanton(2021), "encounters")
    assert not months.exact
    years = tables.load("southbound_years").set_index(["area", "fiscal_year"])["encounters"]
    assert years["Swanton", 2021] == 365
    assert months.low <= 365 <= months.high


def test_swanton_peaks_at_3310_in_june_2024():
    series = tables.load("southbound").query("sector == 'Swanton'").set_index("month")["encounters"]
    assert series.idxmax() == pd.Timestamp("2024-06-01")
    assert series.max() == 3_310


def test_southbound_has_eight_sectors_in_each_of_323_months():
    frame = tables.load("southbound")
    assert (frame.groupby("month")["sector"].nunique() == 8).all()
    assert frame["month"].nunique() == 323
    assert (frame["month"].min(), frame["month"].max()) == (pd.Timestamp("1999-10"), pd.Timestamp("2026-08"))


def test_only_fiscal_year_2021_is_rounded():
    rounded = tables.load("southbound").query("precision == 'rounded to 10'")
    assert set(rounded["month"]) == set(pd.date_range("2020-10", "2021-09", freq="MS"))


def test_from_february_2025_most_northern_apprehensions_are_inside_the_country():
    frame = tables.load("apprehensions_by_place")
    split = frame.pivot(index="month", columns="category", values="apprehensions")
    assert (split.loc["2025-02":, "At Large"] > split.loc["2025-02":, "At Entry"]).all()
    assert (split.loc[:"2025-01", "At Entry"] > split.loc[:"2025-01", "At Large"]).all()


def test_march_2018_moves_quebec_claimants_from_inland_to_border():
    quebec = tables.load("claimants").query("province == 'Quebec'")
    offices = quebec.pivot(index="month", columns="office", values="claimants")
    assert offices.loc["2018-02-01", ["Border", "Inland"]].to_list() == [185, 1_755]
    assert offices.loc["2018-03-01", ["Border", "Inland"]].to_list() == [1_615, 705]


def test_suppressed_is_not_zero():
    claimants = tables.load("claimants")
    hidden = claimants[claimants["suppressed"]]
    assert len(hidden) == 548
    assert hidden["claimants"].isna().all()
    total = tables.total(hidden, "claimants")
    assert (total.value, total.low, total.high, total.suppressed) == (0, 0, 5 * 548, 548)
    zeros = tables.total(claimants[claimants["claimants"] == 0], "claimants")
    assert zeros.exact
    assert zeros.value == 0


def test_rounded_is_not_exact():
    quebec = tables.load("claimants").query("province == 'Quebec'")
    january = quebec[quebec["month"] == "2023-01-01"]
    assert len(january) == 3
    total = tables.total(january, "claimants")
    assert not total.exact
    assert (total.low, total.high) == (total.value - 6, total.value + 6)
    assert f"{total}" == f"about {total.value:,}"


def test_totals_of_claimants_are_apart_from_their_parts():
    assert "Canada" not in set(tables.load("claimants")["province"])
    assert "All" not in set(tables.load("claimants")["office"])


@pytest.mark.parametrize(
    ("event", "date"),
    [
        ("stca", "2004-12-29"),
        ("tps-haiti-2017", "2017-05-24"),
        ("pandemic-closure", "2020-03"),
        ("title-42-start", "2020-03-20"),
        ("reopening", "2021-11-21"),
        ("op-ed", "2023-02"),
        ("protocol", "2023-03-25"),
        ("title-42-end", "2023-05-11"),
        ("mexico-visa", "2024-02-29"),
        ("c-12", "2026-03-26"),
    ],
)
def test_the_events_that_charts_name_have_their_dates(event, date):
    assert tables.load("events").set_index("event_id").loc[event, "date"] == date


DATED = {"events": "date", "safety": "date", "costs": "period_start", "transfers": "period_start"}


@pytest.mark.parametrize("name", tables.names())
def test_rows_are_in_order(name):
    frame = tables.load(name)
    first = DATED.get(name) or frame.columns[0]
    assert frame[first].is_monotonic_increasing
