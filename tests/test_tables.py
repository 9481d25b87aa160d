"""The record names every fault, and what it serves is typed, copied and accounted for."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from roxham import tables
from roxham.publish import site

INTERCEPTIONS, PRINTED = "tables/interceptions.csv", "tables/interceptions_totals.csv"
CLAIMANTS, SOUTHBOUND = "tables/claimants.csv", "tables/southbound.csv"
CHANNELS, CHANNEL_TOTALS = "tables/claims_by_channel.csv", "tables/claims_by_channel_totals.csv"
DETAIL, CROSSINGS, POLLS = "tables/southbound_detail.csv", "tables/crossings.csv", "tables/polls.csv"
IRREGULAR, IRREGULAR_TOTALS = "tables/irb_irregular.csv", "tables/irb_irregular_totals.csv"
MODES, OLDER, PACKAGE = "tables/claims_by_mode.csv", "tables/interceptions_vintages.csv", "datapackage.json"
EVENTS, SOURCES = "tables/events.csv", "tables/sources.csv"
DISCREPANCIES, BREAKS = "hand/discrepancies.yml", "hand/series_breaks.yml"
CORRECTIONS, GLOSSARY = "hand/corrections.yml", "hand/glossary.yml"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A copy of the record, read once: what a test damages is put back, so only that is read again."""
    root = tmp_path_factory.mktemp("room") / "data"
    shutil.copytree(tables.DATA, root, ignore=shutil.ignore_patterns("geo"))
    return tables.Record(root), {file: file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.fixture
def data(room):
    record, files = room
    yield record.root
    for file in record.root.rglob("*"):
        if file.is_file() and file not in files:
            file.unlink()
    for file, content in files.items():
        if not file.is_file() or file.read_bytes() != content:
            file.write_bytes(content)


@pytest.fixture
def record(room, data):
    return room[0]


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


def cut_in_half(content):
    half = content[: len(content) // 2]
    return half, half.count(b"\n") + 1


def swap_cells(line, one, other):
    """Two columns change places below the header, from the line on which the fault is named."""

    def change(content):
        lines = [row.split(b",") for row in content.split(b"\n")]
        for cells in lines[1:-1]:
            cells[one], cells[other] = cells[other], cells[one]
        return b"\n".join(b",".join(cells) for cells in lines), line

    return change


def shift_counts(content):
    """The counts slip down by one row."""
    rows = [line.split(b",") for line in content.split(b"\n")[:-1]]
    counts = [row[2] for row in rows]
    for row, count in zip(rows[2:], counts[1:], strict=False):
        row[2] = count
    return b"\n".join(b",".join(row) for row in rows) + b"\n", None


def repeat_month(content):
    """The rows of December 2022 come twice."""
    lines = content.split(b"\n")
    month = [line for line in lines if line.startswith(b"2022-12,")]
    end = max(n for n, line in enumerate(lines) if line.startswith(b"2022-12,")) + 1
    return b"\n".join([*lines[:end], *month, *lines[end:]]), end + 1


def drop_month(content):
    lines = content.split(b"\n")
    return b"\n".join(line for line in lines if not line.startswith(b"2022-12,")), None


def excel_dates(content):
    return content.replace(b"\n2022-12,", b"\nDec-22,"), content[: content.index(b"\n2022-12,")].count(
        b"\n"
    ) + 2


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
        SOURCES, "source_id", "a-source-of-nothing", "no entry and no text uses",
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
        '2022-12,"Quebec,4689,2024-04-22,ircc-claims-2022,', "quote is not closed",
    ),
    "a field too many": (
        Edit(INTERCEPTIONS, QC, "4689", "4,689"), INTERCEPTIONS, "",
        "2022-12,Quebec,4,689,2024-04-22,ircc-claims-2022,", "has 7 fields; the header has 6",
    ),
    "a field too few": (
        Edit(INTERCEPTIONS, QC, "Quebec,", ""), INTERCEPTIONS, "",
        "2022-12,4689,2024-04-22,ircc-claims-2022,", "has 5 fields; the header has 6",
    ),
    "a blank line": (
        Edit(INTERCEPTIONS, QC, "2022-12,Quebec,4689,2024-04-22,ircc-claims-2022,", ""),
        INTERCEPTIONS, "", "", "has 0 fields",
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
        "province,month,people,vintage,source_id,note", "another order",
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
    "two columns swapped below the header": (
        rewrite(INTERCEPTIONS, swap_cells(2, 0, 1)), INTERCEPTIONS, "month", "Alberta", "write YYYY-MM",
    ),
    "counts shifted by a row": (rewrite(PRINTED, shift_counts), PRINTED, "people", None, "add up to"),
    "a month twice": (
        rewrite(INTERCEPTIONS, repeat_month), INTERCEPTIONS, "month, province", "2022-12, Alberta", "has the same",
    ),
    "a month lost": (
        rewrite(CHANNELS, drop_month), CHANNELS, "month", "2022-12", "is missing for Quebec, CBSA, Land",
    ),
    "dates as a spreadsheet writes them": (
        rewrite(INTERCEPTIONS, excel_dates), INTERCEPTIONS, "month", "Dec-22", "write YYYY-MM",
    ),
    "UTF-16": (
        rewrite(INTERCEPTIONS, lambda c: (c.decode().encode("utf-16"), 1)), INTERCEPTIONS, "", None, "is not UTF-8",
    ),
    "half a file": (rewrite(CHANNELS, cut_in_half), CHANNELS, "", None, "may be cut off"),
    "a thin space in a count": (
        Edit(INTERCEPTIONS, QC, "4689", "4\u202f689"), INTERCEPTIONS, "people", "4\u202f689", "non-breaking",
    ),
    "semicolons for commas": (
        rewrite(INTERCEPTIONS, lambda c: (c.replace(b",", b";"), 1)), INTERCEPTIONS, "month", "month", "missing",
    ),
    "a lost minus": (
        Edit(CROSSINGS, "roxham", "-73.5172", "73.5172"), CROSSINGS, "lon", "73.5172", "is above -66",
    ),
    "a decimal comma": (
        Edit(CROSSINGS, "roxham", "45.0071", '"45,0071"'), CROSSINGS, "lat", "45,0071", "digits and a point",
    ),
    "latitude and longitude exchanged": (
        Edit(CROSSINGS, "roxham", "45.0071,-73.5172", "-73.5172,45.0071"), CROSSINGS, "lat", "-73.5172", "below 41",
    ),
    "a share above one hundred": (
        Edit(POLLS, "2018-07-25,2018-07-30,fieldwork,Angus Reid Institute,Canadians,Is the situ", ",67,", ",670,"),
        POLLS, "share", "670", "is above 100",
    ),
    "a period that ends before it starts": (
        Edit(MODES, "2024-01-01,2024-12-31,Airport", "2024-12-31", "2023-12-31"),
        MODES, "period_end", "2023-12-31", "is before period_start",
    ),
    "a channel far from the printed total": (
        Edit(CHANNELS, "2022-12,Quebec,CBSA,Land", "4780", "4870"),
        CHANNEL_TOTALS, "claimants", "6240", "channels add up to",
    ),
    "a channel moved to another agency": (
        Edit(CHANNELS, "2022-12,Quebec,IRCC,Inland", "IRCC", "CBSA"),
        CHANNELS, "month, province, agency, channel", "2022-12, Quebec, CBSA, Inland", "has the same",
    ),
    "a channel count off the fives": (
        Edit(CHANNELS, "2022-12,Quebec,CBSA,Land", "4780", "4783"), CHANNELS, "claimants", "4783", "multiple of 5",
    ),
    "a mode off its rounding": (
        Edit(MODES, "2024-01-01,2024-12-31,Airport", "42625", "42624"),
        MODES, "claims", "42624", "not a multiple of its base",
    ),
    "citizenships that miss their sector": (
        Edit(DETAIL, "2024-06,Swanton,India,Single", "2365", "2635"),
        SOUTHBOUND, "encounters", "3310", "citizenships add up to 3,580",
    ),
    "decisions that miss their sum": (
        Edit(IRREGULAR, "2022-09-30,2022-11-22,2017-01-01,2022-09-30,Haiti,accepted", "2534", "2543"),
        IRREGULAR, "claims", "8765", "add up to 8,774",
    ),
    "a country that misses the printed total": (
        Edit(IRREGULAR_TOTALS, "2022-09-30,2022-11-22,2017-01-01,2022-09-30,accepted", ",accepted,", ",accepted,1"),
        IRREGULAR_TOTALS, "claims", None, "countries add up to",
    ),
    "a province whose people are lost": (
        Edit("tables/population.csv", "2022-10-01,Quebec", "8718914", "871891"),
        "tables/population_totals.csv", "population", "39284491", "provinces add up to",
    ),
    "an older figure dated after the newer one": (
        Edit(OLDER, "2017-02,Quebec", "2017-03-21", "2025-03-21"), OLDER, "vintage", "2025-03-21", "is not earlier",
    ),
    "a release older than what it counts": (
        Edit(CLAIMANTS, BORDER, "2025-07-31", "2015-07-31"),
        CLAIMANTS, "vintage", "2015-07-31", "is before the month",
    ),
    "a pledge tied to no event": (
        Edit("tables/pledges.csv", "family-pathway,2023-10-10", "pathway-announced", "pathway-anounced"),
        "tables/pledges.csv", "event_id", "pathway-anounced", "nearest is pathway-announced",
    ),
    "a row without a source": (
        Edit(INTERCEPTIONS, QC, "ircc-claims-2022", ""), INTERCEPTIONS, "source_id", "", "a value is required",
    ),
    "an unknown tier": (
        Edit(SOURCES, "ircc-claims-2022", ",official,", ",oficial,"),
        SOURCES, "tier", "oficial", "nearest is official",
    ),
    "a correction of a mended cell": (
        Edit(IRREGULAR, "2019-06-30,2019-08-16,2017-02-01,2019-06-30,Eritrea,pending", ",379,", ",279,"),
        CORRECTIONS, "expect", "379", "it has 279",
    ),
    "a correction of no cell": (
        Edit(CORRECTIONS, "  table: irb_irregular", "irb_irregular", "irb_regular"),
        CORRECTIONS, "row", None, "is not a cell of the record",
    ),
    "a word without its French": (
        Edit(GLOSSARY, "  french: interception", "french", "francais"), GLOSSARY, "french", "", "has a french",
    ),
    "a break in an unknown table": (
        Edit(BREAKS, "  tables: [claimants, claimants_totals, claims", "claims_by_channel,", "claims_by_chanel,"),
        BREAKS, "tables", "claims_by_chanel", "nearest is claims_by_channel",
    ),
    "a number without a unit": (
        rewrite(PACKAGE, lambda c: (c.replace(b'"unit": "persons",', b"", 1), None)),
        PACKAGE, "interceptions.people", "", "without a unit",
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
    "counts shifted by a row": "2017,Quebec",
    "a channel far from the printed total": "2022-12,Quebec,CBSA,All ports",
    "citizenships that miss their sector": "2024-06,Swanton",
    "decisions that miss their sum": "2022-09-30,2022-11-22,2017-01-01,2022-09-30,Haiti,finalized",
    "a province whose people are lost": "2022-10-01,Canada",
    "a correction of a mended cell": "- id: irb-2019-06-eritrea",
    "a correction of no cell": "- id: irb-2019-06-eritrea",
    "a word without its French": "- id: interception",
    "a break in an unknown table": "- id: roxham-inland-to-border",
}
# Damage that leaves the tables sound: it is a fault of the record, not of a table.
ASIDE = {"a source that nothing uses", "a table that nothing describes", "a number without a unit"}


def line_of(file, start):
    lines = file.read_text(encoding="utf-8").split("\n")
    return next(n for n, line in enumerate(lines, 1) if line.startswith(start))


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_where_it_is(data, record, name):
    damage, file, column, value, rule = DAMAGE[name]
    row = damage(data)
    if name in ELSEWHERE:
        row = line_of(data / file, ELSEWHERE[name])
    faults = record.check(cited=site.words())
    hits = [fault for fault in faults.itertuples() if (fault.file, fault.column) == (file, column)]
    hits = [fault for fault in hits if rule in fault.rule and value in (None, fault.value)]
    assert row in [None if pd.isna(fault.row) else fault.row for fault in hits], faults.to_string()
    if file.startswith("tables/") and name not in ASIDE:
        with pytest.raises(tables.RecordError):
            record.load(Path(file).stem)


def test_the_damage_is_of_at_least_sixty_kinds():
    assert len(DAMAGE) >= 60


def test_what_was_damaged_is_put_back(record):
    assert record.check(cited=site.words()).empty


def test_several_faults_at_once_are_all_reported(data, record):
    names = [
        "letters in a count", "an accent in a province", "a claim count off the fives", "a flag in another spelling",
        "a date finer than its precision", "a label too long for a chart", "a rounded count off the tens",
        "a source that nothing uses", "a judgement without a reason", "a table that nothing describes",
    ]  # fmt: skip
    for name in names:
        DAMAGE[name][0](data)
    faults = record.check(cited=site.words())
    for name in names:
        _, file, column, _, rule = DAMAGE[name]
        found = faults[(faults["file"] == file) & (faults["column"] == column)]
        assert found["rule"].str.contains(rule, regex=False).any(), f"{name}: {faults.to_string()}"


def test_a_faulty_table_does_not_load_and_says_everything(data, record):
    DAMAGE["letters in a count"][0](data)
    DAMAGE["a wrong printed total"][0](data)
    Edit(INTERCEPTIONS, "2022-11,Quebec", "2022-11", "2022-31")(data)
    with pytest.raises(tables.RecordError, match="2022-31") as error:
        record.load("interceptions")
    assert set(error.value.faults["value"]) == {"468g", "2022-31"}
    assert len(record.load("claimants")) == 4318


def test_a_mended_table_is_read_again(data, record):
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
    summed = {INTERCEPTIONS, PRINTED, "tables/interceptions_totals_vintages.csv"}
    assert read == {"datapackage.json", OLDER, SOURCES, DISCREPANCIES} | summed
    tables.hand("series_breaks")
    assert tables.DATA / BREAKS in tables.files_read()


def test_a_long_list_of_faults_is_cut_in_the_message_but_not_in_the_error(data, record):
    rewrite(INTERCEPTIONS, swap_cells(2, 0, 1))(data)
    with pytest.raises(tables.RecordError, match="more; all are in the error's faults") as error:
        record.load("interceptions")
    assert len(error.value.faults) > 1_000
    assert len(str(error.value).splitlines()) < 40


# ---- vintages


def test_interceptions_as_first_published():
    march = tables.load("interceptions", vintage="2017-03")
    assert march.set_index(["month", "province"])["people"].to_dict() == {
        (pd.Timestamp("2017-01"), "British Columbia"): 207,
        (pd.Timestamp("2017-02"), "British Columbia"): 84,
        (pd.Timestamp("2017-02"), "Quebec"): 432,
    }
    assert march.attrs == {"table": "interceptions", "vintage": "2017-03"}
    assert list(march.columns) == list(tables.load("interceptions").columns)


@pytest.mark.parametrize(("vintage", "people"), [("2017-03-21", 207), ("2017-05", 46), ("2024", 46)])
def test_british_columbia_in_january_2017_by_vintage(vintage, people):
    known = tables.load("interceptions", vintage=vintage).query("province == 'British Columbia'")
    assert known.loc[known["month"] == "2017-01-01", "people"].to_list() == [people]


def test_canada_in_january_2017_was_476_then_315():
    for vintage, people in (("2017-03", 476), ("2017-05", 315)):
        known = tables.load("interceptions_totals", vintage=vintage).set_index(["period", "place"])["people"]
        assert known["2017-01", "Canada"] == people


def test_today_is_the_current_release():
    for name in ("interceptions", "claimants", "asylum_stock"):
        now = tables.load(name)
        key = list(now.columns[:3])
        late = tables.load(name, vintage="2026-12").sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(late, now.sort_values(key, ignore_index=True))


def test_claimants_as_known_in_november_2023():
    then = tables.load("claimants", vintage="2023-11").set_index(["month", "province"])["claimants"]
    assert (then[pd.Timestamp("2023-11"), "Quebec"], then[pd.Timestamp("2023-11"), "Ontario"]) == (5940, 8355)
    assert tables.load("claimants", vintage="2024-06").equals(tables.load("claimants", vintage="2023-11"))
    canada = tables.load("claimants_totals", vintage="2023-11").set_index(["period", "office"])["claimants"]
    assert (canada["2015-10", "Airport"], canada["2015-10", "Border"], canada["2015-10", "Inland"]) == (
        180,
        480,
        805,
    )


def test_quebec_had_189962_claimants_present_before_the_revision_and_151113_now():
    def quebec(**vintage):
        stock = tables.load("asylum_stock", **vintage).query("province == 'Quebec'").set_index("quarter")
        return stock.loc[["2024-04-01"], ["persons", "precision"]].to_numpy().tolist()

    assert quebec(vintage="2024-06") == [[189_962, "exact"]]
    assert quebec(vintage="2024-10") == [[151_000, "rounded to 1000"]]
    assert quebec() == [[151_113, "exact"]]


def test_each_release_of_the_refugee_board_loads():
    releases = tables.load("irb_irregular")["vintage"].drop_duplicates()
    assert len(releases) == 19
    for release in releases.dt.strftime("%Y-%m"):
        assert len(tables.load("irb_irregular", vintage=release)) == 77
        assert len(tables.load("irb_irregular_totals", vintage=release)) == 7


@pytest.mark.parametrize("name", [name for name in tables.names() if tables.vintages(name)])
def test_each_vintage_loads_and_none_is_newer_than_asked(name):
    for day in tables.vintages(name):
        known = tables.load(name, vintage=day)
        assert len(known)
        assert (known["vintage"] <= day).all()


def test_the_vintages_of_claimants_are_two_and_events_have_none():
    assert tables.vintages("claimants") == ["2023-11-30", "2025-07-31"]
    assert tables.vintages("events") == []


def test_a_vintage_before_the_first_is_refused_with_those_that_exist():
    with pytest.raises(LookupError, match=r"2017-03-21, 2017-04-18, .*2024-04-22"):
        tables.load("interceptions", vintage="2016-12")
    with pytest.raises(LookupError, match="2023-11-30, 2025-07-31"):
        tables.load("claimants", vintage="2023-10")


def test_a_vintage_that_is_no_date_or_of_a_table_without_any_is_refused():
    with pytest.raises(ValueError, match="write YYYY, YYYY-MM or YYYY-MM-DD"):
        tables.load("claimants", vintage="November 2023")
    with pytest.raises(LookupError, match="events has one vintage only; those with more are interceptions"):
        tables.load("events", vintage="2023-11")


# ---- corrections and bounds


def test_a_correction_is_applied_on_request_only():
    modes = tables.load("claims_by_mode")
    cell = (modes["period_start"] == "2023-04-01") & (modes["mode"] == "Irregular")
    assert modes.loc[cell, "claims"].to_list() == [1]
    assert tables.correct(modes).loc[cell, "claims"].isna().all()
    assert modes.loc[cell, "claims"].to_list() == [1]
    eritrea = tables.correct(tables.load("irb_irregular", vintage="2019-06")).query("country == 'Eritrea'")
    assert eritrea.set_index("measure")["claims"]["pending"] == 279
    with pytest.raises(ValueError, match="does not name its table"):
        tables.correct(pd.DataFrame({"people": [1]}))


def test_what_nothing_bounds_is_not_summed():
    ports = tables.load("ports_of_entry")
    with pytest.raises(ValueError, match="given as: about, more than"):
        tables.total(ports, "claims")
    irregular = tables.load("irb_irregular", vintage="2022-03")
    with pytest.raises(ValueError, match="may hide any number"):
        tables.total(irregular, "claims")
    assert tables.total(irregular[~irregular["suppressed"]], "claims").exact


def test_a_count_is_rounded_as_its_own_table_says():
    channels = tables.load("claims_by_channel").query("province == 'Quebec' and month >= '2022-12'")
    december = channels[channels["month"] == "2022-12-01"]
    total = tables.total(december, "claimants")
    assert (total.value, total.low, total.high) == (7_175, 7_167, 7_183)
    bare = pd.DataFrame(december)
    bare.attrs.clear()
    assert tables.total(bare, "claimants") == total
    modes = pd.concat([tables.load("claims_by_mode"), tables.load("ports_of_entry")])
    assert "table" not in modes.attrs
    with pytest.raises(ValueError, match="in its own way in claims_by_mode, "):
        tables.total(modes, "claims")


# ---- two versions of a table


def test_diff_names_added_revised_and_withdrawn_rows(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "interceptions.csv"
    text = (tables.DATA / INTERCEPTIONS).read_text(encoding="utf-8")
    old.write_text(text, encoding="utf-8")
    text = text.replace("2022-12,Quebec,4689,", "2022-12,Quebec,4690,")
    text = text.replace("2022-12,Manitoba,3,2024-04-22,ircc-claims-2022,\n", "")
    new.write_text(text + "2025-01,Quebec,60,2026-11-23,ircc-claims-2024,new\n", encoding="utf-8")
    changes = tables.diff(old, new)
    assert list(changes.columns) == ["change", "month", "province", "column", "before", "after"]
    assert changes.to_numpy().tolist() == [
        [
            "withdrawn",
            "2022-12",
            "Manitoba",
            "",
            "people 3, vintage 2024-04-22, source_id ircc-claims-2022",
            "",
        ],
        ["revised", "2022-12", "Quebec", "people", "4689", "4690"],
        [
            "added",
            "2025-01",
            "Quebec",
            "",
            "",
            "people 60, vintage 2026-11-23, source_id ircc-claims-2024, note new",
        ],
    ]
    assert tables.diff(new, new).empty


def test_diff_of_two_records(data, record):
    Edit(INTERCEPTIONS, QC, "4689", "4690")(data)
    changes = tables.diff(tables.Record(tables.DATA), record, "interceptions")
    assert changes[["change", "before", "after"]].to_numpy().tolist() == [["revised", "4689", "4690"]]


def test_diff_says_that_a_column_is_new(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    frame = pd.read_csv(tables.DATA / INTERCEPTIONS, dtype="str", keep_default_na=False)
    frame.to_csv(new, index=False)
    frame.drop(columns="vintage").to_csv(old, index=False)
    assert tables.diff(old, new, "interceptions")[["change", "column"]].to_numpy().tolist() == [
        ["column added", "vintage"]
    ]


@pytest.mark.parametrize(
    ("content", "table", "message"),
    [
        (None, None, "is not there"),
        (b"a,b\n1,2\n", None, "no table has the columns a, b"),
        (b"month,region\n2024-01,Northern\n", None, "the nearest is"),
        (b"month,people\n2022-12,1\n", "interceptions", "has no column province"),
        (b"month,province\n2022-12,Quebec\n2022-12,Quebec\n", "interceptions", "has 2022-12, Quebec twice"),
        (b"\xff\xfe\x00", None, "is not a CSV file in UTF-8"),
        (b"", None, "is not a CSV file"),
        (b"a\n", "interception", "the nearest is interceptions"),
    ],
)
def test_diff_refuses_what_is_not_of_a_table(tmp_path, content, table, message):
    file = tmp_path / "other.csv"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises((ValueError, LookupError), match=message):
        tables.diff(file, file, table)
