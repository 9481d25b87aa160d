"""A study: one design under every combination of choices, as a sweep that survives the loss of a worker.

A study of `roxham.models.studies` is cut into pieces; each is computed by a dask worker and written as a part of its
own, so that a study that was stopped goes on where it was (``resume``). The parts become one table at the end.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from roxham.publish.cache import state, write_atomically
from roxham.publish.cluster import side_by_side

PIECE = 100  # specifications a part: some seconds of work, so that little is lost with a worker


class StudyError(RuntimeError):
    """The study cannot be run, or some of its parts failed."""


def version() -> str:
    """The state of what a study depends on: the models, the record, the environment. 16 hex digits."""
    return state("scripts/roxham/models/", "scripts/roxham/tables.py", "scripts/roxham/derived.py", "data/")


def _piece(_, piece: tuple[str, int, int]) -> str:
    """On a worker: the specifications from the first up to the last of a study, as CSV."""
    from roxham.models import studies

    name, first, last = piece
    study = studies.STUDIES[name]()
    rows = [{"specification": i} | study.specification(i) | study.fit(i) for i in range(first, last)]
    return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")


def run(
    name: str,
    out: Path,
    *,
    workers: int,
    scheduler: str | None = None,
    resume: bool = False,
    limit: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Run the study ``name``; write its table to ``out`` (CSV), one row a specification, in their order.

    ``limit`` takes the first so many specifications. ``progress`` is told how many are done, and of how many.
    Raises `StudyError` if a part failed (the others are kept for ``resume``), or if what ``resume`` finds was
    computed from other code or tables; `ConnectionError` if the scheduler does not answer.
    """
    from roxham.models import studies

    total = len(studies.STUDIES[name]())
    total = min(total, limit or total)
    folder, now = out.with_name(out.name + ".parts"), version()
    about = {"study": name, "specifications": total, "version": now}
    if resume and (folder / "study.json").exists():
        before = json.loads((folder / "study.json").read_text())
        if before != about:
            was, want = (", ".join(f"{k} {v}" for k, v in d.items()) for d in (before, about))
            raise StudyError(
                f"{folder} holds parts of another study ({was}; this one: {want}); run without --resume"
            )
    elif folder.exists():
        shutil.rmtree(folder)
    write_atomically(folder / "study.json", json.dumps(about))
    part = {i: folder / f"{i:07d}.csv" for i in range(0, total, PIECE)}
    due = [i for i, path in part.items() if not path.exists()]
    done = sum(min(PIECE, total - i) for i in part if i not in due)
    progress(done, total)
    failed: dict[int, Exception] = {}
    pieces = [(name, i, min(i + PIECE, total)) for i in due]
    if due:
        made = side_by_side(
            _piece, pieces, workers=min(workers, len(due)), scheduler=scheduler, processes=True
        )
        for (_, first, last), outcome in made:
            if isinstance(outcome, Exception):
                failed[first] = outcome
            else:
                write_atomically(part[first], outcome)
            done += last - first
            progress(done, total)
    if failed:
        first, error = min(failed.items())
        raise StudyError(
            f"{len(failed)} of {len(part)} parts failed, the first at specification {first}: "
            f"{type(error).__name__}: {error}; the others are in {folder}, for --resume"
        )
    table = pd.concat([pd.read_csv(path, keep_default_na=False) for path in part.values()], ignore_index=True)
    write_atomically(out, table.to_csv(index=False, lineterminator="\n"))
    shutil.rmtree(folder)
    return table
