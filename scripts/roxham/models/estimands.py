"""What is estimated: each series of the record, its break, its months, in words and symbols.

The only module of the room that reads the record; the designs take what it hands over.
"""

from dataclasses import dataclass, replace

import pandas as pd

from roxham import derived, tables
from roxham.models import bounds, rates

PROTOCOL = pd.Timestamp("2023-04-01")  # first whole month under the protocol of 25 March 2023
PARTLY = [pd.Timestamp("2023-03-01")]  # 24 days before, 7 days after
OP_ED = pd.Timestamp("2023-02-01")  # the month in which the op-ed appeared
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


def closed_and_reopened(province: str = "Quebec") -> tuple[Estimand, Estimand]:
    """E6: two earlier breaks of the same road, nine months each, as many as in E1.

    The closure of March 2020 (April to December 2020), and the reopening of 21 November 2021 against the road closed
    on (December 2021 to August 2022).
    """
    road = intercepted(province)
    closed = replace(
        road,
        id="E6a",
        words=f"People intercepted in {province}, April to December 2020, less those who would have been without the "
        "closure",
        symbol="E6a = Σ (Y¹ₜ − Y⁰ₜ), t = 2020-04 … 2020-12",
        broke=pd.Timestamp("2020-04-01"),
        until=pd.Timestamp("2020-12-01"),
    )
    reopened = replace(
        road,
        id="E6b",
        words=f"People intercepted in {province}, December 2021 to August 2022, less those who would have been had "
        "the road stayed closed",
        symbol="E6b = Σ (Y¹ₜ − Y⁰ₜ), t = 2021-12 … 2022-08",
        broke=REOPENED,
        until=pd.Timestamp("2022-08-01"),
    )
    return closed, reopened


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


FAR = ["British Columbia", "Alberta", "Manitoba", "Saskatchewan"]  # no road to them from the Quebec border
NAMED = ["Haiti", "Türkiye", "Colombia"]  # the citizenships whose share of the road's claimants was published
# Counts of citizenships after October 2023 are "at least"; in the months that both releases cover, the older one is
# at most 6.4 % above, for these three.
SLACK = 1.07
YEAR = pd.DateOffset(years=1)


Months = tuple[pd.Timestamp, pd.Timestamp]  # the first and the last


@dataclass(frozen=True)
class Deflection:
    """E3: what `bounds.deflection` takes, over windows before and after: the other doors, those far away, the growth
    of January to March 2023 over a year earlier by kind of door, and the citizenships.

    Counts of a window before that is shorter than the one after are scaled to its length. ``road_before`` are people
    intercepted in the place, ``road_after`` those in Quebec, where the road is; ``later`` are irregular claims of
    people not met there, over the months whose claims are printed.
    """

    doors: pd.DataFrame
    far: pd.DataFrame
    unaffected: list[str]
    trend: dict[str, bounds.Interval]
    citizenships: pd.DataFrame
    road_before: float
    road_after: bounds.Interval
    later: bounds.Interval | None


def deflected(place: str = "Canada", until: pd.Timestamp = YEAR_END) -> Deflection:
    """E3: claims at the doors of ``place`` (Canada or Quebec), from April 2023 to ``until``, and before.

    Before are the same months a year earlier; where these would reach past February 2023, the twelve months to it,
    scaled, and no ``trend``: the growth of one year says little of two.
    """
    after = (PROTOCOL, until)
    before = tuple(m - YEAR for m in after)
    short = before[1] < PARTLY[0]
    if not short:
        before = (PARTLY[0] - YEAR, PARTLY[0] - pd.DateOffset(months=1))
    claims = tables.load("claimants")
    claims = claims[claims.province != "Not stated"].assign(claimants=lambda f: f.claimants.astype("Float64"))
    claims["door"] = claims.office + "|" + claims.province
    counted = bounds.windows(claims, "door", before, after)
    stretch = _length(after) / _length(before)

    def total(office: str, provinces: list[str], frame: pd.DataFrame = counted):
        rows = frame.loc[[d for p in provinces if (d := f"{office}|{p}") in frame.index]].sum()
        return bounds.Interval(rows.before_low, rows.before_high), bounds.Interval(
            rows.after_low, rows.after_high
        )

    every = sorted(set(claims.province))
    near = ["Quebec"] if place == "Quebec" else [p for p in every if p not in FAR]
    road_before, road_after = _crossed(claims, "Quebec", before) * stretch, _crossed(claims, "Quebec", after)
    # what the border offices of Quebec took, less the people whom the RCMP brought to them
    border_before, border_after = total("Border", ["Quebec"])
    at_ports = [
        bounds.Interval(max(0, i.low), max(0, i.high))
        for i in (border_before - road_before, border_after - road_after)
    ]
    rows = {
        "Airports": ("Airport", *total("Airport", near)),
        "Inland offices": ("Inland", *total("Inland", near)),
        "Quebec land ports": ("Border", *at_ports),
    }
    unaffected = []
    if place == "Canada":
        others = [p for p in near if p != "Quebec"]
        rows["Other land ports"] = ("Other border", *total("Border", others))
        for office in ("Airport", "Inland"):
            rows[f"Western {office.lower()}"] = (office, *total(office, FAR))
            unaffected.append(f"Western {office.lower()}")
    # Saskatchewan's doors, and Manitoba's airport, are too small for a growth to mean anything
    far = {
        f"{office}, {province}": (office, *total(office, [province]))
        for office in ("Airport", "Inland")
        for province in FAR[:3]
        if total(office, [province])[0].low >= 25 * stretch
    }
    trend = {}
    if short:
        first = (pd.Timestamp("2023-01-01"), pd.Timestamp("2023-03-01"))
        early = bounds.windows(claims, "door", tuple(m - YEAR for m in first), first)
        for office in ("Airport", "Inland"):
            was, now = total(office, near, early)
            trend[office] = now / was
    return Deflection(
        bounds.doors(rows),
        bounds.doors(far),
        unaffected,
        trend,
        _citizenships(before, after),
        _crossed(claims, place, before).high * stretch,
        road_after,
        _later(until) if place == "Canada" else None,
    )


def open_road(months: int, since: pd.Timestamp = REOPENED) -> bounds.Interval:
    """People intercepted in Quebec over so many months, at the level of some twelve whole ones in a row of the open
    road: since its reopening, the busiest counted, or since an earlier month."""
    seen = intercepted().series[since : PARTLY[0] - pd.DateOffset(months=1)]
    years = seen.mask(seen.index.isin(CLOSED)).rolling(12).sum().dropna() * (months / 12)
    return bounds.Interval(float(years.min()), float(years.max()))


def _length(months: Months) -> int:
    return len(pd.date_range(*months, freq="MS"))


def _crossed(claims: pd.DataFrame, place: str, months: Months) -> bounds.Interval:
    """People intercepted in ``place``, Canada or a province.

    In a month that the RCMP's count does not reach they may have been none, or as many as claimed at its land border.
    """
    seen, border = tables.load("interceptions"), claims[claims.office == "Border"]
    if place != "Canada":
        seen, border = seen[seen.province == place], border[border.province == place]
    known = float(seen[seen.month.between(*months)].people.sum())
    unknown = border[border.month.between(*months) & (border.month > seen.month.max())]
    return known + bounds.Interval(0.0, bounds.counted(unknown.claimants).high)


def _later(until: pd.Timestamp) -> bounds.Interval | None:
    """Irregular claims in Canada from April 2023 on: at least those beyond all who may have been intercepted,
    at most all.

    Over the months to ``until`` whose claims are printed: of 2023 the year less its first quarter, then each month.
    """
    if until < YEAR_END:
        return None
    modes = tables.load("claims_by_mode").query("mode == 'Irregular' and status == 'used'")
    days = (modes.period_end - modes.period_start).dt.days + 1
    year = modes[(modes.period_start == "2023-01-01") & (days == 365)].claims.iloc[0]
    monthly = modes[days <= 31].set_index("period_start").claims
    next_year = monthly[YEAR_END + pd.DateOffset(months=1) : until]
    claimed = float(year - monthly["2023-01":"2023-03"].sum() + next_year.sum())
    met = _met((PROTOCOL, max([YEAR_END, *next_year.index])))
    return bounds.Interval(claimed - met.high, claimed)


def _met(months: Months) -> bounds.Interval:
    """People intercepted in Canada. A month that a province's count lacks may hold none, or as many as its highest.

    Of the provinces counted since the protocol: Newfoundland and Labrador, printed for 2020 alone, is none of them.
    """
    seen = tables.load("interceptions").pivot(index="month", columns="province", values="people")
    seen = seen.loc[:, seen[PROTOCOL:].notna().any()]
    cells = seen.reindex(pd.date_range(*months, freq="MS"))
    return bounds.Interval(float(cells.sum().sum()), float(cells.fillna(seen.max()).sum().sum()))


def _citizenships(before: Months, after: Months) -> pd.DataFrame:
    """Claims at all doors by citizenship, before and after, and the range of its share of the people at the road.

    Those before are scaled to the length of after. The shares are those of claims referred to the Immigration and
    Refugee Board by people who crossed between ports, over any two of its releases from the end of 2021 to March
    2024, and what the department itself published.
    """
    table = tables.load("citizenships").replace({"citizenship": derived.country_names()})
    older, newer = (table[table.vintage == v] for v in sorted(table.vintage.unique())[-2:])
    turn = older.month.max()
    rows = {}
    for name in NAMED:
        exact = older[older.citizenship == name].set_index("month").claimants
        least = newer[newer.citizenship == name].set_index("month").claimants
        ends = {}
        for key, months in (("before", before), ("after", after)):
            stretch = _length(after) / _length(months)
            span = pd.date_range(*months, freq="MS")
            total = bounds.counted([exact.get(m) for m in span if m <= turn])
            for m in span[span > turn]:
                total = total + bounds.Interval(float(least[m]), float(least[m]) * SLACK + 5)
            total = total * stretch
            ends |= {f"{key}_low": total.low, f"{key}_high": total.high}
        low, high = _shares(name)
        rows[name] = ends | {"share_low": low, "share_high": high}
    return pd.DataFrame.from_dict(rows, orient="index")


def _shares(citizenship: str) -> tuple[float, float]:
    """The least and the largest share of a citizenship among the irregular claims referred to the Board."""
    referred = derived.of_country("irb_irregular", citizenship).query("measure == 'referred'")
    totals = tables.load("irb_irregular_totals").query("measure == 'referred'")
    own, every = (f.set_index("vintage").claims.astype(float) for f in (referred, totals))
    ends = [pd.Timestamp(d) for d in ("2021-12-31", "2022-12-31", "2023-06-30", "2024-03-31")]
    shares = [
        (own[b] - own[a]) / (every[b] - every[a])
        for a in ends[:2]
        for b in ends
        if b > a and {a, b} <= set(own.index)
    ]
    said = derived.of_country("irregular_citizenships", citizenship)
    said = said[said.share.notna() & (said.period_start >= "2021-11-01")].share
    shares += [(share + rounding) / 100 for share in said for rounding in (-0.5, 0.5)]
    return min(shares), max(shares)


CLOSED_AS = {"otherwise closed": "closed", "abandoned, withdrawn or other": "closed"}
OUTCOMES = ["accepted", "rejected", "closed"]
FORMULAS = {"on the merits": OUTCOMES[:2], "of all finalized": OUTCOMES}  # what acceptance is a share of
LAST_RELEASE = pd.Timestamp("2022-12-31")  # the last one that ends a year and counts outcomes by country


def decisions() -> pd.DataFrame:
    """All claims at the Refugee Protection Division: year, country, measure, claims, precision, source_id.

    By country (`derived.country_names`) from the United Nations' agency; "All countries" from the Board's own data.
    """
    countries = tables.load("irb_country")
    shown = countries.measure.isin(["accepted", "rejected", "otherwise closed"])
    shown &= (countries.division == "RPD") & (countries.source_id == "unhcr-refugees-2025-12")
    every = tables.load("irb_all")
    every = every[(every.division == "RPD") & (every.source_id == "canada-observatory-2026-08-decisions")]
    every = every.assign(year=every.period_start.dt.year, country="All countries")
    both = pd.concat([countries[shown], every])
    both = both[["year", "country", "measure", "claims", "precision", "source_id"]]
    return both.replace({"measure": CLOSED_AS, "country": derived.country_names()})


FEWEST = 20  # claims decided: of fewer no rate is given, because the publishers blur or hide small counts


def share_accepted(accepted: float, decided: float) -> rates.Rate | None:
    """The share of claims accepted of those decided, with Wilson's interval at 95 %; None of too few or of hidden."""
    if pd.isna(accepted) or pd.isna(decided) or decided < FEWEST:
        return None
    group = pd.DataFrame({"events": [float(accepted)], "total": [float(decided)]})
    return rates.standardised(group, pd.Series([1.0]))


def accepted_by_year(country: str) -> pd.DataFrame:
    """How many of a country's claims the Refugee Protection Division accepted, by year and formula, with intervals.

    Columns: year, formula ("on the merits": of accepted and rejected; "of all finalized": of those closed otherwise
    too), accepted, decided, rate, low, high (missing below `FEWEST`; UNHCR shows 1 to 4 as 0 or 5), hidden (2020,
    built from a table with hidden cells), source_id. No rows for a country without published decisions.
    """
    rows = decisions().query("country == @country")
    wide = rows.pivot(index="year", columns="measure", values="claims").astype("float64")
    found = []
    for formula, parts in FORMULAS.items():
        for year, row in wide.iterrows():
            decided = row[parts].sum(skipna=False)
            rate = share_accepted(row.accepted, decided)
            ends = (rate.rate, rate.low, rate.high) if rate else (float("nan"),) * 3
            found.append((year, formula, row.accepted, decided, *ends))
    columns = ["year", "formula", "accepted", "decided", "rate", "low", "high"]
    frame = pd.DataFrame(found, columns=columns)
    hidden = frame.year.isin(rows.year[rows.precision == "0 may be hidden"])
    return frame.assign(hidden=hidden, source_id=rows.source_id.iloc[0] if len(rows) else None)


def outcomes(release: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claims by country (rows, with "All countries") and measure since January 2017: irregular, and all of them.

    ``release``: the last day of a release of the Board's count of irregular claims that ends a year. "Other
    countries", whose make-up changes from release to release, has no row; a hidden cell is missing.
    """
    rows = tables.load("irb_irregular").query("vintage == @release and country != 'Other countries'")
    irregular = rows.pivot(index="country", columns="measure", values="claims").astype(float)
    total = tables.load("irb_irregular_totals").query("vintage == @release").set_index("measure").claims
    irregular.loc["All countries"] = total.astype(float).reindex(irregular.columns)
    irregular["closed"] = irregular.finalized - irregular.accepted - irregular.rejected
    every = decisions()
    every = every[every.year.between(2017, release.year)]
    every = every.groupby(["country", "measure"]).claims.sum().unstack()
    every = every.reindex(irregular.index.to_series().replace(derived.country_names())).set_axis(
        irregular.index
    )
    return irregular, every.astype(float)


def acceptance(
    release: pd.Timestamp = LAST_RELEASE, formula: str = "on the merits", named: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """E5: claims accepted (events) and decided (total) by country, of people who crossed between ports and of others.

    Others are all claims by the United Nations' agency less the irregular ones by the Board. ``formula``: on the
    merits (accepted and rejected) or of all finalized. The last row, "The rest", holds what the Board does not list
    or hides; ``named`` leaves it out.
    """
    irregular, every = outcomes(release)
    irregular, every = irregular[OUTCOMES], every[OUTCOMES]
    listed = irregular.notna().all(axis=1) & every.notna().all(axis=1)
    listed = irregular.index[listed].drop("All countries")
    groups = []
    for frame in (irregular, (every - irregular).clip(lower=0)):
        rows = frame.loc[listed]
        if not named:
            rows = pd.concat([rows, (frame.loc["All countries"] - rows.sum()).to_frame("The rest").T])
        decided = rows.accepted + rows.rejected + (rows.closed if formula == "of all finalized" else 0)
        groups.append(pd.DataFrame({"events": rows.accepted, "total": decided}))
    return groups[0], groups[1]
