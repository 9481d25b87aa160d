"""The record names every fault, and what it serves is typed, copied and accounted for."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from roxham import tables

INTERCEPTIONS, PRINTED = "tables/interceptions.csv", "tables/interceptions_totals.csv"
CLAIMANTS, SOUTHBOUND = "tables/claimants.csv", "tables/southbound.csv"
EVENTS, SOURCES = "tables/events.csv", "tables/sources.csv"
DISCREPANCIES, BREAKS = "hand/discrepancies.yml", "hand/series_breaks.yml"


@pytest.fixture
def data(tmp_path):
    return Path(shutil.copytree(tables.DATA, tmp_path / "data"))


class Edit:
    """Damage to a file: `old` becomes `new` on the first line that starts with `start`; gives that line."""

    def __init__(self, file, start, old, new):
        self.file, self.start, self.old, self.new = file, start, old, new

    def __call__(self, data):
        file = data / self.file
        lines = file.read_text(encoding="utf-8").split("\n")
        row = next(n for n, line in enumerate(lines) if line.startswith(self.start))
        assert self.old in lines[row]
        lines[row] = lines[row].replace(self.old, self.new, 1)
        file.write_text("\n".join(lines), encoding="utf-8", newline="")
        return row + 1


def rewrite(file, change):
    """Damage to the bytes of a whole file; gives the row of the fault, or None."""

    def damage(data):
        before = (data / file).read_bytes()
        after, row = change(before)
        (data / file).write_bytes(after)
        return row

    return damage


def cut_last_line(content):
    return content[:-12], content.count(b"\n")


def latin_1(content):
    at = content.index("’".encode())
    return content.replace("’".encode(), b"\x92", 1), content[:at].count(b"\n") + 1


def repeat_third_line(content):
    lines = content.split(b"\n")
    return b"\n".join([*lines[:3], lines[2], *lines[3:]]), 4


def drop_last_line(content):
    return content[: content.rindex(b"\n", 0, -1) + 1], None


def delete(file):
    return lambda data: (data / file).unlink()


def add(file):
    return lambda data: (data / file).write_text("a\n1\n") and None


QC = "2022-12,Quebec,"
BORDER = "2022-12,Quebec,CBSA,Border"
DAMAGE = {
    "letters in a count": (Edit(INTERCEPTIONS, QC, "4689", "468g"), INTERCEPTIONS, "people", "468g", "whole number"),
    "a space in a count": (Edit(INTERCEPTIONS, QC, "4689", "4 689"), INTERCEPTIONS, "people", "4 689", "digits only"),
    "a comma in a count": (
        Edit(INTERCEPTIONS, QC, "4689", '"4,689"'), INTERCEPTIONS, "people", "4,689", "digits only",
    ),
    "a count beyond reason": (
        Edit(INTERCEPTIONS, QC, "4689", "4" * 30), INTERCEPTIONS, "people", "4" * 30, "whole number",
    ),
    "a negative count": (Edit(INTERCEPTIONS, QC, "4689", "-4689"), INTERCEPTIONS, "people", "-4689", "below 0"),
    "an empty count": (Edit(INTERCEPTIONS, QC, "4689", ""), INTERCEPTIONS, "people", "", "required"),
    "a wrong count": (Edit(INTERCEPTIONS, QC, "4689", "4698"), PRINTED, "people", "39171", "months add up to 39,180"),
    "a wrong printed total": (
        Edit(PRINTED, "2022,Canada", "39540", "39450"), PRINTED, "people", "39450", "provinces add up to 39,540",
    ),
    "month 13": (Edit(INTERCEPTIONS, QC, "2022-12", "2022-13"), INTERCEPTIONS, "month", "2022-13", "01 to 12"),
    "a month without its zero": (
        Edit(INTERCEPTIONS, "2022-01,Quebec", "2022-01", "2022-1"), INTERCEPTIONS, "month", "2022-1", "YYYY-MM",
    ),
    "a vintage on 30 February": (
        Edit(CLAIMANTS, BORDER, "2025-07-31", "2025-02-30"),
        CLAIMANTS, "vintage", "2025-02-30", "not a date",
    ),
    "an accent in a province": (
        Edit(INTERCEPTIONS, QC, "Quebec", "Québec"), INTERCEPTIONS, "province", "Québec", "nearest is Quebec",
    ),
    "an unknown sector": (
        Edit(SOUTHBOUND, "2022-12,Swanton", "Swanton", "Swanson"), SOUTHBOUND, "sector", "Swanson", "is Swanton",
    ),
    "an unknown source": (
        Edit(INTERCEPTIONS, QC, "ircc-claims-2022", "ircc-claim-2022"),
        INTERCEPTIONS, "source_id", "ircc-claim-2022", "nearest is ircc-claims-2022",
    ),
    "a source that nothing uses": (
        Edit(SOURCES, "wh", "white-house-2022-06-10-declaration,", "a-source-of-nothing,"),
        SOURCES, "source_id", "a-source-of-nothing", "no entry uses",
    ),
    "a trailing space": (
        Edit(INTERCEPTIONS, QC, "Quebec", "Quebec "), INTERCEPTIONS, "province", "Quebec ", "stray space",
    ),
    "a non-breaking space": (
        Edit(EVENTS, "protocol,", "in force", "in\u00a0force"), EVENTS, "title",
        "Additional Protocol in\u00a0force from 12:01 a.m.; Roxham Road closed to most claimants", "non-breaking",
    ),
    "a double space": (
        Edit(EVENTS, "protocol,", "Protocol in force,", "Protocol  in force,"), EVENTS, "label",
        "Protocol  in force", "stray space",
    ),
    "an open quote": (
        Edit(INTERCEPTIONS, QC, "Quebec", '"Quebec'), INTERCEPTIONS, "",
        '2022-12,"Quebec,4689,ircc-claims-2022,', "quote is not closed",
    ),
    "a field too many": (
        Edit(INTERCEPTIONS, QC, "4689", "4,689"), INTERCEPTIONS, "",
        "2022-12,Quebec,4,689,ircc-claims-2022,", "has 6 fields; the header has 5",
    ),
    "a field too few": (
        Edit(INTERCEPTIONS, QC, "Quebec,", ""), INTERCEPTIONS, "",
        "2022-12,4689,ircc-claims-2022,", "has 4 fields; the header has 5",
    ),
    "a blank line": (
        Edit(INTERCEPTIONS, QC, "2022-12,Quebec,4689,ircc-claims-2022,", ""), INTERCEPTIONS, "", "", "has 0 fields",
    ),
    "a header without a column": (
        Edit(INTERCEPTIONS, "month", ",people", ""), INTERCEPTIONS, "people", "people", "missing from the header",
    ),
    "a misspelt column": (
        Edit(INTERCEPTIONS, "month", "people", "poeple"), INTERCEPTIONS, "poeple", "poeple", "nearest is people",
    ),
    "a column twice": (
        Edit(INTERCEPTIONS, "month", "people", "people,people"), INTERCEPTIONS, "people", "people", "is twice",
    ),
    "columns in another order": (
        Edit(INTERCEPTIONS, "month", "month,province", "province,month"), INTERCEPTIONS, "",
        "province,month,people,source_id,note", "another order",
    ),
    "a byte order mark": (
        rewrite(INTERCEPTIONS, lambda c: (b"\xef\xbb\xbf" + c, 1)), INTERCEPTIONS, "month", "BOM", "byte order mark",
    ),
    "Windows line ends": (
        rewrite(INTERCEPTIONS, lambda c: (c.replace(b"\n", b"\r\n"), 1)), INTERCEPTIONS, "", "CRLF", "LF",
    ),
    "another encoding": (rewrite(EVENTS, latin_1), EVENTS, "", None, "is not UTF-8"),
    "no final newline": (
        rewrite(INTERCEPTIONS, lambda c: (c[:-1], c.count(b"\n"))), INTERCEPTIONS, "", None, "may be cut off",
    ),
    "a cut last line": (rewrite(CLAIMANTS, cut_last_line), CLAIMANTS, "source_id", None, "nearest is ircc-"),
    "a line lost from the end": (
        rewrite(CLAIMANTS, drop_last_line), CLAIMANTS, "month", "2025-07", "missing for Yukon, Inland",
    ),
    "an empty file": (rewrite(INTERCEPTIONS, lambda c: (b"", 1)), INTERCEPTIONS, "", "", "is empty"),
    "a header alone": (
        rewrite(INTERCEPTIONS, lambda c: (c.split(b"\n")[0] + b"\n", 1)), INTERCEPTIONS, "", "", "no rows",
    ),
    "a missing file": (delete(INTERCEPTIONS), INTERCEPTIONS, "", "", "is missing"),
    "a table that nothing describes": (add("tables/extra.csv"), "tables/extra.csv", "", "", "not described"),
    "the same key twice": (
        rewrite(INTERCEPTIONS, repeat_third_line), INTERCEPTIONS, "month, province",
        "2017-01, British Columbia", "as row 3",
    ),
    "a claim count off the fives": (
        Edit(CLAIMANTS, BORDER, "4780", "4781"), CLAIMANTS, "claimants", "4781", "multiple of 5",
    ),
    "claims far from the printed total": (
        Edit(CLAIMANTS, BORDER, "4780", "4870"),
        "tables/claimants_totals.csv", "claimants", "5510", "provinces add up to",
    ),
    "a suppressed count": (
        Edit(CLAIMANTS, BORDER, "false", "true"),
        CLAIMANTS, "claimants", "4780", "marked suppressed",
    ),
    "an empty count that is not suppressed": (
        Edit(CLAIMANTS, BORDER, "4780", ""), CLAIMANTS, "claimants", "", "not marked suppressed",
    ),
    "a flag in another spelling": (
        Edit(CLAIMANTS, BORDER, "false", "no"), CLAIMANTS, "suppressed", "no", "true nor false",
    ),
    "a rounded count off the tens": (
        Edit(SOUTHBOUND, "2021-05,Swanton", "50", "51"), SOUTHBOUND, "encounters", "51", "multiple of its base",
    ),
    "sectors that miss the printed total": (
        Edit(SOUTHBOUND, "2024-06,Swanton", "3310", "3301"),
        "tables/southbound_totals.csv", "encounters", "3601", "sectors add up to 3,592",
    ),
    "a date finer than its precision": (
        Edit(EVENTS, "protocol,", "day", "month"), EVENTS, "date_precision", "month", "YYYY-MM a month",
    ),
    "an event on 31 February": (
        Edit(EVENTS, "protocol,", "2023-03-25", "2023-02-31"), EVENTS, "date", "2023-02-31", "calendar",
    ),
    "a label too long for a chart": (
        Edit(EVENTS, "protocol,", "Protocol in force,", "Additional Protocol now in force,"),
        EVENTS, "label", "Additional Protocol now in force", "longer than 28",
    ),
    "an address that is none": (
        Edit(SOURCES, "ircc-claims-2024", "https://", ""), SOURCES, "url",
        "www.canada.ca/en/immigration-refugees-citizenship/services/refugees/asylum-claims/asylum-claims-2024.html",
        "form",
    ),
    "a misprint that was mended": (
        Edit(PRINTED, "2018-07,Canada", "1634", "1635"), DISCREPANCIES, "expect",
        "{'printed': 1634, 'sum': 1635}", "no such disagreement",
    ),
    "a judgement that expects another value": (
        Edit(DISCREPANCIES, "  expect: {printed: 1634", "1634", "1630"), DISCREPANCIES, "expect",
        "{'printed': 1630, 'sum': 1635}", "it has {'printed': 1634, 'sum': 1635}",
    ),
    "a judgement without a reason": (
        Edit(DISCREPANCIES, "  reason:", "reason", "cause"), DISCREPANCIES, "reason", "", "every entry has a reason",
    ),
    "a judgement without a source": (
        Edit(BREAKS, "  source_id:", "source_id", "source"), BREAKS, "source_id", "", "every entry has a source_id",
    ),
    "a judgement from an unknown source": (
        Edit(BREAKS, "  source_id:", "ircc-office", "ircc-offce"), BREAKS, "source_id",
        "ircc-offce-type-2025-07", "nearest is ircc-office-type-2025-07",
    ),
    "a judgement twice": (
        Edit(BREAKS, "- id: at-large", "at-large", "title-42"), BREAKS, "id", "title-42", "earlier entry",
    ),
    "hand work that is not YAML": (Edit(BREAKS, "  from:", "from:", "from: :"), BREAKS, "", "", "is not YAML"),
    "judgements lost": (delete(DISCREPANCIES), DISCREPANCIES, "", "", "is missing"),
    "hand work that is not a list": (rewrite(BREAKS, lambda c: (b"a: 1\n", 1)), BREAKS, "", "", "list of entries"),
    "a broken description": (
        rewrite("datapackage.json", lambda c: (c.replace(b":", b"", 1), 2)), "datapackage.json", "", "", "not JSON",
    ),
}  # fmt: skip
# The row of the fault, where it is not the row that was damaged.
ELSEWHERE = {
    "a wrong count": "2022,Quebec",
    "claims far from the printed total": "2022-12,Canada,Border",
    "sectors that miss the printed total": "2024-06,Northern",
    "a misprint that was mended": "- id: canada-2018-07",
    "a judgement that expects another value": "- id: canada-2018-07",
    "a judgement without a reason": "- id: canada-2018",
    "a judgement without a source": "- id: roxham-inland-to-border",
    "a judgement from an unknown source": "- id: roxham-inland-to-border",
}


def line_of(file, start):
    lines = file.read_text(encoding="utf-8").split("\n")
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_where_it_is(data, name):
    damage, file, column, value, rule = DAMAGE[name]
    row = damage(data)
    if name in ELSEWHERE:
        row = line_of(data / file, ELSEWHERE[name])
    faults = tables.Record(data).check()
    hits = [fault for fault in faults.itertuples() if (fault.file, fault.column) == (file, column)]
    hits = [fault for fault in hits if rule in fault.rule and value in (None, fault.value)]
    assert row in [None if pd.isna(fault.row) else fault.row for fault in hits], faults.to_string()


def test_several_faults_at_once_are_all_reported(data):
    names = [
        "letters in a count", "an accent in a province", "a claim count off the fives", "a flag in another spelling",
        "a date finer than its precision", "a label too long for a chart", "a rounded count off the tens",
        "a source that nothing uses", "a judgement without a reason", "a table that nothing describes",
    ]  # fmt: skip
    for name in names:
        DAMAGE[name][0](data)
    faults = tables.Record(data).check()
    for name in names:
        _, file, column, _, rule = DAMAGE[name]
        found = faults[(faults["file"] == file) & (faults["column"] == column)]
        assert found["rule"].str.contains(rule, regex=False).any(), f"{name}: {faults.to_string()}"


def test_a_faulty_table_does_not_load_and_says_everything(data):
    DAMAGE["letters in a count"][0](data)
    DAMAGE["a wrong printed total"][0](data)
    Edit(INTERCEPTIONS, "2022-11,Quebec", "2022-11", "2022-31")(data)
    record = tables.Record(data)
    with pytest.raises(tables.RecordError, match="2022-31") as error:
        record.load("interceptions")
    assert set(error.value.faults["value"]) == {"468g", "2022-31"}
    assert len(record.load("claimants")) == 4318


def test_a_mended_table_is_read_again(data):
    record = tables.Record(data)
    before = record.load("events")
    Edit(EVENTS, "protocol,", "Protocol in force,", "The protocol,")(data)
    after = record.load("events")
    assert "Protocol in force" in set(before["label"])
    assert "The protocol" in set(after["label"])


def test_types():
    frame = tables.load("claimants")
    assert frame.attrs["table"] == "claimants"
    kinds = frame.dtypes.astype(str).to_dict()
    assert kinds == {
        "month": "datetime64[us]", "province": "str", "agency": "str", "office": "str", "claimants": "Int64",
        "suppressed": "bool", "vintage": "datetime64[us]", "source_id": "str",
    }  # fmt: skip
    assert (frame["month"].dt.day == 1).all()
    assert tables.load("interceptions")["people"].dtype == "int64"


def test_a_loaded_table_is_the_callers_own():
    mine = tables.load("interceptions")
    mine["people"] = 0
    mine.attrs["table"] = "mine"
    again = tables.load("interceptions")
    assert again["people"].sum() > 0
    assert again.attrs["table"] == "interceptions"


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(LookupError, match="the nearest is interceptions"):
        tables.load("interception")


def test_sources_come_in_order_of_first_use():
    frame = tables.load("interceptions").query("month >= '2022' and month < '2024'")
    found = tables.sources("globe-2023-02-op-ed", frame, "ircc-claims-2022")
    assert found["source_id"].to_list() == ["globe-2023-02-op-ed", "ircc-claims-2022", "ircc-claims-2023"]


def test_an_unknown_source_names_the_nearest():
    with pytest.raises(LookupError, match="the nearest is ircc-claims-2022"):
        tables.sources("ircc-claim-2022")
    with pytest.raises(ValueError, match="no source_id column"):
        tables.sources(pd.DataFrame({"month": []}))


def test_hand_entries_are_the_callers_own():
    tables.hand("series_breaks")[0]["where"]["province"] = "Ontario"
    assert tables.hand("series_breaks")[0]["where"]["province"] == "Quebec"
    with pytest.raises(LookupError, match="the nearest is series_breaks"):
        tables.hand("series_break")


def test_bounds_of_a_sum():
    frame = pd.DataFrame({"claimants": [10, 0, None, 5], "suppressed": [False, False, True, False]})
    total = tables.total(frame.astype({"claimants": "Int64"}), "claimants")
    assert (total.value, total.low, total.high, total.suppressed) == (15, 11, 24, 1)
    assert f"{total:d}" == "about 15"


def test_bounds_follow_the_precision_of_each_row():
    frame = pd.DataFrame(
        {"encounters": [1000, 20, 0], "precision": ["exact", "rounded to 10", "rounded to 10"]}
    )
    total = tables.total(frame, "encounters")
    assert (total.value, total.low, total.high) == (1020, 1015, 1030)
    assert str(tables.total(frame[:1], "encounters")) == "1,000"
    with pytest.raises(ValueError, match="needs its column precision"):
        tables.total(frame[["encounters"]], "encounters")
    with pytest.raises(LookupError, match="no count 'encounter'"):
        tables.total(frame, "encounter")


def test_files_read_are_those_the_result_depends_on():
    tables.load("interceptions")
    tables.forget()
    assert tables.files_read() == []
    tables.load("interceptions")
    read = {file.relative_to(tables.DATA).as_posix() for file in tables.files_read()}
    assert read == {"datapackage.json", INTERCEPTIONS, PRINTED, SOURCES, DISCREPANCIES}
    tables.hand("series_breaks")
    assert tables.DATA / BREAKS in tables.files_read()
