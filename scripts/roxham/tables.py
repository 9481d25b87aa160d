"""The record: tables of published facts, their sources, vintages, and how each count was rounded.

`load("interceptions")` gives one validated table, `load("interceptions", vintage="2017-03")` what was known then;
`check()` gives every fault of the whole record, with its file, row and column; `diff(old, new)` gives what changed
between two versions of a table. `data/datapackage.json` is the only description of the tables: types, allowed
values, keys, units, rounding and vintages are read from it.
"""

import copy
import csv
import difflib
import json
import math
import os
import pickle
import platform
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa
import yaml

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
DISCREPANCIES = "hand/discrepancies.yml"

FORMS = {
    "yearmonth": (r"[0-9]{4}-(0[1-9]|1[0-2])", "is not a month; write YYYY-MM, 01 to 12"),
    "year": (r"[0-9]{4}", "is not a year; write YYYY"),
    "date": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "is not a date; write YYYY-MM-DD"),
    "integer": (r"-?[0-9]{1,10}", "is not a whole number; write digits only, without spaces or separators"),
    "number": (
        r"-?[0-9]{1,10}(\.[0-9]{1,6})?",
        "is not a number; write digits and a point, without separators",
    ),
    "boolean": (r"true|false", "is neither true nor false"),
}
STRAY = re.compile("[\u00a0\u2007\u202f\ufeff\t]|^ | $|  ", re.MULTILINE)
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MOST_SAID = 30
LENGTHS = {"year": 4, "month": 7, "day": 10}
DAY = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-[0-9]{2})?)?")
HAND = {
    "glossary": ("id", "term", "french", "definition", "source_id"),
    "claims": ("id", "claim", "test", "source_id"),  # what else they need, claims.py says
    "countries": ("id", "name", "reason", "source_id"),
}
HAND_DEFAULT = ("id", "reason", "source_id")
CORRECTIONS = "hand/corrections.yml"


class Fault(NamedTuple):
    """One thing wrong: where it is, what was found, and what the rule is."""

    file: str
    row: int | None
    column: str
    value: str
    rule: str


class RecordError(Exception):
    """The record breaks its own rules. `faults` is a frame: file, row, column, value, rule."""

    def __init__(self, faults: Iterable[Fault]):
        self.faults = _frame(faults)
        lines = [
            f"{f.file}, row {f.row}, {f.column or 'whole row'}: {f.value!r} {f.rule}"
            for f in self.faults.itertuples()
        ]
        if len(lines) > MOST_SAID:
            lines[MOST_SAID:] = [f"and {len(lines) - MOST_SAID} more; all are in the error's faults"]
        super().__init__(f"{len(self.faults)} fault(s) in the record:\n" + "\n".join(lines))


@dataclass(frozen=True)
class Total:
    """A sum and what rounding and suppression leave open: low <= the true sum <= high."""

    value: int
    low: int
    high: int
    suppressed: int

    @property
    def exact(self) -> bool:
        return self.low == self.high

    def __format__(self, spec: str) -> str:
        return ("" if self.exact else "about ") + format(self.value, spec or ",")

    def __str__(self) -> str:
        return format(self)


class Sheet(NamedTuple):
    """A table as read: text by row number (None when unreadable), typed values (None when faulty), faults."""

    text: pd.DataFrame | None
    frame: pd.DataFrame | None
    faults: list[Fault]


class Gap(NamedTuple):
    """A printed total and the sum of its parts, which disagree."""

    table: str
    row: int
    column: str
    key: tuple[str, ...]
    parts: str
    printed: int | None
    low: float
    high: float


class Record:
    """A folder of tables, hand-made judgements and the datapackage.json that describes them.

    What was read stays in memory for as long as the files behind it do not change.
    """

    def __init__(self, path: Path):
        self.root = Path(path)
        self._memo: dict[
            object, tuple[dict[Path, object], object]
        ] = {}  # key → the files behind it, the value
        self._read: dict[Path, object] = {}  # every file read, with its state

    # ---- what a chapter calls

    def names(self) -> list[str]:
        """Names of the tables, in the order of datapackage.json."""
        return list(self._resources())

    def about(self, name: str) -> dict:
        """What datapackage.json says of a table: title, description, schema (fields with type, unit, rounding) and
        the rest, as a copy. Raises LookupError for an unknown name."""
        return copy.deepcopy(self._resources()[known(name, self.names(), "table")])

    def load(self, name: str, vintage: str | None = None) -> pd.DataFrame:
        """One validated table, as an independent copy; `attrs["table"]` is its name.

        Months and dates are datetime64 (a month is its first day), counts int64, or Int64 where a cell may be
        empty, other numbers float64, flags bool, the rest str. With `vintage` (YYYY, YYYY-MM or YYYY-MM-DD), the
        figures as they were known at the end of that year, month or day: the newest release of the table not
        later than it or, where releases were seen cell by cell, the newest figure of each cell; `attrs["vintage"]`
        is what was asked for. Raises LookupError for an unknown name, or a vintage before the first, and
        RecordError, with every fault, when the table, or a table it is compared with, is invalid.
        """
        known(name, self.names(), "table")
        related = self._related(name)
        files = [self.root / file for file in ("datapackage.json", *map(self._file, related), DISCREPANCIES)]
        if faults := self._once(("faults", name), files, lambda: self._faults(related)):
            raise RecordError(faults)
        frame = (
            self._sheet(name).frame.reset_index(drop=True).copy()
        )  # what is in memory stays as it was read
        frame.attrs["table"] = name
        return frame if vintage is None else self._as_known(frame, vintage)

    def vintages(self, name: str) -> list[str]:
        """Dates of the vintages of a table, YYYY-MM-DD, oldest first; none for a table that has one only."""
        self.load(name)
        if "vintages" not in self._resources()[name]:
            return []
        dates = self._every_vintage(name)["vintage"].drop_duplicates().sort_values()
        return dates.dt.strftime("%Y-%m-%d").to_list()

    def correct(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A copy of a frame from `load`, with the corrections of hand/corrections.yml; a count that should not
        be used becomes empty. Raises ValueError for a frame that does not say which table it is of."""
        name = frame.attrs.get("table")
        if name is None:
            raise ValueError("the frame does not name its table; correct what tables.load gave")
        mended = frame.copy()
        for entry in self.hand("corrections"):
            if entry["table"] == name:
                column, at = entry["column"], _rows(mended, entry["row"])
                if mended[column].dtype == "int64":
                    mended[column] = mended[column].astype("Int64")
                mended.loc[at, column] = pd.NA if entry["use"] is None else entry["use"]
        return mended

    def check(self, cited: Collection[str] | None = None) -> pd.DataFrame:
        """Every fault of the whole record: file, row (line number, header = 1), column, value, rule.

        cited: where given, a source is a fault that no row and no judgement uses and that is not among these,
        the words of the chapters.
        """
        try:
            names = self.names()
        except RecordError as error:
            return error.faults
        faults = self._faults(names)
        faults += chain.from_iterable(self._notes(name)[1] for name in self._hand_names())
        faults += self._unknown_files() + self._unknown_hand_sources() + self._unknown_hand_tables()
        faults += self._stale_corrections()
        faults += chain.from_iterable(map(_description_faults, self._resources().values()))
        if cited is not None and not any(sheet.text is None for sheet in map(self._sheet, names)):
            faults += self._orphans(cited)
        return _frame(faults)

    def hand(self, name: str) -> list[dict]:
        """The judgements of hand/<name>.yml, each a dict with at least id, reason and source_id."""
        known(name, self._hand_names(), "hand file")
        entries, faults = self._notes(name)
        if faults:
            raise RecordError(faults)
        return copy.deepcopy([entry for _, entry in entries])

    def sources(self, *items: pd.DataFrame | str) -> pd.DataFrame:
        """Rows of `sources` behind frames (their source_id column) or ids, in order of first use."""
        ids: dict[str, None] = {}
        for item in items:
            if isinstance(item, str):
                ids[item] = None
            elif "source_id" in item:
                ids |= dict.fromkeys(item["source_id"])
            else:
                raise ValueError(f"the frame has no source_id column, only {', '.join(map(str, item))}")
        table = self.load("sources").set_index("source_id", drop=False)
        for source in ids:
            known(source, list(table.index), "source")
        found = table.loc[list(ids)].reset_index(drop=True)
        found.attrs["table"] = "sources"
        return found

    def total(self, frame: pd.DataFrame, column: str) -> Total:
        """Sum of a count, with the bounds that the publisher's rounding leaves.

        A count rounded to the nearest 5 is within 2 of what is printed, one rounded to the nearest 10 within 5; a
        suppressed cell is 0 to 5; where small counts are suppressed a printed 0 is a true zero; no count is below
        0. The bounds of a sum are the sums of the bounds. `value` is the sum of what is printed. The rule is that
        of the field `column` in datapackage.json. Raises LookupError for a column without one, and ValueError
        when the column that tells the rounding row by row is missing, or when nothing bounds a figure: one given
        as "about", or a suppressed cell that may hide any number.
        """
        low, high = _bounds(frame, column, self._rounding(column, frame, frame.attrs.get("table")))
        if low.isna().any():
            hedged = ", ".join(dict.fromkeys(frame.loc[low.isna(), "precision"]))
            raise ValueError(
                f"nothing bounds the figures of {column} given as: {hedged}; leave those rows out"
            )
        if math.isinf(high.sum()):
            hidden = int(frame[column].isna().sum())
            raise ValueError(
                f"{hidden} suppressed cells of {column} may hide any number; leave them out, or take the total"
            )
        printed = frame[column]
        return Total(int(printed.sum()), int(low.sum()), int(high.sum()), int(printed.isna().sum()))

    def path(self, relative: str) -> Path:
        """A file of the record that is read by other means (a map layer); counts as read."""
        file = self.root / relative
        self._read[file] = _state(file)
        return file

    def files_read(self) -> list[Path]:
        """Every file that was read, or served from memory, since the start or since `forget()`."""
        return sorted(self._read)

    def forget(self) -> None:
        """Start the list of `files_read()` anew; what is in memory stays."""
        self._read.clear()

    # ---- reading

    def memory(self) -> dict:
        """What was read and checked so far, for `recall` in another record of the same folder."""
        return dict(self._memo)

    def recall(self, memory: dict) -> None:
        """Take over what another record of the same folder had read. What has changed since is read again."""
        self._memo |= memory

    def keep(self, folder: Path) -> None:
        """Write what was read and checked to a folder, for other processes that find it named in ROXHAM_CACHE.

        Not for a notebook, which may have changed how tables are read. On a full disk nothing is kept.
        """
        for key, (behind, value) in self._memo.items():
            names = {file: file.relative_to(self.root).as_posix() for file in behind}
            held = {name: _content(file, behind[file]) for file, name in names.items()}
            if any(_state(file) != state for file, state in behind.items()):  # changed since it was read
                continue
            place = _place(folder, key)
            part = place.with_name(f"{place.name}.{os.getpid()}-{get_ident()}")
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(pickle.dumps((held, value), pickle.HIGHEST_PROTOCOL))
                part.replace(place)
            except OSError:
                with suppress(OSError):
                    part.unlink()

    def _once(self, key: object, files: list[Path], make: Callable):
        """`make()`, or what it gave last time if these files, and those that it read itself, are still the same."""
        behind, value = self._memo.get(key, ({None: None}, None))
        if any(file is None or _state(file) != state for file, state in behind.items()):
            before, self._read = self._read, {file: _state(file) for file in files}
            try:
                if kept := self._kept(key):
                    behind, value = kept
                else:
                    value = make()
                    behind = self._read
                self._memo[key] = (behind, value)
            finally:
                before |= self._read
                self._read = before
        self._read |= behind
        return value

    def _kept(self, key: object) -> tuple[dict[Path, object], object] | None:
        """What `keep` wrote of the same files, if it is there."""
        if not (folder := os.environ.get("ROXHAM_CACHE")):
            return None
        try:
            held, value = pickle.loads(_place(folder, key).read_bytes())
            behind = {self.root / name: _state(self.root / name) for name in held}
        except Exception:  # none, or one that cannot be read: whatever pickle raises then
            return None
        same = all(_content(self.root / name, behind[self.root / name]) == was for name, was in held.items())
        return (behind, value) if same else None

    def _resources(self) -> dict[str, dict]:
        file = self.root / "datapackage.json"
        return self._once("package", [file], lambda: _resources(file))

    def _file(self, name: str) -> str:
        return self._resources()[name]["path"]

    def _sheet(self, name: str) -> Sheet:
        resource = self._resources()[name]
        files = [self.root / "datapackage.json", self.root / resource["path"]]
        return self._once(("table", name), files, lambda: _sheet(files[1], resource))

    def _hand_names(self) -> list[str]:
        return sorted(file.stem for file in self.root.glob("hand/*.yml"))

    def _notes(self, name: str) -> tuple[list[tuple[int, dict]], list[Fault]]:
        file = self.root / "hand" / f"{name}.yml"
        return self._once(("hand", name), [file], lambda: _notes(file))

    def _rounding(self, column: str, frame: pd.DataFrame, table: str | None) -> dict:
        """The rounding rule of a count: that of its table or, for a frame of no table, the one that fits it."""
        rules = {
            (field["name"], name): field["rounding"]
            for name, resource in self._resources().items()
            for field in resource["schema"]["fields"]
            if "rounding" in field
        }
        known(column, list(dict.fromkeys(name for name, _ in rules)), "count")
        if (column, table) in rules:
            return rules[column, table]
        shared = [rule for (name, _), rule in rules.items() if name == column]
        told = [rule for rule in shared if rule.get("by") in frame]
        fitting = told or [rule for rule in shared if "by" not in rule] or shared
        if any(rule != fitting[0] for rule in fitting):
            where = ", ".join(name for count, name in rules if count == column)
            raise ValueError(f"{column} is rounded in its own way in {where}; total a frame of tables.load")
        return fitting[0]

    def _related(self, name: str) -> list[str]:
        """The table, those it is summed against, those it points to, and those of its other vintages."""
        group = next((group for group in SUMS if name in group), (name,))
        older = {other: _vintages(resource, other) for other, resource in self._resources().items()}
        newer = [other for other in older if older[other] == name]
        points = [key["reference"]["resource"] for key in self._keys(name)]
        return list(dict.fromkeys([name, *group, *points, older[name], *newer, "sources"]))

    def _keys(self, name: str) -> list[dict]:
        return self._resources()[name]["schema"].get("foreignKeys", [])

    def _every_vintage(self, name: str) -> pd.DataFrame:
        """The dated rows of a table and of its older vintages."""
        current = self._sheet(name).frame
        older = self._sheet(_vintages(self._resources()[name], name)).frame[current.columns]
        return pd.concat([older, current], ignore_index=True).dropna(subset="vintage")

    def _as_known(self, current: pd.DataFrame, vintage: str) -> pd.DataFrame:
        name, day = current.attrs["table"], _last_day(vintage)
        if not (dates := self.vintages(name)):
            dated = [other for other, about in self._resources().items() if "vintages" in about]
            raise LookupError(f"{name} has one vintage only; those with more are {', '.join(dated)}")
        if dates[0] > f"{day:%Y-%m-%d}":
            raise LookupError(
                f"nothing of {name} is known as early as {vintage}; its vintages are {', '.join(dates)}"
            )
        known = self._every_vintage(name).query("vintage <= @day")
        if self._resources()[name]["vintages"]["newest"] == "release":
            known = known[known["vintage"] == known["vintage"].max()]
        key = self._resources()[name]["schema"]["primaryKey"]
        known = known.sort_values([*key, "vintage"], kind="stable").drop_duplicates(key, keep="last")
        known = known.astype(current.dtypes).reset_index(drop=True)
        known.attrs |= {"table": name, "vintage": vintage}
        return known

    # ---- rules

    def _faults(self, names: list[str]) -> list[Fault]:
        """Faults of the tables, then of the rules between those that are sound in themselves."""
        sheets = {name: self._sheet(name) for name in names}
        faults = [fault for sheet in sheets.values() for fault in sheet.faults]
        for name, sheet in sheets.items():
            if sheet.text is not None:
                faults += self._unknown_keys(name)
        sound = [name for name in names if not sheets[name].faults]
        faults += chain.from_iterable(self._late_vintages(name) for name in sound)
        return faults + self._sums(sound)

    def _unknown_keys(self, name: str) -> list[Fault]:
        """Cells that point to a row of another table which is not there."""
        faults = []
        for key in self._keys(name):
            column, (other, target) = key["fields"], key["reference"].values()
            if (there := self._sheet(other).text) is None:
                continue
            used, known = self._sheet(name).text[column].dropna(), there[target]
            faults += [
                Fault(self._file(name), row, column, value, f"is not in {other}{_nearest(value, known)}")
                for row, value in used[~used.isin(known)].items()
            ]
        return faults

    def _late_vintages(self, name: str) -> list[Fault]:
        """Older figures that are dated after the figure that replaced them."""
        resource = self._resources()[name]
        older, current = _vintages(resource, name), self._sheet(name).frame
        if older == name or self._sheet(older).faults:
            return []
        sheet, key = self._sheet(older), resource["schema"]["primaryKey"]
        if resource["vintages"]["newest"] == "release":
            newest = pd.Series(current["vintage"].max(), index=sheet.frame.index)
        else:
            newest = sheet.frame[key].merge(current[[*key, "vintage"]], on=key, how="left")["vintage"]
            newest.index = sheet.frame.index
        rule = f"is not earlier than the vintage of the same figure in {name}"
        late = sheet.frame["vintage"] >= newest
        return [
            Fault(self._file(older), row, "vintage", value, rule)
            for row, value in sheet.text.loc[late, "vintage"].items()
        ]

    def _hand_sources(self) -> list[tuple[str, int, str]]:
        """The sources that hand entries cite: name of the hand file, line of the entry, source."""
        return [
            (name, row, source)
            for name in self._hand_names()
            for row, entry in self._notes(name)[0]
            for source in _ids(entry)
        ]

    def _unknown_hand_sources(self) -> list[Fault]:
        text = self._sheet("sources").text
        if text is None:
            return []
        known = set(text["source_id"].dropna())
        return [
            Fault(f"hand/{name}.yml", row, "source_id", source, f"is not in sources{_nearest(source, known)}")
            for name, row, source in self._hand_sources()
            if source not in known
        ]

    def _unknown_hand_tables(self) -> list[Fault]:
        return [
            Fault(f"hand/{name}.yml", row, "tables", table, f"is not a table{_nearest(table, self.names())}")
            for name in self._hand_names()
            for row, entry in self._notes(name)[0]
            for table in entry.get("tables", [])
            if table not in self.names()
        ]

    def _orphans(self, cited: Collection[str]) -> list[Fault]:
        used = {source for _, _, source in self._hand_sources()} | set(cited)
        for name in self.names():
            if name != "sources":
                used |= set(self._sheet(name).text["source_id"])
        ids = self._sheet("sources").text["source_id"].dropna()
        rule = "is a source that no row, no entry and no text uses"
        return [
            Fault(self._file("sources"), row, "source_id", source, rule)
            for row, source in ids[~ids.isin(used)].items()
        ]

    def _stale_corrections(self) -> list[Fault]:
        """Corrections whose cell is not there, or no longer holds the value that they correct."""
        faults = []
        for row, entry in self._notes(Path(CORRECTIONS).stem)[0]:
            name, column = str(entry.get("table")), str(entry.get("column"))
            text = self._sheet(name).text if name in self.names() else None
            at = entry.get("row") or {}
            if text is None or not {column, *at} <= set(text):
                rule = (
                    "is not a cell of the record: it needs a table, a row given by its columns, and a column"
                )
                faults.append(Fault(CORRECTIONS, row, "row", f"{name}, {at}, {column}", rule))
                continue
            found = text.loc[_rows(text, at), column].to_list()
            if found != [str(entry.get("expect"))]:
                rule = f"expects what the record does not have; it has {', '.join(map(str, found)) or 'no such row'}"
                faults.append(Fault(CORRECTIONS, row, "expect", str(entry.get("expect")), rule))
        return faults

    def _unknown_files(self) -> list[Fault]:
        described = {self.root / self._file(name) for name in self.names()}
        return [
            Fault(f"tables/{file.name}", None, "", "", "is not described in datapackage.json")
            for file in sorted(self.root.glob("tables/*"))
            if file not in described
        ]

    def _sums(self, sound: list[str]) -> list[Fault]:
        """Printed totals that their parts do not add up to, except where hand/discrepancies.yml says so."""
        groups = [group for group in SUMS if set(group) <= set(sound)]
        gaps = [gap for group in groups for gap in self._group_gaps(group)]
        entries, malformed = self._notes(Path(DISCREPANCIES).stem)
        faults = list(malformed)
        for row, entry in entries:
            if not any(entry.get("table") in group for group in groups):
                continue
            where = {entry.get("period"), entry.get("place"), *entry.get("also", [])}
            cell = (entry.get("table"), {str(part) for part in where if part}, entry.get("parts"))
            gap = next((gap for gap in gaps if (gap.table, set(gap.key), gap.parts) == cell), None)
            found = gap and {"printed": gap.printed, "sum": int(gap.low)}
            if entry.get("expect") != found:
                rule = f"expects what the record does not have; it has {found or 'no such disagreement'}"
                faults.append(Fault(DISCREPANCIES, row, "expect", str(entry.get("expect")), rule))
            if gap:
                gaps.remove(gap)
        for gap in gaps:
            rule = f"is printed for {', '.join(gap.key)}, but its {gap.parts} add up to {_range(gap.low, gap.high)}"
            faults.append(Fault(self._file(gap.table), gap.row, gap.column, str(gap.printed), rule))
        return faults

    def _group_gaps(self, group: tuple[str, ...]) -> list[Gap]:
        files = [self.root / file for file in ("datapackage.json", *map(self._file, group))]
        return self._once(("gaps", group), files, lambda: self._gaps(group))

    def _gaps(self, group: tuple[str, ...]) -> list[Gap]:
        """Totals whose bounds do not meet the summed bounds of their parts."""
        gaps = []
        keys = {name: self._resources()[name]["schema"]["primaryKey"] for name in group}
        for table, totals, parts, by, what in SUMS[group](*map(self._cells, group)):
            sums = parts.groupby(by)[["low", "high"]].sum().add_suffix("_sum")
            joined = totals.join(sums, on=by).fillna({"low_sum": 0, "high_sum": 0})
            apart = (joined["low"] > joined["high_sum"]) | (joined["high"] < joined["low_sum"])
            gaps += [
                Gap(
                    table=table,
                    row=total.Index,
                    column=total.column,
                    key=tuple(self._sheet(table).text.loc[total.Index, keys[table]]),
                    parts=what,
                    printed=int(total.printed) if pd.notna(total.printed) else None,
                    low=total.low_sum,
                    high=total.high_sum,
                )
                for total in joined[apart].itertuples()
            ]
        return gaps

    def _cells(self, name: str) -> pd.DataFrame:
        """Counts of a sound table as printed, low and high, under common names: period and place."""
        text, frame = self._sheet(name).text, self._sheet(name).frame
        column = next(f["name"] for f in self._resources()[name]["schema"]["fields"] if "rounding" in f)
        low, high = _bounds(frame, column, self._rounding(column, frame, name))
        names = dict.fromkeys(("month", "fiscal_year", "quarter"), "period") | dict.fromkeys(
            ("province", "sector", "region", "area"), "place"
        )
        return text.rename(columns=names).assign(column=column, printed=frame[column], low=low, high=high)


# ---- the sums that must agree: printed totals, their parts, the keys they share, what the parts are


def _interceptions_add_up(cells, totals):
    years, months = _yearly(totals), _monthly(totals)
    canada = years["place"] == "Canada"
    name = "interceptions_totals"
    yield name, months, cells, ["period"], "provinces"
    yield name, years[~canada], _by_year(cells), ["period", "place"], "months"
    yield name, years[canada], _by_year(cells), ["period"], "provinces"
    yield name, years[canada], _by_year(months), ["period"], "printed months"


def _claimants_add_up(cells, totals):
    years, months = _yearly(totals), _monthly(totals)
    name = "claimants_totals"
    yield name, months[months["office"].isin(cells["office"])], cells, ["period", "office"], "provinces"
    everything = months["office"] == "All"
    yield name, months[everything], months[~everything], ["period"], "offices"
    canada = years["place"] == "Canada"
    yield name, years[~canada], _by_year(cells), ["period", "place", "office"], "months"
    yield name, years[canada], _by_year(months), ["period", "office"], "printed months"


def _older_claimants_add_up(cells, totals):
    offices = totals.groupby("period")[["low", "high"]].sum()
    canada = totals[totals["office"] == "Inland"].drop(columns=["low", "high"]).join(offices, on="period")
    yield "claimants_totals_vintages", canada.assign(printed=pd.NA), cells, ["period"], "provinces"


def _channels_add_up(cells, totals):
    name, key = "claims_by_channel_totals", ["agency", "channel"]
    years, months = _yearly(totals), _monthly(totals)
    ports, canada = cells[cells["channel"] != "Inland"], months["place"] == "Canada"
    every, all_ports = months["channel"] == "All", months["channel"] == "All ports"
    yield (
        name,
        months[canada & months["channel"].isin(cells["channel"])],
        cells,
        ["period", *key],
        "provinces",
    )
    yield name, months[all_ports & ~canada], ports, ["period", "place"], "channels"
    yield name, months[all_ports & canada], months[all_ports & ~canada], ["period"], "provinces"
    both = every & (months["agency"] == "CBSA and IRCC")
    yield name, months[both & ~canada], cells, ["period", "place"], "channels"
    yield name, months[both & canada], months[both & ~canada], ["period"], "provinces"
    border = every & (months["agency"] == "CBSA")
    yield name, months[border], cells[cells["agency"] == "CBSA"], ["period"], "channels and provinces"
    printed = pd.concat([cells, months])
    yield name, years, _by_year(printed), ["period", "place", *key], "months"


def _addresses_add_up(cells, totals):
    name, claim = "claim_address_totals", "province_of_claim"
    canada, unstated = totals[claim] == "All", totals[claim] == "Not stated"
    yield name, totals[~canada & ~unstated], cells, ["period_start", claim], "addresses"
    yield name, totals[canada], totals[~canada], ["period_start"], "provinces of claim"


def _modes_add_up(cells, totals):
    by = ["period_start", "period_end", "source_id"]
    regular = cells[cells["mode"] != "Irregular"]
    for mode, parts, modes in (("Regular total", regular, 4), ("All", cells, 5)):
        whole = parts.groupby(by)["mode"].nunique() == modes
        split = totals[
            (totals["mode"] == mode) & pd.MultiIndex.from_frame(totals[by]).isin(whole[whole].index)
        ]
        yield "claims_by_mode_totals", split, parts, by, "modes"


def _southbound_add_up(cells, totals, years, places, detail):
    yield "southbound_totals", totals, cells, ["period"], "sectors"
    split = totals[totals["period"] >= places["period"].min()]
    yield "southbound_totals", split, places, ["period"], "places of arrest"
    months = pd.concat([cells, totals])
    ends = pd.PeriodIndex(months["period"], freq="M").asfreq("Y-SEP").astype(str)
    yield "southbound_years", years, months.assign(period=ends), ["period", "place"], "months"
    known = cells[cells["period"] >= detail["period"].min()]
    yield "southbound", known, detail, ["period", "place"], "citizenships"


def _irregular_add_up(cells, totals):
    yield "irb_irregular_totals", totals, cells, ["vintage", "measure"], "countries"
    decided = ["accepted", "rejected", "abandoned", "withdrawn or other"]
    for table, by in ((cells, ["vintage", "country"]), (totals, ["vintage"])):
        name = "irb_irregular" if table is cells else "irb_irregular_totals"
        for whole, parts in (("finalized", decided), ("referred", ["finalized", "pending"])):
            split = table[table["measure"] == whole]
            yield name, split, table[table["measure"].isin(parts)], by, " and ".join(parts)


def _provinces_add_up(name):
    return lambda cells, totals: [(name, totals, cells, ["period"], "provinces")]


SUMS = {
    ("interceptions", "interceptions_totals"): _interceptions_add_up,
    ("claimants", "claimants_totals"): _claimants_add_up,
    ("claimants_vintages", "claimants_totals_vintages"): _older_claimants_add_up,
    ("claims_by_channel", "claims_by_channel_totals"): _channels_add_up,
    ("claim_address", "claim_address_totals"): _addresses_add_up,
    ("claims_by_mode", "claims_by_mode_totals"): _modes_add_up,
    (
        "southbound",
        "southbound_totals",
        "southbound_years",
        "apprehensions_by_place",
        "southbound_detail",
    ): _southbound_add_up,
    ("irb_irregular", "irb_irregular_totals"): _irregular_add_up,
    ("population", "population_totals"): _provinces_add_up("population_totals"),
}


def _yearly(cells):
    return cells[cells["period"].str.len() == 4]


def _monthly(cells):
    return cells[cells["period"].str.len() == 7]


def _by_year(cells):
    return cells.assign(period=cells["period"].str[:4])


def _bounds(frame: pd.DataFrame, column: str, rounding: dict) -> tuple[pd.Series, pd.Series]:
    """The least and the most that each printed count can stand for; empty where it is only "about" so many."""
    if "by" in rounding:
        if rounding["by"] not in frame:
            raise ValueError(f"to bound {column}, the frame needs its column {rounding['by']}")
        half = frame[rounding["by"]].map(rounding["bases"]) // 2
    else:
        half = pd.Series(rounding["base"] // 2, index=frame.index)
    printed, hidden = frame[column].astype("Float64"), frame[column].isna()
    most = 0
    if "suppressed_below" in rounding:
        half = half.where(printed != 0, 0)
        most = math.inf if rounding["suppressed_below"] is None else rounding["suppressed_below"] - 1
    return (printed - half).clip(lower=0).mask(hidden, 0), (printed + half).mask(hidden, most)


# ---- one table


def _sheet(file: Path, resource: dict) -> Sheet:
    text, faults = _text(file, resource)
    if text is None:
        return Sheet(None, None, faults)
    schema = resource["schema"]
    faults += _field_faults(text, resource)
    faults += _key_faults(text, resource)
    faults += _row_faults(text, resource)
    if faults:
        return Sheet(text, None, faults)
    frame = pd.DataFrame({field["name"]: _typed(text[field["name"]], field) for field in schema["fields"]})
    return Sheet(text, frame, _missing_months(text, resource))


def _text(file: Path, resource: dict) -> tuple[pd.DataFrame | None, list[Fault]]:
    """The cells of a CSV file as text, by line number, and what is wrong with the file as a file."""
    path, columns = resource["path"], [field["name"] for field in resource["schema"]["fields"]]
    header = ",".join(columns)
    if not file.is_file():
        return None, [Fault(path, None, "", "", "is missing; datapackage.json describes it")]
    data = file.read_bytes()
    if not data.strip():
        return None, [Fault(path, 1, "", "", f"is empty; the first line must be {header}")]
    faults, rows = [], {}
    if data.startswith(b"\xef\xbb\xbf"):
        faults.append(Fault(path, 1, columns[0], "BOM", "starts with a byte order mark; save as plain UTF-8"))
        data = data[3:]
    if b"\r" in data:
        first = data[: data.index(b"\r")].count(b"\n") + 1
        faults.append(Fault(path, first, "", "CRLF", "ends a line in a carriage return; end lines in LF"))
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = data.split(b"\n")
    if lines[-1]:
        last = lines[-1].decode(errors="replace")
        faults.append(Fault(path, len(lines), "", last, "has no newline at its end; the file may be cut off"))
    else:
        lines.pop()
    for number, line in enumerate(lines, 1):
        try:
            fields = next(csv.reader([line.decode()], strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            faults.append(Fault(path, number, "", line.decode(errors="replace"), _unreadable(error)))
            if number == 1:
                return None, faults
            continue
        if number == 1:
            if fields != columns:
                return None, faults + _header_faults(path, fields, columns)
        elif len(fields) != len(columns):
            rule = f"has {len(fields)} fields; the header has {len(columns)}"
            faults.append(Fault(path, number, "", line.decode(), rule))
        else:
            if STRAY.search("\n".join(fields)):
                rule = "has a stray space, a non-breaking space or a tab"
                strays = [(c, v) for c, v in zip(columns, fields, strict=True) if STRAY.search(v)]
                faults += [Fault(path, number, column, value, rule) for column, value in strays]
                fields = [STRAY.sub(" ", value).strip() for value in fields]
            rows[number] = [value or None for value in fields]
    if not rows:
        return None, [*faults, Fault(path, 1, "", "", "has a header and no rows")]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype="str"), faults


def _unreadable(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not UTF-8 (byte {error.start + 1}); save as UTF-8"
    return "is not a line of CSV: a quote is not closed, or stands inside a field"


def _header_faults(path: str, found: list[str], columns: list[str]) -> list[Fault]:
    faults = [
        Fault(path, 1, name, name, "is missing from the header") for name in columns if name not in found
    ]
    for position, name in enumerate(found):
        if name in found[:position]:
            faults.append(Fault(path, 1, name, name, "is twice in the header"))
        elif name not in columns:
            faults.append(
                Fault(path, 1, name, name, f"is not a column of this table{_nearest(name, columns)}")
            )
    order = f"has the columns in another order; it must be {','.join(columns)}"
    return faults or [Fault(path, 1, "", ",".join(found), order)]


def _field_faults(text: pd.DataFrame, resource: dict) -> list[Fault]:
    """Cells that break the type or the constraints of their field."""
    fields = {field["name"]: field for field in resource["schema"]["fields"]}
    try:
        pa.DataFrameSchema({name: _column(field) for name, field in fields.items()}).validate(text, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    faults = []
    for case in cases.itertuples():
        if case.check == "not_nullable":
            faults.append(
                Fault(resource["path"], case.index, case.column, "", "is empty; a value is required")
            )
            continue
        allowed = fields[case.column].get("constraints", {}).get("enum", [])
        rule = case.check + (_nearest(case.failure_case, allowed) if allowed else "")
        faults.append(Fault(resource["path"], case.index, case.column, case.failure_case, rule))
    return faults


def _column(field: dict) -> pa.Column:
    """A field of datapackage.json as pandera checks on the text of its cells."""
    rules = field.get("constraints", {})
    checks = []
    if field["type"] in FORMS:
        sentence = FORMS[field["type"]][1]
        checks.append(pa.Check(lambda cells: _has_form(cells, field["type"]), error=sentence))
    if "minimum" in rules:
        least = rules["minimum"]
        checks.append(pa.Check(lambda cells: ~(_number(cells) < least), error=f"is below {least}"))
    if "maximum" in rules:
        most = rules["maximum"]
        checks.append(pa.Check(lambda cells: ~(_number(cells) > most), error=f"is above {most}"))
    if "base" in (rounding := field.get("rounding", {})) and rounding["base"] > 1:
        base = rounding["base"]
        checks.append(
            pa.Check(
                lambda cells: ~(_number(cells) % base > 0),
                error=f"is not a multiple of {base}; the publisher rounds to the nearest {base}",
            )
        )
    if "enum" in rules:
        checks.append(
            pa.Check(
                lambda cells: cells.isin(rules["enum"]), error=f"is not an allowed {field['title'].lower()}"
            )
        )
    if "pattern" in rules:
        shape = rules["pattern"]
        checks.append(
            pa.Check(lambda cells: cells.str.fullmatch(shape), error=f"does not have the form {shape}")
        )
    if "maxLength" in rules:
        longest = rules["maxLength"]
        checks.append(
            pa.Check(lambda cells: cells.str.len() <= longest, error=f"is longer than {longest} characters")
        )
    return pa.Column(None, checks, nullable=not rules.get("required", False))


def _has_form(cells: pd.Series, kind: str) -> pd.Series:
    shaped = cells.str.fullmatch(FORMS[kind][0])
    if kind == "date":
        return shaped & pd.to_datetime(cells.where(shaped), format="%Y-%m-%d", errors="coerce").notna()
    return shaped


def _number(cells: pd.Series) -> pd.Series:
    return pd.to_numeric(cells, errors="coerce")


def _key_faults(text: pd.DataFrame, resource: dict) -> list[Fault]:
    keys = resource["schema"]["primaryKey"]
    keyed = text[keys].dropna()
    first: dict[tuple, int] = {}
    faults = []
    for row, key in zip(keyed.index, keyed.itertuples(index=False, name=None), strict=True):
        if first.setdefault(key, row) != row:
            rule = f"has the same {', '.join(keys)} as row {first[key]}"
            faults.append(Fault(resource["path"], row, ", ".join(keys), ", ".join(key), rule))
    return faults


def _row_faults(text: pd.DataFrame, resource: dict) -> list[Fault]:
    """Cells that contradict another cell of their row."""
    faults = []

    def fault(rows, column, rule):
        values = text.loc[rows, column].fillna("")
        faults.extend(Fault(resource["path"], row, column, value, rule) for row, value in values.items())

    for field in resource["schema"]["fields"]:
        name, rounding = field["name"], field.get("rounding", {})
        if "suppressed_below" in rounding:
            empty, suppressed = text[name].isna(), text["suppressed"] == "true"
            fault(empty & ~suppressed, name, "is empty but not marked suppressed")
            fault(~empty & suppressed, name, "has a count but is marked suppressed")
        if "by" in rounding:
            base = text[rounding["by"]].map(rounding["bases"])
            fault(
                (base > 1) & (_number(text[name]) % base > 0),
                name,
                "is marked rounded, but is not a multiple of its base",
            )
    if "period_start" in text:
        fault(text["period_end"] < text["period_start"], "period_end", "is before period_start")
    if "vintage" in text:
        ends = next(name for name in ("period_end", "quarter", "month", "period", "year") if name in text)
        early = text["vintage"] < text[ends]
        fault(early, "vintage", f"is before the {ends.replace('_', ' ')} that it counts")
    if "date_precision" in text:
        unlike = text["date"].str.len() != text["date_precision"].map(LENGTHS)
        fault(
            unlike,
            "date_precision",
            "does not fit the date: YYYY is a year, YYYY-MM a month, YYYY-MM-DD a day",
        )
        unreal = pd.to_datetime(text["date"], format="ISO8601", errors="coerce").isna()
        fault(unreal, "date", "is not a date of the calendar")
    return faults


def _missing_months(text: pd.DataFrame, resource: dict) -> list[Fault]:
    """Months that a series should have between the first and the last of its table."""
    if "complete" not in resource:
        return []
    ends = pd.PeriodIndex([text["month"].min(), text["month"].max()], freq="M")
    months = set(pd.period_range(*ends, freq="M").astype(str))
    faults = []
    for key, rows in text.groupby(resource["complete"]):
        for month in sorted(months - set(rows["month"])):
            rule = f"is missing for {', '.join(key)}; the table runs from {ends[0]} to {ends[1]}"
            faults.append(Fault(resource["path"], None, "month", month, rule))
    return faults


def _typed(cells: pd.Series, field: dict) -> pd.Series:
    match field["type"]:
        case "yearmonth":
            return pd.to_datetime(cells, format="%Y-%m")
        case "date":
            return pd.to_datetime(cells, format="%Y-%m-%d")
        case "integer" | "year":
            return _number(cells).astype("Int64" if cells.hasnans else "int64")
        case "number":
            return _number(cells).astype("float64")
        case "boolean":
            return cells == "true"
        case _:
            return cells


# ---- files beside the tables


def _resources(file: Path) -> dict[str, dict]:
    try:
        resources = json.loads(file.read_text(encoding="utf-8"))["resources"]
        if not all(resource["path"] and resource["schema"]["fields"] for resource in resources):
            raise KeyError("path or schema")
        return {resource["name"]: resource for resource in resources}
    except FileNotFoundError:
        fault = Fault(file.name, None, "", "", "is missing; it describes every table")
    except json.JSONDecodeError as error:
        fault = Fault(file.name, error.lineno, "", "", f"is not JSON: {error.msg}")
    except (UnicodeDecodeError, KeyError, TypeError) as error:
        fault = Fault(file.name, None, "", "", f"is not a data package with tables: {error!r}")
    raise RecordError([fault])


def _description_faults(resource: dict) -> list[Fault]:
    """What datapackage.json does not say about a table: the unit of a number, the title of anything."""
    faults = []
    for field in resource["schema"]["fields"]:
        cell = f"{resource['name']}.{field['name']}"
        if "title" not in field:
            faults.append(Fault("datapackage.json", None, cell, "", "has no title"))
        if field["type"] in ("integer", "number") and "unit" not in field:
            faults.append(Fault("datapackage.json", None, cell, "", "is a number without a unit"))
    return faults


def _notes(file: Path) -> tuple[list[tuple[int, dict]], list[Fault]]:
    """The entries of a hand file with their line numbers, and what is wrong with the file."""
    path, required = f"hand/{file.name}", HAND.get(file.stem, HAND_DEFAULT)
    try:
        text = file.read_text(encoding="utf-8")
        node, entries = yaml.compose(text, YAML), yaml.load(text, YAML)
    except FileNotFoundError:
        return [], [Fault(path, None, "", "", "is missing")]
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        return [], [
            Fault(path, mark.line + 1 if mark else None, "", "", f"is not YAML in UTF-8: {_first(error)}")
        ]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return [], [Fault(path, 1, "", "", f"is not a list of entries, each with {', '.join(required)}")]
    rows = [(item.start_mark.line + 1, entry) for item, entry in zip(node.value, entries, strict=True)]
    faults = [
        Fault(path, row, key, "", f"is missing; every entry has a {key}")
        for row, entry in rows
        for key in required
        if not entry.get(key)
    ]
    ids = [entry.get("id") for entry in entries]
    faults += [
        Fault(path, row, "id", str(entry["id"]), "is the id of an earlier entry")
        for position, (row, entry) in enumerate(rows)
        if entry.get("id") in ids[:position]
    ]
    return rows, faults


# ---- two versions of a table


def diff(
    old: Record | str | os.PathLike, new: Record | str | os.PathLike, table: str | None = None
) -> pd.DataFrame:
    """What changed between two versions of a table: two CSV files, or two records and the name of a table.

    One line per added row, withdrawn row and revised cell: `change` (added, revised, withdrawn), the columns of
    the table's key, `column`, `before` and `after`, as text. In the order of the key. For an added or withdrawn
    row, `after` or `before` holds the whole row. A column that only one version has is one line. Raises
    ValueError, naming the file, when a file is missing, is not one of the table, or has a key twice.
    """
    if table is None and (isinstance(old, Record) or isinstance(new, Record)):
        raise ValueError("to compare records, name a table")
    record = new if isinstance(new, Record) else _record
    files = [
        v.root / v._file(known(table, v.names(), "table")) if isinstance(v, Record) else Path(v)
        for v in (old, new)
    ]
    before, after = map(_version, files)
    name = table or _table_of(files, after, record)
    resource = record._resources()[known(name, record.names(), "table")]
    key, order = resource["schema"]["primaryKey"], [field["name"] for field in resource["schema"]["fields"]]
    for file, cells in zip(files, (before, after), strict=True):
        if missing := [column for column in key if column not in cells]:
            raise ValueError(f"{file} is not a version of {name}: it has no column {', '.join(missing)}")
        if (twice := cells[cells.duplicated(key)]).size:
            raise ValueError(
                f"{file} has {', '.join(twice.iloc[0][key])} twice; it cannot be compared row by row"
            )
    rows = [
        ("column " + change, *[""] * len(key), column, "", "")
        for change, one, other in (("added", after, before), ("withdrawn", before, after))
        for column in one.columns.difference(other.columns)
    ]
    both = before.merge(after, on=key, how="outer", suffixes=("|before", "|after"), indicator=True)
    shared = [column for column in order if column in before and column in after and column not in key]
    for row in both.sort_values(key).to_dict("records"):
        at = [row[column] for column in key]
        match row["_merge"]:
            case "both":
                cells = [(column, row[f"{column}|before"], row[f"{column}|after"]) for column in shared]
                rows += [("revised", *at, *cell) for cell in cells if cell[1] != cell[2]]
            case "left_only":
                rows.append(("withdrawn", *at, "", _whole(row, shared, "before"), ""))
            case _:
                rows.append(("added", *at, "", "", _whole(row, shared, "after")))
    return pd.DataFrame(rows, columns=["change", *key, "column", "before", "after"], dtype="str")


def _version(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise ValueError(f"{file} is not there") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise ValueError(f"{file} is not a CSV file in UTF-8: {_first(error)}") from None


def _table_of(files: list[Path], cells: pd.DataFrame, record: Record) -> str:
    """The table that two files are versions of: the one of their name, or the only one with their columns."""
    if (stem := files[1].stem) in record.names():
        return stem
    columns = {
        name: {field["name"] for field in resource["schema"]["fields"]}
        for name, resource in record._resources().items()
    }
    fitting = [name for name, expected in columns.items() if expected == set(cells)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise ValueError(f"{files[1]} may be of {' or '.join(fitting)}; say which table")
    near = max(columns, key=lambda name: len(columns[name] & set(cells)) / len(columns[name] | set(cells)))
    raise ValueError(
        f"{files[1]} is not of a table of the record: no table has the columns {', '.join(cells)}; "
        f"the nearest is {near}, with {', '.join(sorted(columns[near]))}"
    )


def _whole(row: dict, columns: list[str], side: str) -> str:
    cells = [(column, row[f"{column}|{side}"]) for column in columns]
    return ", ".join(f"{column} {value}" for column, value in cells if value)


# ---- small helpers


def _frame(faults: Iterable[Fault]) -> pd.DataFrame:
    frame = pd.DataFrame(list(dict.fromkeys(faults)), columns=list(Fault._fields))
    frame["row"] = frame["row"].astype("Int64")
    return frame.sort_values(["file", "row", "column"], ignore_index=True)


def _vintages(resource: dict, name: str) -> str:
    """The table that holds the older vintages of a table: another one, or the table itself."""
    return resource.get("vintages", {}).get("resource", name)


def _last_day(vintage: str) -> pd.Timestamp:
    if not DAY.fullmatch(str(vintage)):
        raise ValueError(f"{vintage!r} is not a vintage; write YYYY, YYYY-MM or YYYY-MM-DD")
    return pd.Period(vintage).end_time.normalize()


def _rows(frame: pd.DataFrame, at: dict) -> pd.Series:
    """Which rows have these values in these columns; dates and numbers compare as they are written."""
    same = pd.Series(True, index=frame.index)
    for column, value in at.items():
        cells = frame[column]
        if pd.api.types.is_datetime64_any_dtype(cells):
            cells = cells.dt.strftime("%Y-%m-%d").str[: len(str(value))]
        same &= cells.astype("str") == str(value)
    return same


def known(name: str, names: Sequence[str], kind: str) -> str:
    """The name, if it is one of these; else LookupError, with the nearest."""
    if name not in names:
        every = f". There are: {', '.join(names)}" if len(names) <= 20 else ""
        raise LookupError(f"no {kind} {name!r}{_nearest(name, names)}{every}")
    return name


def _nearest(value: str, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(value), [a for a in allowed if isinstance(a, str)], 1, cutoff=0)
    return f"; the nearest is {near[0]}" if near else ""


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"{low:,.0f} or more"
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _first(error: Exception) -> str:
    return str(getattr(error, "problem", None) or error).splitlines()[0]


def _ids(entry: dict) -> list[str]:
    """The sources of a hand entry, whose source_id is one id, a list of ids, or missing."""
    found = entry.get("source_id") or []
    return [str(source) for source in (found if isinstance(found, list) else [found])]


def _place(folder: Path | str, key: object) -> Path:
    """Where what was read is kept under a key: by our code, the libraries that read it and how they are set."""
    read_by = (_reader(), repr(pd.options.mode.d), repr(pd.options.future.d))
    return Path(folder, "tables", sha256(repr((read_by, key)).encode()).hexdigest())


@cache
def _reader() -> tuple[str, ...]:
    own = sha256(Path(__file__).read_bytes()).hexdigest()
    return own, platform.python_version(), pd.__version__, version("pandera"), yaml.__version__


@lru_cache(maxsize=1024)
def _content(file: Path, _state: object) -> str:
    """A digest of a file as it is in a state; "" if there is none."""
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _state(file: Path) -> tuple[int, int] | None:
    """What changes when a file does; None if there is none."""
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


_record = Record(DATA)
names, about, load = _record.names, _record.about, _record.load
check, hand = _record.check, _record.hand
sources, total, correct, vintages = _record.sources, _record.total, _record.correct, _record.vintages
path, files_read, forget = _record.path, _record.files_read, _record.forget
memory, recall, keep = _record.memory, _record.recall, _record.keep
