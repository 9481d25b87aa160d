"""Claims about the ledger: what decides a verdict, and that nothing else does."""

import ast
import json
import re
import shutil

import pandas as pd
import pytest
from project import CHECKOUT, Project

from roxham import claims, tables

CLAIMS = "hand/claims.yml"
MONTH, DAY = pd.Timestamp("2022-12-01"), pd.Timestamp("2023-02-28")


class Altered:
    """The record with some tables altered: `Altered(events=change)`, where change takes a frame and returns one."""

    names, hand, sources = tables.names, tables.hand, tables.sources

    def __init__(self, **changes):
        self.changes = changes

    def load(self, name):
        frame = tables.load(name)
        return self.changes[name](frame) if name in self.changes else frame


def put(column, value, **where):
    """A change: `value`, or value(old cells), in the rows that `where` names."""

    def change(frame):
        rows = pd.Series(True, index=frame.index)
        for name, wanted in where.items():
            rows &= frame[name].isin(wanted) if isinstance(wanted, list) else frame[name] == wanted
        assert rows.any(), where
        frame.loc[rows, column] = value(frame.loc[rows, column]) if callable(value) else value
        return frame

    return change


def drop(**where):
    """A change: without the rows that `where` names."""

    def change(frame):
        rows = pd.Series(True, index=frame.index)
        for name, wanted in where.items():
            rows &= frame[name] == wanted
        assert rows.any(), where
        return frame[~rows]

    return change


QUEBEC = {"province": "Quebec", "month": MONTH}
BC = {"province": "British Columbia", "month": MONTH}
FIRST_YEAR = list(pd.date_range("2023-04", "2024-03", freq="MS"))
BEFORE = list(pd.date_range("2022-10", "2023-01", freq="MS"))
PERIODS = [f"{month:%Y-%m}" for month in FIRST_YEAR]
ALL = {"place": "Canada", "office": "All", "period": PERIODS}

FLIPS = [
    (
        "largest-challenge",
        "partly",
        {"interceptions": put("people", 30_000, province=["British Columbia", "Manitoba"], month=MONTH)},
    ),
    ("largest-challenge", "not supported", {"interceptions": put("people", 90_000, **BC)}),
    ("quebec-2022", "partly", {"interceptions": put("people", lambda old: old - 1_172, **QUEBEC)}),
    ("quebec-2022", "partly", {"interceptions": put("people", lambda old: old + 830, **QUEBEC)}),
    ("quebec-2022", "not supported", {"interceptions": put("people", 14_000, **QUEBEC)}),
    ("rest-2022", "partly", {"interceptions": put("people", lambda old: old + 1, **BC)}),
    ("rest-2022", "not supported", {"interceptions": put("people", lambda old: old + 100, **BC)}),
    ("heart-of-crisis", "supported", {"claimants_totals": put("claimants", 5_000, **ALL)}),
    (
        "heart-of-crisis",
        "not supported",
        {"interceptions": put("people", 4_000, province="Quebec", month=FIRST_YEAR)},
    ),
    ("heart-of-crisis", "not assessed", {"interceptions": drop(province="Quebec", month=FIRST_YEAR[-1])}),
    ("guantanamo-camp", "partly", {"events": put("date", "1987-09", event_id="haiti-coup")}),
    ("guantanamo-camp", "not supported", {"events": put("date", "2001-09", event_id="haiti-coup")}),
    ("declaration-21", "partly", {"endorsements": drop(governments=21)}),
    ("declaration-21", "not supported", {"endorsements": put("governments", 35, governments=21)}),
    ("southbound-rise", "partly", {"southbound": put("encounters", 42, sector="Swanton", month=BEFORE)}),
    (
        "southbound-rise",
        "not supported",
        {"southbound": put("encounters", 40, sector="Swanton", month=BEFORE)},
    ),
    ("transferred", "not supported", {"transfers": put("value", 0, measure="claimants transferred")}),
    ("transferred", "not supported", {"transfers": put("period_end", DAY + pd.Timedelta(days=1))}),
    ("wider-pressure", "not assessed", {"events": put("date", "2023-06-01", event_id="protocol-announced")}),
    ("wider-pressure", "not assessed", {"events": drop(event_id="protocol-announced")}),
]
NOW = {
    "largest-challenge": "supported",
    "quebec-2022": "supported",
    "rest-2022": "supported",
    "heart-of-crisis": "partly",
    "guantanamo-camp": "supported",
    "declaration-21": "supported",
    "southbound-rise": "supported",
    "transferred": "supported",
    "wider-pressure": "condition not met",
}


@pytest.fixture(scope="module")
def ledger():
    return claims.ledger().set_index("id")


@pytest.fixture
def record(tmp_path):
    """A copy of the tables and the judgements, to be spoilt."""
    shutil.copytree(tables.DATA / "tables", tmp_path / "tables")
    shutil.copytree(tables.DATA / "hand", tmp_path / "hand")
    shutil.copy(tables.DATA / "datapackage.json", tmp_path)
    return tables.Record(tmp_path)


def rewrite(record, old, new):
    path = record.root / CLAIMS
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# ---- the verdicts


def test_the_verdicts_that_the_tables_decide(ledger):
    computed = ledger[ledger.basis == "computed"]
    assert computed.verdict.to_dict() == NOW
    assert set(NOW) == set(claims.RULES) == {id for id, _, _ in FLIPS}


@pytest.mark.parametrize(
    ("id", "verdict", "changes"), FLIPS, ids=[f"{id} {verdict}" for id, verdict, _ in FLIPS]
)
def test_a_computed_verdict_flips_when_its_data_change(id, verdict, changes):
    assert claims.decide(id).verdict == NOW[id]
    assert claims.decide(id, record=Altered(**changes)).verdict == verdict


@pytest.mark.parametrize(
    ("people", "verdict"),
    [
        (38_000, "supported"),
        (37_999, "partly"),
        (40_000, "supported"),
        (40_001, "partly"),
        (35_999, "not supported"),
    ],
)
def test_nearly_40000_is_38000_to_40000(people, verdict):
    year = pd.DataFrame({"month": [MONTH], "province": ["Quebec"], "people": [people]})
    assert claims.quebec_2022(year, 40_000).verdict == verdict


def test_a_correction_in_the_tables_reaches_the_ledger(record):
    path = record.root / "tables/endorsements.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count("2022-10-06,21,") == 1
    path.write_text(text.replace("2022-10-06,21,", "2022-10-06,22,"), encoding="utf-8")
    changed = claims.ledger(record=record).set_index("id").loc["declaration-21"]
    assert changed.verdict == "partly"
    assert changed.sentence.startswith("22 governments")


def test_the_southward_rise_is_the_one_that_was_reported(ledger):
    assert "1,514" in ledger.sentence["southbound-rise"]
    assert "160" in ledger.sentence["southbound-rise"]
    assert (
        "+846%" in ledger.sentence["southbound-rise"]
    )  # as La Presse reported of the Border Patrol's release


def test_by_the_op_ed_7131_people_had_been_moved_to_ontario(ledger):
    assert ledger.found["transferred"] == 7_131


def test_the_numbers_in_the_judgements_follow_the_tables():
    more = Altered(pledges=put("number", 12_345, pledge_id="family-pathway", stage="pledged"))
    note = claims.ledger(record=more).set_index("id").done_note["resettle-from-mexico"]
    assert "12,345 places" in note


# ---- the rules of judging


def test_a_proposal_is_an_opinion_and_says_what_was_done(ledger):
    proposals = ledger[ledger.kind == "proposal"]
    assert len(proposals) >= 8
    assert set(proposals.verdict) == {"opinion"}
    assert set(proposals.done) <= set(claims.DONE)
    assert proposals.done_note.str.strip().all()
    assert not ledger[ledger.kind != "proposal"].done.any()


def test_every_verdict_states_what_stands_against_it(ledger):
    assert ledger.counter.str.strip().all()
    assert ledger.sentence.str.strip().all()
    assert (ledger.test.str.len() > 10).all()


def test_what_is_overtaken_was_true_when_written(ledger):
    overtaken = ledger[ledger.verdict == "overtaken by events"]
    assert len(overtaken)
    assert set(overtaken.then) <= {"supported", "partly"}


def test_nothing_later_than_the_op_ed_is_in_the_view_of_its_time():
    then = claims.ledger("op-ed").set_index("id")
    assert not {"overtaken by events", "condition not met"} & set(then.verdict)
    assert set(then[then.kind == "forecast"].verdict) == {"not assessed"}
    assert not then.done.any() and not then.done_note.any() and not then.steps.map(len).any()
    later = re.compile(
        r"202[4-9]|(March|April|May|June|July|August|September|October|November|December) 2023"
    )
    for text in (*then.sentence, *then.counter):
        assert not later.search(text), text


def test_a_forecast_whose_condition_came_true_would_not_be_waved_through():
    long = Altered(events=put("date", "2024-03-24", event_id="protocol-announced"))
    decision = claims.decide("wider-pressure", record=long)
    assert decision.verdict == "not assessed"
    assert "condition was met" in decision.sentence


def test_no_count_is_typed_in_the_judgements():
    dates = r"\d{1,2} (January|February|March|April|June|September)"
    allowed = re.compile(rf"\{{\w+\}}|\b(19|20)\d\d(–\d\d)?\b|\b{dates}\b|\b14\s+days\b|section 7")
    for entry in tables.hand("claims"):
        texts = [entry.get(name, "") for name in ("reason", "counter", "done_note", "test", "condition")]
        texts += [entry.get("then", {}).get(name, "") for name in ("reason", "counter")]
        for text in texts:
            assert not re.search(r"\d", allowed.sub("", text)), (entry["id"], text)


# ---- what it points to


def test_every_source_of_a_claim_exists(ledger):
    known = set(tables.load("sources").source_id)
    assert {source for listed in ledger.sources for source in listed} <= known
    assert ledger.sources.map(len).all()


def test_every_figure_and_chapter_of_a_claim_exists(ledger):
    chapters = list((CHECKOUT / "chapters").glob("*.md"))
    drawn = {
        id for file in chapters for id in re.findall(r'\bid="([a-z0-9-]+)"', file.read_text(encoding="utf-8"))
    }
    assert set(filter(None, ledger.figure)) <= drawn
    assert set(filter(None, ledger.chapter)) <= {file.stem for file in chapters}


def test_the_ledger_knows_the_tables_only():
    tree = ast.parse((CHECKOUT / "scripts/roxham/claims.py").read_text(encoding="utf-8"))
    ours = {
        name.name if node.module == "roxham" else node.module.removeprefix("roxham.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("roxham")
        for name in node.names
    }
    assert ours == {"tables", "facts"}


# ---- faults of the file

FAULTS = [
    (
        "kind: numeric",
        "kind: numerical",
        "largest-challenge, kind",
        "'numerical' is not one of.*nearest is numeric",
    ),
    (
        "verdict: supported",
        "verdict: suported",
        "services-overwhelmed, verdict",
        "not one of.*nearest is supported",
    ),
    (
        "done: adopted\n",
        "done: adoptd\n",
        "extend-agreement, done",
        "'adoptd' is not one of.*nearest is adopted",
    ),
    (
        "  stated: 40000\n",
        "  stated: 40000\n  verdict: partly\n",
        "quebec-2022, verdict",
        "claims.py computes it",
    ),
    ("  stated: 40000\n", "", "quebec-2022, stated", "is not the author's number"),
    (
        "  stated: 40000\n",
        "  sated: 40000\n",
        "quebec-2022, sated",
        "not a field of a claim; the nearest is stated",
    ),
    ("{poll_close}", "{poll_closed}", "others-closure, reason", "claims.py knows; the nearest is poll_close"),
    (
        "- id: rest-2022",
        "- id: rest-2021",
        "rest-2022, id",
        "is missing; claims.py decides it.*nearest is rest-2021",
    ),
    ("[americas-workers]", "[americas-worker]", "work-routes, steps", "nearest is americas-workers"),
    (
        "verdict: opinion\n  reason: A pro",
        "verdict: partly\n  reason: A pro",
        "extend-agreement, verdict",
        "always opinion",
    ),
    ("  done: not found\n", "", "resettle-from-mexico, done", "is not one of adopted"),
    (
        "supported\n    reason: The agree",
        "opinion\n    reason: The agree",
        "official-crossings-only, verdict",
        "true once",
    ),
    (
        "  counter: The table",
        "  # counter: The table",
        "quebec-2022, counter",
        "is missing; every claim has one",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "column", "rule"), FAULTS, ids=[f"{f[2]}: {f[1][:20].strip()}" for f in FAULTS]
)
def test_a_fault_of_the_file_is_one_clear_line(record, old, new, column, rule):
    rewrite(record, old, new)
    faults = claims.check(record)
    fault = faults[faults.column == column]
    assert len(fault) == 1, faults.to_string()
    assert fault.file.iloc[0] == CLAIMS
    assert re.search(rule, f"{fault.value.iloc[0]!r} {fault.rule.iloc[0]}")
    with pytest.raises(tables.RecordError, match=re.escape(column)):
        claims.ledger(record=record)


def test_a_source_of_a_claim_that_does_not_exist_is_a_fault_of_the_record(record):
    rewrite(record, "cp-2023-02-21-open-letter", "cp-2023-02-21-open-leter")
    faults = record.check().query("column == 'source_id'")
    assert "nearest is cp-2023-02-21-open-letter" in faults.rule.iloc[0]


def test_a_row_that_a_verdict_needs_and_that_is_gone_is_a_fault(record):
    path = record.root / "tables/pledges.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(
        "".join(line for line in lines if not line.startswith("americas-15000")), encoding="utf-8"
    )
    faults = claims.check(record)
    assert list(faults.column) == ["quid-pro-quo, verdict"]
    assert "a row that it needs is gone" in faults.rule.iloc[0]


def test_an_unknown_claim_or_time_names_the_nearest():
    with pytest.raises(LookupError, match="nearest is quebec-2022"):
        claims.decide("quebec-2021")
    with pytest.raises(LookupError, match="allowed are latest, op-ed"):
        claims.ledger("yesterday")


def test_roxham_check_reads_the_ledger(tmp_path):
    project = Project.of_checkout(tmp_path / "book")
    project.edit("data/hand/claims.yml", "  stated: 369\n", "  stated: 369\n  verdict: supported\n")
    done = project.roxham("check")
    assert done.returncode == 1
    assert "data/hand/claims.yml, rest-2022, verdict: 'supported' is typed" in done.stderr


# ---- the chapter


def test_the_chapter_prints_every_claim_once_with_its_verdict(ledger):
    from roxham.publish.chapters import find
    from roxham.publish.runs import Run, execute
    from roxham.publish.warm import WarmKernel

    kernel = WarmKernel()
    try:
        chapter = find("15-the-ledger")
        result = execute(Run(chapter.name, chapter.source), kernel)
    finally:
        kernel.stop()
    assert result.error is None, result.error
    printed = "".join(
        "".join(output["data"].get("text/markdown", ""))
        for cell in json.loads(result.notebook)["cells"]
        for output in cell.get("outputs", [])
        if "data" in output
    )
    told = re.findall(
        r'<br><strong>([A-Z][a-z ]+)</strong>.*?<span id="claim-([a-z0-9-]+)"></span>', printed, re.DOTALL
    )
    assert {id: verdict.lower() for verdict, id in told} == ledger.verdict.to_dict()
    assert len(told) == len(ledger)
