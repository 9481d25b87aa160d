"""A sweep: one template under many values, each a notebook of its own, and a page or a PDF where asked.

The folder of a sweep holds its files, named by their values, and ``manifest.csv``: a row for each brief with its
values, what became of it, the seconds it took and two hashes: ``inputs``, of all that it was made from, and
``hash``, of what was written. The manifest grows by a row as each brief is written, so that whatever ends a sweep,
``resume`` knows what is whole.
"""

from __future__ import annotations

import csv
import fcntl
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from roxham.facts import slug
from roxham.publish.cache import digest, state, write_atomically
from roxham.publish.chapters import Chapter
from roxham.publish.cluster import Refused, plugin, side_by_side
from roxham.publish.page import PageError, printed
from roxham.publish.parameters import Parameter, ParameterError, given, nearest
from roxham.publish.runs import Kernels, Result, Run, execute
from roxham.publish.warm import MEMORY, SECONDS

MANIFEST = "manifest.csv"
OURS = (
    "brief",
    "status",
    "seconds",
    "hash",
    "inputs",
    "error",
)  # the manifest's columns besides the parameters
LONGEST = 180  # characters of a file's name, before its suffix


class SweepError(ValueError):
    """The sweep cannot be what was asked for."""


# --- what is asked for --------------------------------------------------------------------------------------


def expand(chapter: Chapter, over: list[str]) -> list[dict]:
    """Every combination of ``["province=all", "month=2022-01..2023-12"]``, in the order of the allowed values.

    Values are separated by commas; ``all`` is every allowed one, and ``first..last`` a span of months or years,
    to the end of the record if nothing follows the dots. Combinations in which a span would end before it begins
    are left out. Raises `ParameterError` for what is not allowed and `SweepError` for what is malformed or empty.
    """
    asked: dict[str, list] = {}
    for text in over:
        name, equals, values = text.partition("=")
        if not equals:
            raise SweepError(f"--over {text}: write it as name=value,value, name=all or name=first..last")
        if name in asked:
            raise SweepError(f"--over {text}: {name} is given twice")
        asked[name] = _values(_known(chapter, name), values)
    product = [dict(zip(asked, values, strict=True)) for values in itertools.product(*asked.values())]
    kept = [values for values in product if _possible(chapter, values)]
    if not kept or not asked:
        raise SweepError(
            "nothing to do: " + ("every combination ends before it begins" if asked else "no values")
        )
    return kept


def _known(chapter: Chapter, name: str) -> Parameter:
    try:
        return chapter.parameters[name]
    except KeyError:
        known = ", ".join(chapter.parameters) or "none"
        raise ParameterError(
            f"{chapter.name} has no parameter {name!r}; it has: {known}{nearest(name, list(chapter.parameters))}"
        ) from None


def _values(parameter: Parameter, text: str) -> list:
    """The allowed values that a list, a span or ``all`` names, each once."""
    if text == "all":
        return list(parameter.allowed)
    values: list = []
    parts = text.split(",")
    while parts:
        # a value may hold a comma itself: the longest that is allowed
        for length in range(len(parts), 0, -1):
            with suppress(ParameterError):
                values.append(parameter.parse(",".join(parts[:length])))
                break
        else:
            length = 1
            if not parts[0].strip():
                raise SweepError(f"{parameter.name}: {text!r} has an empty value; {parameter.describe()}")
            values += _span(parameter, parts[0]) if ".." in parts[0] else [parameter.parse(parts[0])]
        del parts[:length]
    return list(dict.fromkeys(values))


def _span(parameter: Parameter, text: str) -> list:
    match = re.fullmatch(r"([^.]+)\.\.([^.]*)", text)
    if not match or parameter.unit == "value":
        example = f"{parameter.allowed[0]}..{parameter.allowed[-1]}"
        how = f"write it as {example}" if parameter.unit != "value" else "it has no order; list its values"
        raise SweepError(f"{parameter.name}: {text!r} is not a span; {how}")
    first, last = parameter.parse(match[1]), parameter.parse(match[2] or str(parameter.allowed[-1]))
    start, end = parameter.allowed.index(first), parameter.allowed.index(last)
    if end < start:
        raise SweepError(f"{parameter.name}: {text!r} ends before it begins")
    return list(parameter.allowed[start : end + 1])


def _possible(chapter: Chapter, values: dict) -> bool:
    whole = {name: p.default for name, p in chapter.parameters.items()} | values
    return not any(p.not_before and whole[n] < whole[p.not_before] for n, p in chapter.parameters.items())


def listed(chapter: Chapter, path: Path) -> list[dict]:
    """The combinations of a CSV file, whose header names parameters: a row each.

    Raises `SweepError` or `ParameterError`, naming the row (the header is row 1), for whatever is not right.
    """
    try:
        rows = list(csv.reader(StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SweepError(f"{path}: is not CSV in UTF-8: {error}") from error
    except OSError as error:
        raise SweepError(f"{path}: {error.strerror}") from error
    header, *rest = rows or [[]]
    for name in header:
        try:
            _known(chapter, name)
        except ParameterError as error:
            raise ParameterError(f"{path}, row 1: {error}") from None
    if len(set(header)) < len(header):
        raise SweepError(f"{path}, row 1: a parameter is named twice")
    found: dict[tuple, int] = {}
    for number, row in enumerate(rest, 2):
        if not row:
            continue
        if len(row) != len(header):
            raise SweepError(f"{path}, row {number}: {len(row)} values; the header names {len(header)}")
        try:
            given(chapter.parameters, zip(header, row, strict=True), chapter.name)
            values = tuple(
                chapter.parameters[name].parse(text) for name, text in zip(header, row, strict=True)
            )
        except ParameterError as error:
            raise ParameterError(f"{path}, row {number}: {error}") from None
        if values in found:
            raise SweepError(f"{path}, row {number}: repeats row {found[values]}")
        found[values] = number
    if not found:
        raise SweepError(f"{path}: nothing to do: no row of values under a header of parameters")
    return [dict(zip(header, values, strict=True)) for values in found]


def stem(chapter: Chapter, values: dict) -> str:
    """The name of a brief's files: that of its template and of its values, in the template's order.

    The same on every machine and in every sweep over the same parameters; no two values share it.
    """
    slugs = [_slug(p, values[name]) for name, p in chapter.parameters.items() if name in values]
    whole = "-".join(filter(None, [Path(chapter.name).name, "_".join(slugs)]))
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}-{digest(whole.encode())[:8]}"


def _slug(parameter: Parameter, value: object) -> str:
    short = slug(value)
    same = [other for other in parameter.allowed if slug(other) == short]
    return (
        short
        if short and len(same) == 1
        else "-".join(filter(None, [short, digest(str(value).encode())[:6]]))
    )


# --- how it is done -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """One brief to make, as it travels to a worker."""

    chapter: Chapter
    values: dict
    formats: tuple[str, ...]

    @property
    def run(self) -> Run:
        different = {n: v for n, v in self.values.items() if v != self.chapter.parameters[n].default}
        return Run(self.chapter.name, self.chapter.source, different)


def _make(name: str, order: Order) -> tuple[Result, dict[str, bytes]]:
    """On a worker: execute a brief and print it; the files by their suffixes."""
    with plugin(name).one() as kernel:
        result = execute(order.run, kernel)
    files = {}
    if not result.fault:
        try:
            files = printed(result.notebook, order.chapter, order.values, order.formats)
        except PageError as error:
            result.error = f"{order.chapter.name}.md: {error}"
    result.notebook = None
    return result, files


@dataclass
class Sweep:
    """The briefs of a template for `values`, in `folder`; `rows` is what is known of each, by its stem."""

    chapter: Chapter
    values: list[dict]
    folder: Path
    formats: tuple[str, ...] = ("ipynb", "html")
    rows: dict[str, dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if taken := set(self.chapter.parameters) & set(OURS):
            raise SweepError(f"{self.chapter.name}: a parameter cannot be called {', '.join(sorted(taken))}")
        self.orders = {stem(self.chapter, v): Order(self.chapter, v, self.formats) for v in self.values}

        self.kept: set[str] = set()

    def what(self, name: str) -> str:
        """What became of a brief: done, kept from an earlier sweep, or failed."""
        return "kept" if name in self.kept else self.rows[name]["status"]

    def count(self, status: str) -> int:
        return sum(row["status"] == status for row in self.rows.values())

    def run(
        self,
        *,
        workers: int,
        scheduler: str | None = None,
        resume: bool = False,
        seconds: float = SECONDS,
        memory: float = MEMORY,
        progress: Callable[[int, int, int], None] = lambda done, total, failed: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Make the briefs that are not whole yet; each is written at once, and only if nothing failed in it.

        `progress` is told how many are done, of how many, and how many failed. A brief gets `seconds` and MB of
        `memory`. Raises `Refused` for a scheduler that cannot be used, `OSError` where nothing can be written;
        whatever is raised, the manifest lists what is whole.
        """
        now = state()
        inputs = {name: self._inputs(order, now) for name, order in self.orders.items()}
        total = len(self.orders)
        with self._alone():
            before = self._read() if resume else {}
            self.rows = {
                name: before[name]
                for name in self.orders
                if name in before and before[name]["inputs"] == inputs[name] and self._whole(before[name])
            }
            self.kept = set(self.rows)
            due = [name for name in self.orders if name not in self.rows]
            progress(len(self.rows), total, 0)
            if not due:
                return
            made = side_by_side(
                _make,
                [self.orders[name] for name in due],
                workers=min(workers, len(due)),
                scheduler=scheduler,
                needs=Kernels(seconds, memory),
                notice=notice,
            )
            names = {id(self.orders[name]): name for name in due}
            with self._journal() as write:
                for order, outcome in made:
                    name = names[id(order)]
                    result, files = outcome if isinstance(outcome, tuple) else (_lost(order, outcome), {})
                    self._store(name, files)
                    write(name, self._row(name, order, result, files, inputs[name]))
                    progress(len(self.rows), total, self.count("failed"))

    def _inputs(self, order: Order, now: str) -> str:
        asked = json.dumps([order.values, order.formats], sort_keys=True)
        return digest(order.chapter.source, asked.encode(), now.encode())[:16]

    def _files(self, name: str) -> list[Path]:
        return [self.folder / f"{name}.{suffix}" for suffix in self.formats]

    def _whole(self, row: dict) -> bool:
        """Whether the files are there as they were written."""
        try:
            return row["status"] == "done" and row["hash"] == _hash(
                p.read_bytes() for p in self._files(row["brief"])
            )
        except OSError:
            return False

    def _store(self, name: str, files: dict[str, bytes]) -> None:
        """Write the files of a brief, all or none; what an earlier sweep left under its name goes."""
        paths = self._files(name)
        try:
            for path, content in zip(paths, files.values(), strict=False):
                write_atomically(path, content)
        except BaseException:
            files = {}
            raise
        finally:
            if not files:
                for path in paths:
                    path.unlink(missing_ok=True)

    def _row(self, name: str, order: Order, result: Result, files: dict, inputs: str) -> dict:
        return {
            "brief": name,
            **order.values,
            "status": "failed" if result.fault else "done",
            "seconds": f"{result.seconds:.2f}",
            "hash": _hash(files.values()) if files else "",
            "inputs": inputs,
            "error": result.fault or "",
        }

    @property
    def columns(self) -> list[str]:
        asked = [name for name in self.chapter.parameters if name in self.values[0]]
        return [OURS[0], *asked, *OURS[1:]]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The folder, made if need be; one sweep at a time writes to it."""
        missing = [part for part in [self.folder, *self.folder.parents] if not part.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise SweepError(f"{self.folder}: another sweep is writing to it") from error
        finally:
            os.close(handle)
            with suppress(OSError):  # nothing was written to it
                for part in missing:
                    part.rmdir()

    def _read(self) -> dict[str, dict]:
        """The rows of the manifest that are whole, by their stems."""
        try:
            with (self.folder / MANIFEST).open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error):
            return {}
        return {
            row["brief"]: row for row in rows if set(row) == set(self.columns) and None not in row.values()
        }

    @contextmanager
    def _journal(self) -> Iterator[Callable[[str, dict], None]]:
        """What adds a row to the manifest; at the end its rows stand in the order of the sweep."""
        path, begun = self.folder / MANIFEST, False

        def write(name: str, row: dict) -> None:
            nonlocal begun
            if not begun:  # until something is written, what an earlier sweep left is true
                write_atomically(path, self._text())
                begun = True
            with path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self.columns, lineterminator="\n").writerow(row)
            self.rows[name] = row

        try:
            yield write
        finally:
            self.rows = {name: self.rows[name] for name in self.orders if name in self.rows}
            if begun:
                with suppress(OSError):  # on a full disk the rows as they came are all there is
                    write_atomically(path, self._text())

    def _text(self) -> str:
        text = StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows.values())
        return text.getvalue()


def _hash(contents) -> str:
    return digest(*contents)


def _lost(order: Order, error: Exception) -> Result:
    """The outcome of a brief that no worker could bring to its end."""
    if isinstance(error, Refused):
        raise error
    return Result(order.chapter.name, error=f"{order.chapter.name}.md: {type(error).__name__}: {error}")
