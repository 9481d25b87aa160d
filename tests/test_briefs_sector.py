"""The brief of a Border Patrol sector: its sentences for every sector, and its numbers by hand."""

import csv

import pytest
from briefs import MOST_WORDS, amiss, of_notebook

from roxham import derived, tables
from roxham.publish.chapters import find

TEMPLATE = find("briefs/sector")
SECTORS = TEMPLATE.parameters["sector"].allowed


@pytest.fixture(scope="module")
def briefs(executed):
    """Every sector's brief."""
    source = TEMPLATE.source.decode()
    return {sector: of_notebook(executed(TEMPLATE, {"sector": sector}), source) for sector in SECTORS}


def rows(table: str) -> list[dict]:
    with (tables.DATA / "tables" / f"{table}.csv").open() as file:
        return list(csv.DictReader(file))


def counted(sector: str, first: str, last: str) -> int:
    return sum(
        int(r["encounters"])
        for r in rows("southbound")
        if r["sector"] == sector and first <= r["month"] <= last
    )


def test_all_eight_sectors_and_the_whole_border_can_be_asked_for():
    assert SECTORS[0] == "All sectors" and len(SECTORS) == 9


@pytest.mark.parametrize("sector", SECTORS)
def test_a_sector_reads_well(briefs, sector):
    found = briefs[sector]
    assert len(found.key) == 5
    assert 3 <= len(found.figures) <= 5
    assert found.words <= MOST_WORDS
    assert not [text for text in found.said if amiss(text)]
    assert all(
        sector in figure["title"] or figure["id"] == "brief-sector-entry" for figure in found.figures.values()
    )
    assert found.entry["name"] == sector and found.entry["number"] == found.key[0][0]


def test_only_the_whole_border_shows_where_apprehensions_were_made(briefs):
    for sector, found in briefs.items():
        assert ("brief-sector-entry" in found.figures) == (sector == "All sectors")
        assert ("brief-sector-eight" in found.figures) == (sector != "All sectors")
        if sector != "All sectors":
            assert found.facts["within"].endswith(
                "of the encounters of the eight sectors in fiscal year 2025"
            )
            assert "(the eight sectors)" not in found.text


@pytest.mark.parametrize("sector", ["Swanton", "Houlton"])
def test_the_numbers_are_those_of_the_record(briefs, sector):
    found = briefs[sector]
    last, before = counted(sector, "2024-10", "2025-09"), counted(sector, "2023-10", "2024-09")
    months = {r["month"]: int(r["encounters"]) for r in rows("southbound") if r["sector"] == sector}
    values = [value for value, _ in found.key]
    assert values[0] == f"{last:,}"
    assert values[1] == f"{counted(sector, '2025-10', '2026-08'):,}"
    assert values[2] == f"{months['2026-08']:,}"
    assert values[3] == f"{max(months.values()):,}"
    change = {
        "Swanton": f"{100 * (1 - last / before):.0f}% fewer than",
        "Houlton": f"{last / before:.1f} times as many as",
    }
    assert f"{change[sector]} the year before" in found.facts["opening"]
    after, ahead = counted(sector, "2023-04", "2024-03"), counted(sector, "2022-03", "2023-02")
    assert (
        f"after the protocol have {after:,} encounters, the twelve before {ahead:,}" in found.facts["around"]
    )
    detail = [
        r for r in rows("southbound_detail") if r["sector"] == sector and "2024-10" <= r["month"] <= "2025-09"
    ]
    family = sum(int(r["encounters"]) for r in detail if r["demographic"] == "Family members")
    assert f"{family:,} members of families" in found.facts["family"]
    assert sum(int(r["encounters"]) for r in detail) == last


def test_the_year_of_rounded_months_keeps_its_bounds(briefs):
    assert briefs["Swanton"].facts["exactly"] == "CBP’s own figure for that year is 365."
    cells = [
        r for r in rows("southbound") if r["sector"] == "Houlton" and "2020-10" <= r["month"] <= "2021-09"
    ]
    low = sum(max(0, int(r["encounters"]) - 5) for r in cells)
    high = sum(int(r["encounters"]) + 5 for r in cells)
    assert f"anything from {low} to {high}" in briefs["Houlton"].facts["exactly"]
    first_year = [
        r for r in rows("southbound") if r["sector"] == "Havre" and "2020-04" <= r["month"] <= "2021-03"
    ]
    exact, rounded = (
        [int(r["encounters"]) for r in first_year if (r["precision"] == "exact") == kept]
        for kept in (True, False)
    )
    low = sum(exact) + sum(max(0, v - 5) for v in rounded)
    high = sum(exact) + sum(v + 5 for v in rounded)
    assert (low, high) == (5, 35)  # six exact months and six rounded ones: no "about 5"
    havre = briefs["Havre"]
    assert f"after Title 42 began have {low} to {high}," in havre.facts["around"]
    assert f"Title 42 begins: after {low} to {high}" in havre.figures["brief-sector-around"]["alt"]


def test_what_is_true_of_all_sectors_is_not_said_of_one(briefs):
    for sector, found in briefs.items():
        assert ("no table says it of one" in found.facts["arrests"]) == (sector != "All sectors")
    assert briefs["Swanton"].facts["opening"].endswith("it had the most.")
    assert briefs["Havre"].facts["opening"].endswith("it had the fewest.")


def test_the_small_line_ends_with_a_whole_year(briefs):
    for found in briefs.values():
        assert found.entry["series"][-1] == float(found.key[0][0].replace(",", ""))


def test_at_entry_is_what_the_split_says(briefs):
    since = [r for r in rows("apprehensions_by_place") if r["month"] >= "2025-10"]
    entry, every = (
        sum(int(r["apprehensions"]) for r in since if r["category"] in kinds)
        for kinds in (["At Entry"], ["At Entry", "At Large"])
    )
    assert briefs["All sectors"].key[4][0] == f"{100 * entry / every:.0f}%"


def test_a_year_is_cbps_own_where_known_and_else_the_sum_with_its_bounds():
    swanton = derived.encounters_by_year("Swanton").set_index("fiscal_year")
    assert swanton.encounters[2021] == swanton.low[2021] == swanton.high[2021] == 365
    assert swanton.encounters[2024] == counted("Swanton", "2023-10", "2024-09") == 19385
    detroit = derived.encounters_by_year("Detroit").set_index("fiscal_year").loc[2021]
    assert detroit.rounded and detroit.low < detroit.encounters == 20 < detroit.high
    with pytest.raises(LookupError, match="Swanton"):
        derived.encounters_by_year("Swantown")
