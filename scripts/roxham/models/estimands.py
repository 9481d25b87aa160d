"""What is estimated: each series of the record, its break, its months, in words and symbols.

The only module of the room that reads the record; the designs take what it hands over.
"""

from dataclasses import dataclass

import pandas as pd

from roxham import tables

PROTOCOL = pd.Timestamp("2023-04-01")  # first whole month under the protocol of 25 March 2023
PARTLY = [pd.Timestamp("2023-03-01")]  # 24 days before, 7 days after
YEAR_END = pd.Timestamp("2023-12-01")
CLOSED = list(pd.date_range("2020-03-01", "2021-11-01", freq="MS"))  # 21 March 2020 to 20 November 2021
REOPENED = pd.Timestamp("2021-12-01")  # first whole month after 21 November 2021


@dataclass(frozen=True)
class Estimand:
    """What is asked: ``words`` and ``symbol``, the monthly ``series``, the first month after, the last counted."""

    id: str
    words: str
    symbol: str
    series: pd.Series
    broke: pd.Timestamp
    until: pd.Timestamp
    unit: str


def _monthly(frame: pd.DataFrame, values: str, name: str) -> pd.Series:
    """Sums by month; a month with a hidden or unpublished cell is missing."""
    return frame.groupby("month")[values].agg(lambda v: v.sum(skipna=False)).astype("Float64").rename(name)


def intercepted(province: str = "Quebec") -> Estimand:
    """E1: people intercepted between ports of entry, April to December 2023."""
    rows = tables.load("interceptions").query("province == @province")
    return Estimand(
        "E1",
        f"People intercepted between ports of entry in {province}, April to December 2023, less those who would "
        "have been without the protocol",
        "E1 = Σ (Y¹ₜ − Y⁰ₜ), t = 2023-04 … 2023-12",
        _monthly(rows, "people", "people"),
        PROTOCOL,
        YEAR_END,
        "people",
    )


def southbound(sector: str = "Swanton", broke: pd.Timestamp = PROTOCOL) -> Estimand:
    """E4: people met by the US Border Patrol in a sector, over the twelve months from the break."""
    rows = tables.load("southbound").query("sector == @sector")
    return Estimand(
        "E4",
        f"Encounters of the Border Patrol in the {sector} Sector in the year from {broke:%B %Y}, less those that "
        "there would have been without what changed then",
        "E4 = Σ (Y¹ₜ − Y⁰ₜ), twelve months",
        _monthly(rows, "encounters", "encounters"),
        broke,
        broke + pd.DateOffset(months=11),
        "encounters",
    )


def closed(province: str = "Quebec") -> Estimand:
    """E6, first part: the closure of March 2020, April to December 2020 (nine months, as many as in E1)."""
    first = intercepted(province)
    return Estimand(
        "E6a",
        f"People intercepted in {province}, April to December 2020, less those who would have been without the "
        "closure",
        "E6a = Σ (Y¹ₜ − Y⁰ₜ), t = 2020-04 … 2020-12",
        first.series,
        pd.Timestamp("2020-04-01"),
        pd.Timestamp("2020-12-01"),
        "people",
    )


def reopened(province: str = "Quebec") -> Estimand:
    """E6, second part: the reopening of 21 November 2021, against the road closed on."""
    first = intercepted(province)
    return Estimand(
        "E6b",
        f"People intercepted in {province}, December 2021 to August 2022, less those who would have been had the "
        "road stayed closed",
        "E6b = Σ (Y¹ₜ − Y⁰ₜ), t = 2021-12 … 2022-08",
        first.series,
        REOPENED,
        pd.Timestamp("2022-08-01"),
        "people",
    )


def panel_southbound() -> pd.DataFrame:
    """Encounters by month (rows) and northern sector (columns)."""
    return tables.load("southbound").pivot(index="month", columns="sector", values="encounters")


def border_claims(place: str = "Canada") -> pd.Series:
    """Claims at land borders, a month: official ports and irregular crossings together, sums of cells rounded to 5.

    A hidden cell (0 to 5 claimants) is counted as 2.5, so a month's sum may be off by 2.5 for each.
    """
    rows = tables.load("claimants").query("office == 'Border'")
    if place != "Canada":
        rows = rows[rows.province == place]
    seen = rows.claimants.astype(float).mask(rows.suppressed, 2.5)
    return seen.groupby(rows.month).sum(min_count=1).rename("claimants")
