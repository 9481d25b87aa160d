"""A sweep: one template under many values, each a notebook of its own, and a page or a PDF where asked.

The folder of a sweep holds its files, named by their values, and ``manifest.csv``: a row for each brief with its
values, what became of it, the seconds it took and two hashes: ``inputs``, of all that it was made from, and
``hash``, of what was written. The manifest grows by a row as each brief is written, so that whatever ends a sweep,
``resume`` knows what is whole.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from roxham.publish.asked import SweepError, stem
from roxham.publish.cache import digest, state, write_atomically
from roxham.publish.chapters import Chapter
from roxham.publish.cluster import Refused, plugin, side_by_side
from roxham.publish.page import PageError, printed
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
