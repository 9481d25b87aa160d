"""Executing notebooks: one run, and many of them side by side on dask.distributed."""

from __future__ import annotations

import copy
import functools
import re
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from roxham.publish.cache import fingerprints
from roxham.publish.chapters import Chapter
from roxham.publish.cluster import Alike, plugin, side_by_side
from roxham.publish.warm import MEMORY, SECONDS, KernelLost, WarmKernel

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """One notebook to execute: a chapter's name and source, and the parameters that differ from its defaults."""

    name: str
    source: bytes
    parameters: dict = field(default_factory=dict)


@dataclass
class Result:
    """What became of a run: the executed notebook (JSON) and its dependencies, or the error.

    ``warned`` is what a cell wrote to stderr first, if any did: no page may show it.
    """

    name: str
    notebook: str | None = None
    dependencies: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    warned: str | None = None

    @property
    def fault(self) -> str | None:
        """Why this may not be published: an error, or a warning that would stand on the page."""
        return self.error or self.warned


def execute(run: Run, kernel: WarmKernel) -> Result:
    """Execute one notebook on a warm kernel; once more, on a new one, if the kernel is lost.

    The files' fingerprints are taken before it starts: a file that changes meanwhile makes the stored entry
    invalid, never wrong.
    """
    started = time.perf_counter()
    try:
        try:
            result = _executed(run, kernel)
        except KernelLost:
            result = _executed(run, kernel)
    except KernelLost as error:
        result = Result(run.name, error=f"{run.name}.md: KernelLost: {error}, twice")
    except PapermillExecutionError as error:
        kernel.stop()
        result = Result(run.name, error=_explain(run, error))
    except Exception as error:
        kernel.stop()
        result = Result(run.name, error=f"{run.name}.md: {type(error).__name__}: {error}")
    result.seconds = time.perf_counter() - started
    return result


def _executed(run: Run, kernel: WarmKernel) -> Result:
    before = fingerprints()
    notebook = papermill.execute_notebook(
        copy.deepcopy(_parsed(run.name, run.source)),
        None,
        parameters=run.parameters,
        engine_name="roxham",
        kernel=kernel,
        kernel_name="python3",
        progress_bar=False,
    )
    dependencies = {path: before.get(path, "new") for path in kernel.dependencies()}
    warned = _warned(run, notebook)
    return Result(run.name, nbformat.writes(_timeless(notebook)), dependencies, warned=warned)


@functools.lru_cache(maxsize=32)
def _parsed(name: str, source: bytes):
    """A template is read once, however many runs it has; papermill writes into what it is given."""
    return Chapter(name, source).notebook


def _timeless(notebook):
    """Without the times, ids and paths that differ from one run to the next."""
    pm = notebook.metadata.pop("papermill", {})
    notebook.metadata.setdefault("roxham", {})["given"] = dict(pm.get("parameters", {}))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "outputs" in cell:
            cell.outputs = _whole(cell.outputs)
    return notebook


def _whole(outputs: list) -> list:
    """What a cell printed in one piece: how it arrives depends on how busy the machine is."""
    joined: list = []
    for output in outputs:
        before = joined[-1] if joined else None
        if before and output.output_type == before.output_type == "stream" and output.name == before.name:
            before.text += output.text
        else:
            joined.append(output)
    return joined


def _warned(run: Run, executed) -> str | None:
    """The first thing that a cell wrote to stderr: a warning would stand on the page, with this machine's paths."""
    for number, cell in enumerate(executed.cells):
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                first = next((line for line in cell.source.splitlines() if line.strip()), "")
                line = _line(run.source.decode(), cell.source)
                return (
                    f"{run.name}.md{f', line {line}' if line else ''}, cell {number} (`{first.strip()}`): "
                    f"it wrote to stderr, which would stand on the page: {output.text.strip()}"
                )
    return None


def _explain(run: Run, error) -> str:
    """Chapter, cell, error and the last frames of the traceback."""
    source = error.source if isinstance(error.source, str) else "".join(error.source)
    first = next((line for line in source.splitlines() if line.strip()), "")
    line = _line(run.source.decode(), source)
    trace = _COLOURS.sub("", "\n".join(error.traceback)).strip().splitlines()
    frames = [t for t in trace if re.match(r"(Cell In\[|File )|-+>", t)]
    return "\n".join(
        [
            f"{run.name}.md{f', line {line}' if line else ''}, cell {error.cell_index} (`{first.strip()}`): "
            f"{error.ename}: {error.evalue}",
            *(f"    {t}" for t in (frames or trace)[-10:]),
        ]
    )


def _line(text: str, cell: str) -> int | None:
    """The line of the chapter on which a cell's code starts, counted from 1."""
    start = text.find(cell)
    return text.count("\n", 0, start) + 1 if cell and start >= 0 else None


class Kernels(Alike):
    """Gives each thread of a dask worker a warm kernel, started by its first run and ended with the work."""

    def __init__(self, seconds: float = SECONDS, memory: float = MEMORY) -> None:
        super().__init__()
        self.limits = seconds, memory

    def setup(self, worker) -> None:
        super().setup(worker)
        self.all, self.idle, self.ended = [], deque(), False

    def teardown(self, worker) -> None:
        self.ended = True
        for kernel in getattr(self, "all", []):
            kernel.end()

    @contextmanager
    def one(self) -> Iterator[WarmKernel]:
        """A kernel that no other thread uses meanwhile."""
        try:
            kernel = self.idle.pop()
        except IndexError:
            kernel = WarmKernel(*self.limits)
            self.all.append(kernel)
        try:
            yield kernel
        finally:
            self.idle.append(kernel)


def _on_worker(name: str, run: Run) -> Result:
    with plugin(name).one() as kernel:
        return execute(run, kernel)


def executed(
    runs: Sequence[Run], workers: int, scheduler: str | None, needs: Kernels | None = None
) -> Iterator[tuple[Run, Result]]:
    """Execute runs side by side; each with its result, as they come.

    An embedded dask cluster by default, with one warm kernel a worker; `scheduler` names another.
    Raises as `cluster.side_by_side`.
    """
    made = side_by_side(
        _on_worker, runs, workers=min(workers, len(runs)), scheduler=scheduler, needs=needs or Kernels()
    )
    for run, outcome in made:
        if isinstance(outcome, Exception):  # every worker that tried it was lost
            outcome = Result(run.name, error=f"{run.name}: {type(outcome).__name__}: {outcome}")
        yield run, outcome
