"""Frames and names made from several tables, which several pages share: U.S. fiscal years, a country's spellings."""

from __future__ import annotations

import pandas as pd

from roxham import tables

BORDER = "Northern Land Border"  # all eight sectors, as the record calls them


def fiscal_year(months: pd.Series) -> pd.Series:
    """The U.S. fiscal year of each month (datetime64): 2024 is October 2023 to September 2024."""
    return months.dt.year + (months.dt.month >= 10)


def encounters(area: str) -> pd.DataFrame:
    """Border Patrol encounters by month in one northern sector, or in all of them (`BORDER`); with fiscal_year.

    Raises LookupError, with the nearest, for another area.
    """
    sectors, border = (
        tables.load("southbound"),
        tables.load("southbound_totals").rename(columns={"region": "sector"}),
    )
    tables.known(area, [*sorted(sectors["sector"].unique()), BORDER], "sector")
    rows = border if area == BORDER else sectors[sectors["sector"] == area]
    rows = rows.assign(fiscal_year=fiscal_year(rows["month"])).reset_index(drop=True)
    rows.attrs["table"] = "southbound_totals" if area == BORDER else "southbound"
    return rows


def encounters_by_year(area: str) -> pd.DataFrame:
    """Encounters of a sector, or of all (`BORDER`), by U.S. fiscal year: CBP's own figure, or else the sum.

    Columns: fiscal_year, encounters, low and high (what rounding leaves open), months (how many are known), rounded,
    source_id. Raises LookupError for an unknown area.
    """
    months = encounters(area)
    rows = months.groupby("fiscal_year", as_index=False).agg(
        encounters=("encounters", "sum"),
        months=("month", "size"),
        rounded=("precision", lambda p: (p != "exact").any()),
        source_id=("source_id", "last"),
    )
    own = tables.load("southbound_years")
    own = own[(own["area"] == area) & (own["precision"] == "exact")].set_index("fiscal_year")
    known = rows["fiscal_year"].isin(own.index)
    rows.loc[known, "encounters"] = rows["fiscal_year"].map(own["encounters"])[known].astype("int64")
    rows["rounded"] &= ~known
    rows["low"] = rows["high"] = rows["encounters"]
    for at, row in rows[rows["rounded"]].iterrows():
        bounds = tables.total(months[months["fiscal_year"] == row["fiscal_year"]], "encounters")
        rows.loc[at, ["low", "high"]] = bounds.low, bounds.high
    return rows


WHOLE_YEARS = 8  # of claimants, and of their months or of first decisions: what a country's own page needs
UNLISTED = "Other Countries"  # a row of the tables that is no country


def country_names() -> dict[str, str]:
    """Every spelling of a country that differs from its name in the book → that name (hand/countries.yml)."""
    return {other: entry["name"] for entry in tables.hand("countries") for other in entry.get("spelled", [])}


def country_in_text(country: str) -> str:
    """A country, under whichever spelling, as a sentence has it: "the United States"."""
    entry = _country(country)
    return entry.get("said", entry["name"])


def country_events(country: str) -> list[str]:
    """The ids of the events of a country's own story, the most telling first; none for most."""
    return list(_country(country).get("events", []))


def _country(country: str) -> dict:
    name = country_names().get(country, country)
    return next((entry for entry in tables.hand("countries") if entry["name"] == name), {"name": name})


def of_country(table: str, country: str) -> pd.DataFrame:
    """The rows of a table on one country, under whichever spelling. Raises LookupError for an unknown table."""
    frame = tables.load(table)
    column = "country" if "country" in frame else "citizenship"
    return frame[frame[column].replace(country_names()) == country]


def claimants_by_month(country: str) -> pd.DataFrame:
    """Claimants of a citizenship by month, all offices: the newest release of each month; none for some countries.

    Columns as in citizenships: a suppressed month is empty, and `precision` says rounded to 5 or at least.
    """
    rows = of_country("citizenships", country).sort_values("vintage", kind="stable")
    return rows.drop_duplicates("month", keep="last").sort_values("month", ignore_index=True)


def claimants_by_year(country: str) -> pd.DataFrame:
    """Claimants of a citizenship by year: year, claimants, low, high, precision, source_id.

    From citizenship_years (a lower bound: `high` is missing) or, for a country that it has not, whole years of the
    months as IRCC rounded them, with the bounds that rounding and suppression leave.
    """
    rows = of_country("citizenship_years", country).assign(low=lambda d: d["claimants"], high=pd.NA)
    columns = ["year", "claimants", "low", "high", "precision", "source_id"]
    if len(rows):
        return rows.sort_values("year")[columns].astype({"high": "Int64"}).reset_index(drop=True)
    months, found = claimants_by_month(country), []
    for year, part in months.groupby(months["month"].dt.year):
        if len(part) == 12:
            sum_ = tables.total(part, "claimants")
            last = part.iloc[-1]
            found.append((year, sum_.value, sum_.low, sum_.high, last["precision"], last["source_id"]))
    return pd.DataFrame(found, columns=columns).astype({"high": "Int64"})


def countries() -> pd.DataFrame:
    """The countries with enough in the record for a page of their own, by name, and how much there is of each.

    Enough: claimants of `WHOLE_YEARS` whole years, and either their months or the Board's first decisions of as many.
    Columns: country, years (of claimants), months, decided (years of first decisions by country of origin).
    """
    named = country_names()
    frames = {name: tables.load(name) for name in ("citizenship_years", "citizenships", "irb_country")}
    decided = frames["irb_country"].query("division == 'RPD' and measure == 'accepted'")
    months = frames["citizenships"].assign(year=lambda d: d["month"].dt.year)
    months["country"] = months["citizenship"].replace(named)
    whole = months.groupby(["country", "year"])["month"].nunique().eq(12).groupby("country").sum()
    by_year = frames["citizenship_years"]
    rows = pd.DataFrame(
        {
            "years": by_year.groupby(by_year["citizenship"].replace(named))["year"].nunique(),
            "whole": whole,
            "months": months.groupby("country")["month"].nunique(),
            "decided": decided.groupby(decided["country"].replace(named))["year"].nunique(),
        }
    )
    rows = rows.fillna(0).astype("int64").drop(index=UNLISTED)
    rows["years"] = rows["years"].where(rows["years"] > 0, rows.pop("whole"))
    enough = (rows["months"] >= 12 * WHOLE_YEARS) | (rows["decided"] >= WHOLE_YEARS)
    rows = rows[enough & (rows["years"] >= WHOLE_YEARS)]
    return rows.rename_axis("country").sort_index().reset_index()


MADE = {"countries": countries}  # frames that a chapter's parameters may point at, as at a table
