"""Claims about the world, tested on the record as it is."""

import frictionless
import pandas as pd
import pytest

from roxham import tables

DISAGREEMENTS = {"2018-07", "2018-08", "2018-10", "2018", "2023-01", "2023-02", "2023-03", "2023"}


def year(frame, number):
    return frame[frame["month"].dt.year == number]


def fiscal_year(frame, number):
    months = frame["month"]
    return frame[(months >= f"{number - 1}-10") & (months < f"{number}-10")]


def swanton(number):
    return fiscal_year(tables.load("southbound").query("sector == 'Swanton'"), number)


def test_the_record_is_valid():
    faults = tables.check()
    assert faults.empty, faults.to_string()


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
    assert {entry["period"] for entry in tables.hand("discrepancies")} == DISAGREEMENTS


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


@pytest.mark.parametrize("name", tables.names())
def test_rows_are_in_order(name):
    frame = tables.load(name)
    key = ORDER.get(name, ["month", *frame.columns[1:3].intersection(["province", "sector"])])
    assert frame[key].equals(frame.sort_values(key, kind="stable", ignore_index=True)[key])


ORDER = {
    "interceptions_totals": ["period", "place"],
    "claimants_totals": ["period", "place", "office"],
    "southbound_years": ["fiscal_year", "area"],
    "events": ["date", "event_id"],
    "sources": ["source_id"],
}
