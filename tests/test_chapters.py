"""Every chapter, rerun over what its parameters allow: its defaults and what is awkward; with ROXHAM_ALL=1 every pair
of edges too, and each value of a short list."""

import csv
import io
import json
import re
from itertools import zip_longest
from pathlib import Path

import pytest
from allpairspy import AllPairs
from project import EVERY, HOLE

from roxham import tables
from roxham.publish import prose
from roxham.publish.chapters import Chapter, book, find
from roxham.publish.parameters import given
from roxham.publish.site import figures_of

SHORT = 12  # a list of no more values than this is gone through whole

# Awkward combinations, by chapter: what a reader may ask for and no pair of edges is.
EDGES = {
    "01-the-argument": [
        {"as_of": "2022-09", "months": 60},  # an early day, the longest look back
    ],
    "02-the-road": [
        {"who": "all claimants", "year": 2024, "names": "French"},  # provinces partly seen; a map in French
    ],
    "03-the-count": [
        {"province": "Saskatchewan", "start": "2023-04", "end": "2023-05"},  # two months, both zero
        {"province": "British Columbia", "year": 2024, "start": "2024-05"},  # a year that was not seen
        {"province": "Newfoundland and Labrador", "start": "2023-04"},  # no row at all
        {"province": "Ontario", "year": 2023},  # many border claims, few interceptions
    ],
    "04-the-rule": [
        {"first_year": 1991, "last_year": 1991, "subject": "press"},  # not one event
        {"first_year": 2012, "last_year": 2012},  # one year
        {"province": "Ontario", "first_year": 2023, "last_year": 2023, "claimant": "with an exception"},
    ],
    "05-the-closure": [
        {"province": "British Columbia", "start": "2023-12"},  # one month of the window was seen
        # hidden, then one zero
        {"province": "Saskatchewan", "measure": "Border claims", "start": "2023-03", "end": "2023-04"},
        {"province": "New Brunswick", "measure": "Airport claims", "start": "2023-04", "end": "2023-04"},
    ],
    "06-did-closing-work": [
        {"start": "2017-08", "until": "2023-06", "place": "Quebec"},  # the shortest look ahead
        {
            "start": "2018-01",
            "until": "2024-12",
            "march": "kept as before",
        },  # the longest: bands that explode
        {"formula": "of all finalized"},
    ],
    "07-the-other-doors": [
        {"province": "Yukon", "start": "2020-04", "end": "2020-06"},  # zero or hidden
        {"province": "Northwest Territories", "start": "2025-07"},  # one kind of office, one month
        {"province": "Nunavut", "citizenship": "Other Countries"},  # no printed month above zero
        {"citizenship": "Haiti", "start": "2018-02", "end": "2018-03"},  # across the break
    ],
    "08-the-other-direction": [
        {"sector": "Houlton", "start": "2021-02", "end": "2021-03"},  # every month zero
        {"sector": "Havre", "start": "2021-01", "end": "2021-01"},  # a single encounter
        {"sector": "Blaine", "citizenship": "Myanmar"},  # never met there
        {"sector": "Detroit", "citizenship": "Other", "start": "2026-08"},  # citizenships without a name
    ],
    "09-who-came": [
        {"citizenship": "Senegal", "start": "2015-02", "end": "2015-02"},  # one month, suppressed
        {"citizenship": "Senegal", "end": "2015-02"},  # one of two months suppressed
        {"citizenship": "Afghanistan", "start": "2026-01", "end": "2026-07"},  # no month is published
        {"citizenship": "Turkey", "start": "2026-07", "end": "2026-07"},  # one month
    ],
    "10-what-was-decided": [
        {"country": "Venezuela", "as_of": "2018-09"},  # not in any release so far, and one release only
        {"country": "Eritrea", "as_of": "2022-01", "formula": "of all finalized"},  # a hidden cell
        {"country": "United States of America", "as_of": "2021-05"},  # accepted and rejected both hidden
        {"country": "Angola", "as_of": "2019-06"},  # listed for the first time, not in the release compared
    ],
    "11-sharing-the-load": [
        {"province": "Nunavut", "year": 2015, "measure": "present"},  # no estimate at all, before the first
        {"province": "Northwest Territories", "year": 2022, "measure": "last address"},  # none claimed
        {"province": "Prince Edward Island", "year": 2024, "measure": "last address"},  # ten claims
    ],
    "12-diplomacy": [
        {"as_of": "2022-06", "trail": "talks", "donor": "Canada"},
        {"as_of": "2023-06", "trail": "rides"},
        {"as_of": "2022-06", "trail": "guantanamo", "donor": "United States"},
    ],
    "13-public-opinion": [
        {"pollster": "Synopsis", "margins": "as if random"},  # one poll
    ],
    "14-what-if": [
        # no protocol, nobody moves, nothing costs more
        {
            "comes": "never",
            "airports": 0,
            "inland": 0,
            "ports": 0,
            "unseen": 0,
            "shock": 0.5,
            "ranges": "half",
        },
        # the last month alone, nobody stays away
        {"protocol": "2024-12", "airports": 0.35, "inland": 0.25, "ports": 0.15, "unseen": 0.2, "wait": 1},
        {"protocol": "2017-01", "gap": 0, "shock_from": "2017-01", "transfer": 0, "baseline_months": 15},
        {"protocol": "2023-04", "gap": 12},  # as it came, the gap shut after a year
    ],
    "15-the-ledger": [
        {"as_of": "op-ed", "kind": "forecast"},  # nothing could be scored yet
    ],
}

# A value that was asked for stands in the text or in a figure, in these words where not in its own.
WORDED = {
    "United States of America": "United States",
    "Other countries": "All countries",
    "all claimants": "claimants",
    "as if random": "a random sample of that size",
}


def combinations(parameters, every: bool) -> list[dict]:
    """The default and every last value; or all pairs of the edges (default, first, last), and each other value once,
    of a long list the middle."""
    names, given = list(parameters), list(parameters.values())
    edges = [list(dict.fromkeys([p.default, p.allowed[0], p.allowed[-1]])) for p in given]

    def in_order(row) -> bool:
        values = dict(zip(names, row, strict=False))  # a row may still be in the making
        pairs = [(p.name, p.not_before) for p in given if p.not_before]
        return all(values[b] <= values[a] for a, b in pairs if {a, b} <= set(values))

    others = [
        [v for v in p.allowed if v not in at_edge]
        if p.unit == "value" and len(p.allowed) <= SHORT
        else sorted({p.allowed[len(p.allowed) // 2]} - set(at_edge))
        for p, at_edge in zip(given, edges, strict=True)
    ]
    defaults = [p.default for p in given]
    if not every:
        ends = [[p.allowed[-1] for p in given]]
    elif len(edges) > 1:
        ends = AllPairs(edges, filter_func=in_order)
    else:
        ends = [[v] for e in edges for v in e]
    rest = (
        []
        if not every
        else [[v or d for v, d in zip(row, defaults, strict=True)] for row in zip_longest(*others)]
    )
    rows = [dict(zip(names, row, strict=True)) for row in [defaults, *ends, *rest] if in_order(row)]
    bare = [{k: v for k, v in row.items() if v != parameters[k].default} for row in rows]
    return [row for i, row in enumerate(bare) if row not in bare[:i]]


CHAPTERS = book()
# these take 3 to 20 s for other values
AT_LENGTH = {"06-did-closing-work", "14-what-if", "appendix-designs"}


def reruns(chapter: Chapter) -> list[dict]:
    """By default its own values, the last ones and an awkward one; of one that takes long, not the last ones."""
    awkward = EDGES.get(Path(chapter.name).name, [])
    if EVERY:
        return combinations(chapter.parameters, every=True) + awkward
    if Path(chapter.name).name in AT_LENGTH:
        return [{}, *awkward[:1]]
    return combinations(chapter.parameters, every=False) + awkward[:1]


RERUNS = [(chapter, values) for chapter in CHAPTERS for values in reruns(chapter)]
IDS = [f"{Path(c.name).name} {' '.join(f'{k}={v}' for k, v in p.items())}" for c, p in RERUNS]
DRAWN = {
    chapter.name: [name for _, name in prose.read(chapter.name, chapter.source.decode()).figures]
    for chapter in CHAPTERS
}


def glued(notebook: str) -> dict[str, str]:
    """What the notebook's sentences are made of."""
    return {
        output["metadata"]["scrapbook"]["name"]: "".join(
            output["data"]["application/papermill.record/text/plain"]
        ).strip("'\"")
        for cell in json.loads(notebook)["cells"]
        for output in cell.get("outputs", [])
        if "scrapbook" in output.get("metadata", {})
    }


@pytest.mark.parametrize(("chapter", "values"), RERUNS, ids=IDS)
def test_a_chapter_reads_well_for_every_value(executed, chapter, values):
    notebook = executed(chapter, values)
    figures, facts = figures_of(notebook), glued(notebook)
    for text in [*(f[part] for f in figures for part in ("title", "alt")), *facts.values()]:
        assert text.strip()
        assert not HOLE.search(text), text
    shown = [f["id"] for f in figures]
    assert (
        sorted(shown) == sorted(DRAWN[chapter.name]) if not values else set(shown) <= set(DRAWN[chapter.name])
    )
    assert len(set(shown)) == len(shown) and all(f["rows"] for f in figures)
    said = json.dumps([facts, figures], ensure_ascii=False).casefold()
    for value in values.values():
        if str(value).replace(" ", "").isalpha():
            assert WORDED.get(value, value).casefold() in said, value
    used = {part.split("`")[1] for part in chapter.source.decode().split("{glue:text}")[1:]}
    assert used <= set(facts)
    assert values or used == set(facts), f"facts that the text does not use: {sorted(set(facts) - used)}"


def test_no_two_figures_of_the_book_share_an_id():
    names = [name for names in DRAWN.values() for name in names]
    assert sorted(names) == sorted(set(names))


def test_the_awkward_combinations_can_be_asked_for():
    for stem, rows in EDGES.items():
        chapter = find(stem)
        for values in rows:
            asked = given(chapter.parameters, [(k, str(v)) for k, v in values.items()], stem)
            usual = {k: p.default for k, p in chapter.parameters.items()}
            assert usual | asked == usual | values


def test_all_pairs_of_edges_and_all_values_of_short_lists_are_run():
    parameters = find("the-count").parameters
    rows = [
        {k: p.default for k, p in parameters.items()} | row for row in combinations(parameters, every=True)
    ]
    assert {row["province"] for row in rows} == set(parameters["province"].allowed)
    years = parameters["year"].allowed
    assert {(row["province"], row["year"]) for row in rows} >= {
        (p, y) for p in ("Quebec", parameters["province"].allowed[-1]) for y in (years[0], years[-1])
    }
    assert all(row["start"] <= row["end"] for row in rows)


def test_the_op_eds_two_numbers_are_on_the_front_page_and_in_the_count(executed):
    for name in ("index", "the-count"):
        chapter = find(name)
        facts = glued(executed(chapter, {}))
        assert (facts["quebec_2022"], facts["rest_2022"]) == ("39,171", "369")


def test_the_argument_names_chapters_that_there_are(executed):
    (figure,) = (f for f in figures_of(executed(find("the-argument"), {})) if f["id"] == "argument-map")
    named = {
        name for row in csv.DictReader(io.StringIO(figure["csv"])) for name in row["chapter"].split("; ")
    }
    titles = {re.search(r"^# (.+)$", c.source.decode(), re.M)[1] for c in CHAPTERS}
    assert len(named) > 5 and named <= titles, named - titles


def test_the_pages_first_number_agrees_with_a_sum_made_by_hand():
    with (tables.DATA / "tables/interceptions.csv").open() as file:
        rows = [line.split(",") for line in file]
    quebec = sum(int(r[2]) for r in rows if r[0].startswith("2022-") and r[1] == "Quebec")
    rest = sum(int(r[2]) for r in rows if r[0].startswith("2022-") and r[1] != "Quebec")
    assert (quebec, rest) == (39171, 369)
