"""The brief of a citizenship: which countries have one, its sentences for each, and its numbers by hand."""

import csv
import json
import math
import re

import pytest
from briefs import MOST_WORDS, amiss, of_notebook, sentences
from bs4 import BeautifulSoup

from roxham import derived, maps, tables
from roxham.models import estimands
from roxham.publish.chapters import find
from roxham.publish.parameters import ParameterError

TEMPLATE = find("briefs/citizenship")
COUNTRIES = TEMPLATE.parameters["citizenship"].allowed
ALWAYS = {"brief-citizenship-years"}
MONTHS, BOARD, RATES, SHARE, SOUTH = (
    {f"brief-citizenship-{name}"} for name in ("months", "irregular", "accepted", "share", "south")
)
# What is drawn, for countries with much in the record and with little
DRAWN = {
    "Haiti": ALWAYS | MONTHS | BOARD | RATES | SOUTH,
    "India": ALWAYS | MONTHS | RATES | SOUTH,
    "Mexico": ALWAYS | MONTHS | RATES | SOUTH,
    "Venezuela": ALWAYS | BOARD | RATES | SOUTH,  # no months
    "United States": ALWAYS
    | MONTHS
    | BOARD
    | RATES,  # never met going south; last named by the Board in 2022
    "Syria": ALWAYS | MONTHS | BOARD | RATES | SOUTH,  # three releases
    "Chile": ALWAYS | RATES | SOUTH,  # no months, never among the ten
    "Rwanda": ALWAYS | MONTHS | SHARE,  # no decisions, suppressed months
}


@pytest.fixture(scope="module")
def briefs(executed):
    source = TEMPLATE.source.decode()
    return {one: of_notebook(executed(TEMPLATE, {"citizenship": one}), source) for one in DRAWN}


def rows(table: str, **given) -> list[dict]:
    with (tables.DATA / "tables" / f"{table}.csv").open() as file:
        return [r for r in csv.DictReader(file) if all(r[k] == str(v) for k, v in given.items())]


def wilson(accepted: int, of: int) -> tuple[float, float]:
    """Wilson's interval at 95 %, in per cent, by its formula."""
    z, p = 1.959963984540054, accepted / of
    middle, half = p + z * z / (2 * of), z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))
    return tuple(100 * (middle + sign * half) / (1 + z * z / of) for sign in (-1, 1))


def test_a_country_needs_eight_years_of_claimants_and_as_many_of_months_or_decisions():
    enough = derived.countries().set_index("country")
    assert list(enough.index) == list(COUNTRIES) and len(enough) == 28
    assert (enough.years >= 8).all()
    assert ((enough.months >= 96) | (enough.decided >= 8)).all()
    every = {r["citizenship"] for t in ("citizenships", "citizenship_years") for r in rows(t)} - {
        derived.UNLISTED
    }
    out = {derived.country_names().get(name, name) for name in every} - set(enough.index)
    assert out == {"Guinea", "Ivory Coast", "Nepal", "Ukraine"}  # years, but neither months nor decisions
    with pytest.raises(ParameterError, match="nearest: Haiti"):
        TEMPLATE.parameters["citizenship"].parse("Hayti")


def test_every_other_spelling_stands_in_the_record_and_means_one_country():
    spelled = set()
    for name in tables.names():
        fields = {field["name"] for field in tables.about(name)["schema"]["fields"]}
        for column in fields & {"country", "citizenship"}:
            spelled |= set(tables.load(name)[column])
    known = set(tables.load("events").event_id)
    for entry in tables.hand("countries"):
        assert not set(entry.get("spelled", [])) - spelled, entry["id"]
        assert not set(entry.get("events", [])) - known, entry["id"]
        codes = maps.iso_a3([entry["name"], *entry.get("spelled", [])])  # the maps' list of spellings agrees
        assert codes.nunique(dropna=False) == 1, entry["id"]
    given = [
        other for entry in tables.hand("countries") for other in (entry["name"], *entry.get("spelled", []))
    ]
    assert len(given) == len(set(given))


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_country_is_spoken_of_rightly(country):
    found = sentences(TEMPLATE, {"citizenship": country})
    assert len(found.key) == 5
    assert found.words <= MOST_WORDS
    assert not [text for text in found.said if amiss(text)]
    decided = bool(rows_of_unhcr(country))
    assert [value == "not in the record" for value, _ in found.key[3:]] == [not decided] * 2
    rated = decided and country != "United States"  # whose 5 accepted may be 1
    assert ("95% interval" in found.facts["decided"]) == rated
    months, whole = derived.claimants_by_month(country), derived.claimants_by_year(country)
    if len(months):
        later = months.month.dt.year > whole.year.max()
        assert ("a year before" in found.facts["opening"]) == later.any()
    listed = len(derived.of_country("irb_irregular", country)) > 0
    rounded = whole.precision.iloc[-1] != "at least"
    assert found.key[0][0].startswith("about ") == rounded
    whose = (f"with citizens of {derived.country_in_text(country)}", "with its citizens")
    assert "encounter" not in found.facts["south"] or any(words in found.facts["south"] for words in whose)
    if len(months) and months.month.max() < tables.load("citizenships").month.max():
        assert "series begins" not in found.facts["months"]  # later years are higher still
    if len(months) and months.precision.iloc[-1] == "at least":  # a lower bound ranks nowhere
        assert "than in" not in found.facts["months"] and "since" not in found.facts["months"]
    assert (found.key[2][0] == "not listed") == (not listed) == ("none names" in found.facts["irregular"])


def rows_of_unhcr(country: str) -> list[dict]:
    names = {country} | {k for k, v in derived.country_names().items() if v == country}
    found = rows("irb_country", source_id="unhcr-refugees-2025-12", division="RPD", measure="accepted")
    return [r for r in found if r["country"] in names]


@pytest.mark.parametrize("country", DRAWN)
def test_a_country_shows_what_there_is_of_it(briefs, country):
    found = briefs[country]
    assert set(found.figures) == DRAWN[country] and 3 <= len(found.figures) <= 5
    assert found.words <= MOST_WORDS
    assert not [text for text in found.said if amiss(text)]
    assert all(figure["title"].startswith(country) for figure in found.figures.values())


@pytest.mark.parametrize("country", ["India", "Rwanda", "Syria"])
def test_the_highest_of_months_that_end_early_is_the_highest_to_their_end(briefs, country):
    chart = briefs[country].figures["brief-citizenship-months"]
    assert " to November 2023 is " in chart["title"] and " to November 2023 is " in chart["alt"]
    assert chart["subtitle"].endswith("to November 2023, the last month found")
    assert not re.search(r"each claimant|\d$", chart["title"])
    for one in ("Haiti", "Mexico"):
        assert "the highest month is" in briefs[one].figures["brief-citizenship-months"]["title"]


def test_a_narrow_screen_says_how_many_events_it_draws(briefs):
    said = {
        c: b.figures["brief-citizenship-months"]["caption"]
        for c, b in briefs.items()
        if MONTHS & set(b.figures)
    }
    assert [c for c, caption in said.items() if "A narrow screen shows 2 of these." in caption] == ["Haiti"]


@pytest.mark.parametrize("country", ["Chile", "United States"])
def test_years_without_a_rate_keep_their_place_and_a_bar_alone_is_full(executed, country):
    cells = json.loads(executed(TEMPLATE, {"citizenship": country}))["cells"]
    (found,) = [
        output
        for cell in cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("roxham", {}).get("id") == "brief-citizenship-accepted"
    ]
    wide = BeautifulSoup("".join(found["data"]["text/html"]), "lxml").select_one("svg")
    years = [text.get_text() for text in wide.select("text") if text.get_text().isdigit()]
    assert years == [str(year) for year in range(2013, 2026)]
    data = list(csv.DictReader(found["metadata"]["roxham"]["csv"].splitlines()))
    shades = [line["stroke-opacity"] for line in wide.select("line[stroke-width='3']")]
    alone = sum(not row["rate"] for row in data)
    assert alone and (shades.count("1"), shades.count("0.45")) == (alone, len(data) - alone)


def test_years_without_a_row_are_not_drawn_as_0(briefs):
    chart = briefs["Chile"].figures["brief-citizenship-south"]
    held = {r["fiscal_year"] for r in rows("southbound_citizenships", citizenship="Chile")}
    for year in range(2006, 2025):
        assert (f"{year} fewer than five" in chart["alt"]) == (str(year) not in held)
        assert f"{year} 0" not in chart["alt"]


@pytest.mark.parametrize("country", ["Haiti", "Mexico"])
def test_the_numbers_are_those_of_the_record(briefs, country):
    found, key = briefs[country], [value for value, _ in briefs[country].key]
    now, before = (
        int(rows("citizenship_years", citizenship=country, year=y)[0]["claimants"]) for y in (2025, 2024)
    )
    everyone = sum(int(r["claimants"]) for r in rows("claimants_years", period_start="2025-01-01"))
    assert key[:2] == [f"{now:,}", f"{100 * now / everyone:.1f}%"]
    change = {
        "Haiti": f"{now / before:.1f} times as many as",
        "Mexico": f"{100 * (1 - now / before):.0f}% fewer than",
    }
    assert f"{change[country]} in 2024" in found.facts["opening"]
    claims = {
        r["measure"]: int(r["claims"])
        for r in rows(
            "irb_country", source_id="unhcr-refugees-2025-12", division="RPD", year=2025, country=country
        )
    }
    accepted, merits = claims["accepted"], claims["accepted"] + claims["rejected"]
    for of, value in ((merits, key[3]), (merits + claims["otherwise closed"], key[4])):
        low, high = wilson(accepted, of)
        assert value == f"{100 * accepted / of:.1f}%"
        assert f"{low:.1f}% to {high:.1f}%" in found.facts["decided"]
    south = sum(
        int(r["encounters"]) for r in rows("southbound_detail", sector="Swanton", citizenship=country)
    )
    assert f"{south:,} encounters with citizens of {country}" in found.facts["south"]


def test_irregular_claims_have_both_rates_of_the_last_release_that_names_the_country(briefs):
    last = {
        r["measure"]: int(r["claims"]) for r in rows("irb_irregular", vintage="2024-03-31", country="Haiti")
    }
    said = briefs["Haiti"].facts["irregular"]
    assert f"{last['referred']:,} claims" in said and f"{last['pending']:,} of them pending" in said
    for of in (last["accepted"] + last["rejected"], last["finalized"]):
        assert f"{100 * last['accepted'] / of:.1f}%" in said
    said = briefs["United States"].facts["irregular"]
    assert "of March 2022" in said and "hidden in part" in said
    assert "children of other nationals" in said  # IRCC's own caution stands beside the count


def test_sums_of_rounded_and_suppressed_months_keep_their_bounds(briefs):
    cells = [r for r in rows("citizenships", citizenship="Rwanda") if r["month"].startswith("2022")]
    low = sum(0 if r["suppressed"] == "true" else max(0, int(r["claimants"]) - 2) for r in cells)
    high = sum(5 if r["suppressed"] == "true" else int(r["claimants"]) + 2 for r in cells)
    assert f"2022 is between {low} and {high}" in briefs["Rwanda"].facts["counted"]
    hidden = sum(r["suppressed"] == "true" for r in rows("citizenships", citizenship="Rwanda"))
    assert f"{hidden} months are suppressed, 0 to 5 each" in briefs["Rwanda"].facts["months"]


@pytest.mark.parametrize(
    ("country", "first", "last", "words"),
    [
        (
            "Haiti",
            "2026-01",
            "2026-07",
            "From January to July 2026 there were at least {}, after at least {} a year before.",
        ),
        (
            "Rwanda",
            "2023-01",
            "2023-11",
            "From January to November 2023 there were about {}, after about {} a year before.",
        ),
    ],
)
def test_months_after_the_last_whole_year_are_told(briefs, country, first, last, words):
    newest = {
        r["month"]: r for r in sorted(rows("citizenships", citizenship=country), key=lambda r: r["vintage"])
    }

    def summed(back):
        ends = [f"{int(when[:4]) - back}{when[4:]}" for when in (first, last)]
        return sum(int(r["claimants"] or 0) for month, r in newest.items() if ends[0] <= month <= ends[1])

    assert briefs[country].facts["opening"].endswith(words.format(f"{summed(0):,}", f"{summed(1):,}"))


def test_years_that_are_level_are_all_named():
    assert (
        "2016 and 2021 have the fewest, at least 10 each"
        in sentences(TEMPLATE, {"citizenship": "Senegal"}).facts["years"]
    )


def test_so_few_accepted_that_the_source_blurs_them_have_no_rate(briefs):
    shown = {r["measure"]: int(r["claims"]) for r in rows_decided("United States of America", 2025)}
    assert shown["accepted"] == 5 and shown["accepted"] + shown["rejected"] == 130
    found = briefs["United States"]
    assert [value for value, _ in found.key[3:]] == ["too few to tell"] * 2
    assert "5 of 130 claims" in found.facts["decided"] and "%" not in found.facts["decided"]
    accepted = found.figures["brief-citizenship-accepted"]
    assert "too few for a rate" in accepted["title"] and "2020" not in accepted["alt"]
    low, high = wilson(1, 130)[0], wilson(5, 130)[1]  # 5 of 130 may be 1
    assert f"2025 at most {high:.0f}%" in accepted["alt"] and low < 1
    assert "at least" in found.figures["brief-citizenship-months"]["title"]
    assert "the highest month since January 2022 is" in found.figures["brief-citizenship-months"]["title"]


def rows_decided(country, year):
    return rows("irb_country", source_id="unhcr-refugees-2025-12", division="RPD", country=country, year=year)


def test_too_few_decisions_have_no_rate():
    chile = estimands.accepted_by_year("Chile").query("formula == 'on the merits'").set_index("year")
    assert chile.decided[2020] < estimands.FEWEST and math.isnan(chile.rate[2020])
    assert chile.hidden[2020] and not chile.hidden[2025]
    low, high = wilson(int(chile.accepted[2025]), int(chile.decided[2025]))
    assert (100 * chile.low[2025], 100 * chile.high[2025]) == pytest.approx((low, high))
    assert estimands.accepted_by_year("Rwanda").empty
    assert estimands.share_accepted(float("nan"), 100) is None
