"""The briefs of provinces and of months: numbers added up by hand from the files, sentences for awkward values."""

import csv
from functools import cache

import pytest
from briefs import MOST_WORDS, of_notebook
from project import HOLE

from roxham import tables
from roxham.publish import prose
from roxham.publish.chapters import find

PROVINCE, MONTH = find("briefs/province"), find("briefs/month")
AWKWARD = [  # the first, turn-backs, rounded encounters, the protocol, the last claims, the first without, the last
    *("2017-01", "2018-03", "2020-04", "2021-02", "2023-04", "2025-07", "2025-08"),
    MONTH.parameters["month"].allowed[-1],
]


def rows(table: str) -> list[dict]:
    with (tables.DATA / f"tables/{table}.csv").open() as file:
        return list(csv.DictReader(file))


def added(table: str, column: str, **where) -> int:
    """The sum of a column, by the letter of the file; a place in `where` may be a function."""
    fits = {k: v if callable(v) else v.__eq__ for k, v in where.items()}
    return sum(int(row[column] or 0) for row in rows(table) if all(fit(row[k]) for k, fit in fits.items()))


def around(first: str, last: str):
    return lambda month: first <= month <= last


@pytest.fixture(scope="module")
def read(executed):
    """A brief of a province or a month."""

    @cache
    def one(value):
        chapter = PROVINCE if value in PROVINCE.parameters["province"].allowed else MONTH
        (name,) = chapter.parameters
        return of_notebook(executed(chapter, {name: value}), chapter.source.decode())

    return one


def test_the_templates_keep_to_the_rules_of_the_text():
    sources = tables.load("sources").source_id.to_list()
    terms = [entry["term"] for entry in tables.hand("glossary")]
    assert list(map(str, prose.check([PROVINCE, MONTH], sources, terms))) == []


def test_a_place_is_any_province_or_territory_or_canada_and_a_month_any_since_2017():
    places = PROVINCE.parameters["province"].allowed
    assert len(places) == 14 and places[0] == "Canada" and "Nunavut" in places and "Not stated" not in places
    months = MONTH.parameters["month"].allowed
    assert months[0] == "2017-01" and len(months) >= 116


def test_three_numbers_of_quebec_are_those_of_the_files(read):
    claims = added("claimants_totals", "claimants", period="2024", place="Quebec")
    border = added(
        "claimants", "claimants", province="Quebec", office="Border", month=around("2023-04", "2024-03")
    )
    met = added("interceptions", "people", province="Quebec", month=around("2024-01", "2024-12"))
    assert (claims, border, met) == (57215, 9260, 648)
    quebec = read("Quebec")
    assert quebec.key[0] == ("57,215", "asylum claimants in 2024, 12% fewer than in 2023")
    assert "at the land border 9,260" in quebec.facts["changed"]
    assert quebec.key[4] == ("648", "intercepted between ports of entry in 2024, 98% fewer than in 2022")


def test_three_numbers_of_ontario_are_those_of_the_files(read):
    claims = added("claimants_totals", "claimants", period="2024", place="Ontario")
    people = added("population", "population", quarter="2024-07-01", province="Ontario")
    stayed = added(
        "claim_address",
        "claimants",
        period_start="2023-01-01",
        province_of_claim="Ontario",
        province_of_address="Ontario",
    )
    made = added("claim_address_totals", "claimants", period_start="2023-01-01", province_of_claim="Ontario")
    assert (claims, round(claims / people * 1e5), round(100 * stayed / made)) == (90090, 558, 94)
    ontario = read("Ontario")
    assert ontario.key[0][0] == "90,090" and ontario.key[3][0] == "558"
    assert "second of the 8 places" in ontario.key[3][1]
    assert "94% had their last address here and 4.6% theirs in Quebec" in ontario.facts["settled"]


@pytest.mark.parametrize(
    ("month", "claims", "met", "swanton"), [("2023-04", 6850, 69, 676), ("2020-04", 1520, 1, 9)]
)
def test_three_numbers_of_a_month_are_those_of_the_files(read, month, claims, met, swanton):
    assert added("claimants_totals", "claimants", period=month, place="Canada", office="All") == claims
    assert added("interceptions", "people", month=month, province="Quebec") == met
    assert added("southbound", "encounters", month=month, sector="Swanton") == swanton
    key = dict((words.split(",")[0], value) for value, words in read(month).key)
    assert key["asylum claimants in Canada"] == f"{claims:,}"
    assert key["intercepted between ports of entry in Quebec"] == str(met)
    assert key["encounters in the Swanton Sector"] == str(swanton)


def test_a_place_with_nothing_but_zeros_and_suppressed_months_says_so(read):
    nunavut = read("Nunavut")
    assert "No month has a published count above zero" in nunavut.facts["highest"]
    assert nunavut.key[1][0] == "0 to 5" and nunavut.key[4][0] == "not listed"
    assert "none claimed in 2022, 0 to 5 in 2023" in nunavut.facts["changed"]
    assert (
        "too few to rank" in nunavut.key[3][1]
        and "had 0.006% of its claimants in 2024: one of the 5 places with fewer than 100"
        in nunavut.facts["share"]
    )
    assert "brief-province-claims" not in nunavut.figures and "brief-province-years" in nunavut.figures


def test_all_the_years_and_months_that_are_the_highest_are_named(read):
    by_year = {
        y: added("interceptions", "people", province="Ontario", month=around(f"{y}-01", f"{y}-12"))
        for y in (2023, 2024)
    }
    assert by_year == {2023: 4, 2024: 4}
    ontario = read("Ontario")
    assert "most in 2023 and 2024: 4 each" in ontario.facts["stopped"]
    assert ontario.figures["brief-province-interceptions"]["title"].startswith(
        "8 people intercepted in Ontario"
    )


def test_money_is_of_the_latest_row_and_says_who_was_paid(read):
    def paid(scope):
        found = [
            r
            for r in rows("costs")
            if r["scope"] == scope and r["item"].startswith("IHAP to ") and r["period_end"] == "2025-06-30"
        ]
        return [int(r["amount"]) / 1e6 for r in found]

    assert (paid("Quebec"), paid("Ontario municipalities")) == ([543], [912.3])
    assert "paid Quebec about $543 million from 2017 to June 2025" in read("Quebec").facts["money"]
    assert (
        "paid municipalities of Ontario $912.3 million from 2017 to June 2025"
        in read("Ontario").facts["money"]
    )


def test_canada_has_its_later_minimums_and_its_printed_total(read):
    canada = read("Canada")
    whole, part = (
        added("claimants_years", "claimants", period_end=end) for end in ("2025-12-31", "2026-04-30")
    )
    assert (
        f"at least {whole:,} in 2025 and at least {part:,} from January to April 2026"
        in canada.facts["answer"]
    )
    highest = added("claimants_totals", "claimants", period="2023-10", place="Canada", office="All")
    assert canada.facts["highest"] == f"The highest month was October 2023: {highest:,}."


def test_a_suppressed_count_leaves_a_range_in_rates_too(read):
    place = read("Newfoundland and Labrador")
    people = added("population", "population", quarter="2024-07-01", province="Newfoundland and Labrador")
    low, high = map(int, place.key[0][0].split(" to "))
    assert place.key[3][0] == f"{low / people * 1e5:.0f} to {high / people * 1e5:.0f}" == "12 to 14"
    assert place.key[3][0] in place.figures["brief-province-rank"]["title"]


def test_one_person_is_a_person(read):
    assert "with 1 person." in read("Newfoundland and Labrador").facts["stopped"]
    assert "intercepted 1 person between ports of entry" in read("2020-04").facts["quebec"]


def test_a_month_says_what_is_the_lowest_and_since_when(read):
    april = read("2020-04").facts
    assert april["answer"].endswith("in April 2020: the fewest since May 2016.")
    assert "the fewest since the series begins, in October 1999" in april["southward"]


def test_a_month_without_canadian_counts_says_where_they_end(read):
    last = read(AWKWARD[-1])
    assert last.facts["answer"].startswith("No published total of claims was found for")
    assert (
        "the total of claims in July 2025 and interceptions in Quebec in December 2024"
        in last.facts["unseen"]
    )
    assert all(value != "0" for value, _ in last.key)
    september = read("2025-09")
    least = max(
        int(r["claimants"])
        for r in rows("citizenships")
        if r["month"] == "2025-09" and r["precision"] == "at least"
    )
    found = {r["citizenship"] for r in rows("citizenships") if r["month"] == "2025-09"}
    assert "India" not in found
    assert (
        f"of the {len(found)} citizenships found the largest is for Haiti: at least {least:,} claimants. "
        "Others, such as India, are not among them." in september.facts["people"]
    )
    quebec = september.figures["brief-month-quebec"]["title"]
    assert (
        "interceptions end in December 2024, with" in quebec
        and "land border claims end in July 2025, with" in quebec
    )


def test_a_note_of_a_month_says_what_happened_and_of_a_bill_no_more_than_that(read):
    assert (
        "25 June 2026: U.S. Supreme Court (Mullin v. Doe, 6–3) lets TPS for Haiti and Syria end"
        in read("2026-06").text
    )
    assert "The last event of law before it: Bill C-12 introduced" in read("2026-01").text


def test_a_caption_speaks_of_no_month_that_is_not_drawn(read):
    for month, rounded, both in (
        ("2018-03", False, True),
        ("2023-04", True, True),
        ("2026-01", False, False),
    ):
        figures = read(month).figures
        assert ("rounded to 10" in figures["brief-month-south"]["caption"]) == rounded
        assert ("counted in both" in figures["brief-month-quebec"]["caption"]) == both


@pytest.mark.parametrize("place", PROVINCE.parameters["province"].allowed)
def test_a_place_reads_well(read, place):
    found = read(place)
    assert len(found.key) == 5 and 3 <= len(found.figures) <= 5 and found.words <= MOST_WORDS
    if place != "Canada" and "too few to rank" not in found.key[3][1]:  # one ranks counts, the other rates
        assert found.facts["share"].endswith(" of 13 by number.") and "by rate" in found.key[3][1]


def test_an_office_without_a_line_and_another_release_are_named(read):
    manitoba = read("Manitoba").figures["brief-province-claims"]["caption"]
    assert "No line for airports: every month is 0 or suppressed." in manitoba
    assert not added("claimants", "claimants", province="Manitoba", office="Airport")
    assert "No line for" not in read("Quebec").figures["brief-province-claims"]["caption"]
    address = read("Quebec").figures["brief-province-address"]
    later = added("claimants_totals", "claimants", period="2023", place="Quebec")
    assert f"that of July 2025 has {later:,} claimants of 2023" in address["caption"]
    assert f"Of {later:,}" not in address["title"]


def test_rounded_encounters_are_about(read):
    rounded = read("2021-02")
    assert any(value.startswith("about ") for value, _ in rounded.key)
    assert "had about" in rounded.facts["southward"] and "rounded to 10" in rounded.text


@pytest.mark.parametrize("month", AWKWARD)
def test_an_awkward_month_reads_well(read, month):
    found = read(month)
    assert len(found.key) == 5 and 3 <= len(found.figures) <= 5 and found.words <= MOST_WORDS
    for text in [*found.said, found.text]:
        assert text.strip() and not HOLE.search(text), text
        assert "Other Countries and" not in text and "and Other Countries" not in text
    assert found.facts["title"] in found.facts["answer"]
