"""Executing notebooks: one run, and many of them side by side on dask.distributed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from distributed import WorkerPlugin, as_completed, get_worker

from roxham.publish.cache import fingerprints
from roxham.publish.cluster import connected

CELL_SECONDS = 600  # a cell that takes longer hangs
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


def execute(run: Run, kernel) -> Result:
    """Execute one notebook on a warm kernel.

    The files' fingerprints are taken before it starts: a file that changes meanwhile makes the stored entry
    invalid, never wrong.
    """
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from roxham.publish.chapters import Chapter

    started = time.perf_counter()
    before = fingerprints()
    try:
        executed = papermill.execute_notebook(
            Chapter(run.name, run.source).notebook,
            None,
            parameters=run.parameters,
            engine_name="roxham",
            kernel=kernel,
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=CELL_SECONDS,
        )
        dependencies = {path: before.get(path, "new") for path in kernel.dependencies()}
    except PapermillExecutionError as error:
        kernel.stop()
        return Result(run.name, seconds=time.perf_counter() - started, error=_explain(run, error))
    except Exception as error:
        kernel.stop()
        return Result(
            run.name,
            seconds=time.perf_counter() - started,
            error=f"{run.name}.md: {type(error).__name__}: {error}",
        )
    seconds = time.perf_counter() - started
    warned = _warned(run, executed)
    return Result(run.name, nbformat.writes(_timeless(executed)), dependencies, seconds, warned=warned)


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


class Kernels(WorkerPlugin):
    """Gives each dask worker one warm kernel, started by its first run and ended with the worker."""

    name = "roxham-kernels"

    def setup(self, worker) -> None:
        from roxham.publish.warm import WarmKernel

        self.kernel = WarmKernel()

    def teardown(self, worker) -> None:
        self.kernel.stop()


def _on_worker(run: Run) -> Result:
    return execute(run, get_worker().plugins[Kernels.name].kernel)


def execute_all(
    runs: Iterable[Run], workers: int, scheduler: str | None, done: Callable[[Result], None]
) -> list[Result]:
    """Execute runs side by side; `done` is called with each result as it comes. Results in the order of runs.

    An embedded dask cluster by default, with one warm kernel a worker; `scheduler` names another.
    Raises `ConnectionError` if that one does not answer within 10 s.
    """
    runs = list(runs)
    if not runs:
        return []
    with connected(min(workers, len(runs)), scheduler) as client:
        client.register_plugin(Kernels())
        futures = client.map(_on_worker, runs, pure=False)
        results = {}
        for future in as_completed(futures):
            result = future.result()
            results[future.key] = result
            done(result)
        client.unregister_worker_plugin(Kernels.name)
        return [results[f.key] for f in futures]
