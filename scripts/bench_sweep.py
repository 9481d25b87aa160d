"""Measure the sweep beside papermill: the same template, the same values, the same machine, one run.

    python scripts/bench_sweep.py [TEMPLATE [PARAMETER]] [--many 100] [--most 1000] [--each 8]

prints a table and saves it as ``_build/bench_sweep.csv``. Time is the clock's, CPU seconds are those of a command
with all its children. The marginal cost of a brief is the slope between a small sweep and a larger one, so that
the start is left out; papermill has nothing to leave out. No drawing is kept from one brief to the next, so that
both draw everything.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

import jupytext
import psutil

from roxham.publish.chapters import find

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
API = """
import sys, json, papermill
for number, values in enumerate(json.load(open(sys.argv[2]))):
    papermill.execute_notebook(sys.argv[1], f"{sys.argv[3]}/{number}.ipynb", values, progress_bar=False)
"""


def measured(command: list, watch: bool = False) -> dict:
    """Clock and CPU seconds of a command with its children; with `watch`, the most memory its own process held."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "scripts"),
        "ROXHAM_CACHE": "",
        "ROXHAM_FIGURES": "site",
    }
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    peak = [0.0]
    if watch:
        threading.Thread(target=_watch, args=[done, peak], daemon=True).start()
    _, said = done.communicate()
    if done.returncode:
        sys.exit(f"bench: {command} failed:\n{said.decode()[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = sum(getattr(after, k) - getattr(before, k) for k in ("ru_utime", "ru_stime"))
    return {"seconds": time.perf_counter() - started, "cpu": cpu, "memory": peak[0]}


def _watch(process: subprocess.Popen, peak: list) -> None:
    while process.poll() is None:
        try:
            peak[0] = max(peak[0], psutil.Process(process.pid).memory_info().rss / 2**20)
        except psutil.Error:
            return
        time.sleep(0.5)


def left_over(folder: Path, mark: str) -> int:
    """What a sweep may not leave: processes with its mark in their environment, files in its temporary folder."""
    processes = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ended, or is not ours to ask
            marked = process.environ().get("ROXHAM_BENCH") == mark
            processes += marked and process.pid != os.getpid()
    return processes + len(list(folder.iterdir()))


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("template", nargs="?", default="the-count")
    ask.add_argument("parameter", nargs="?")
    ask.add_argument("--many", type=int, default=100)
    ask.add_argument("--most", type=int, default=1000)
    ask.add_argument("--each", type=int, default=8, help="briefs that papermill is given")
    asked = ask.parse_args()
    template = find(asked.template)
    parameters = list(template.parameters.values())
    first = (
        template.parameters[asked.parameter]
        if asked.parameter
        else max(parameters, key=lambda p: len(p.allowed))
    )
    rest = [p for p in parameters if p is not first and not p.not_before]
    product = itertools.product(first.allowed, *(p.allowed for p in rest))
    names = [first.name, *(p.name for p in rest)]
    values = [dict(zip(names, v, strict=True)) for v in itertools.islice(product, asked.most)]
    values = (
        list(itertools.islice(itertools.cycle(values), asked.most)) if len(values) < asked.most else values
    )
    rows: list[tuple[str, float, str]] = []

    def row(name: str, value: float, unit: str) -> None:
        rows.append((name, value, unit))
        print(f"{value:10.2f} {unit:12} {name}", flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "tmp").mkdir()
        os.environ |= {"TMPDIR": str(folder / "tmp"), "ROXHAM_BENCH": (mark := uuid4().hex)}
        stored = folder / "template.ipynb"
        jupytext.write(template.notebook, stored)

        def ours(count: int, workers: int, watch: bool = False) -> dict:
            listing = folder / "values.csv"
            with listing.open("w", newline="") as file:
                out = csv.DictWriter(file, names)
                out.writeheader()
                out.writerows(values[:count])
            command = [
                PYTHON,
                "-m",
                "roxham.cli",
                "sweep",
                template.name,
                "--from",
                listing,
                "--format",
                "ipynb",
            ]
            got = measured(
                [*command, "--workers", workers, "--out", folder / f"out-{count}-{workers}"], watch
            )
            return got | {"count": len(values[:count])}

        few = values[: asked.each]
        loose = []
        for one in few:
            given = itertools.chain.from_iterable(("-p", name, value) for name, value in one.items())
            loose.append(measured([PYTHON, "-m", "papermill", stored, folder / "one.ipynb", *given]))
        command = {k: sum(m[k] for m in loose) / len(loose) for k in ("cpu", "seconds")}
        row("papermill from the command line, a brief", command["cpu"], "CPU s")
        row("papermill from the command line, a brief", command["seconds"], "s")

        (folder / "loop.py").write_text(API)
        (folder / "values.json").write_text(json.dumps(few))
        (folder / "loop").mkdir()
        loop = measured([PYTHON, folder / "loop.py", stored, folder / "values.json", folder / "loop"])
        row("papermill's API in a loop, a brief", loop["cpu"] / len(few), "CPU s")
        row("papermill's API in a loop, a brief", loop["seconds"] / len(few), "s")

        small = ours(4, 1)
        large = ours(4 + asked.each * 2, 1)
        marginal = (large["cpu"] - small["cpu"]) / (large["count"] - small["count"])
        row("roxham sweep, one brief more", marginal, "CPU s")
        row("roxham sweep, one brief more, against papermill's command", marginal / command["cpu"], "times")
        row(
            "roxham sweep, one brief more, against papermill's API",
            marginal / (loop["cpu"] / len(few)),
            "times",
        )

        for file in (folder / "tmp").iterdir():  # papermill's
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        many = ours(asked.many, 2, watch=True)
        row(f"roxham sweep, {many['count']} briefs, 2 workers", many["seconds"], "s")
        row(f"roxham sweep, {many['count']} briefs, 2 workers", many["cpu"], "CPU s")
        row(
            f"serial papermill for {many['count']}, at its pace above",
            command["seconds"] * many["count"],
            "s",
        )
        row("so many times faster", command["seconds"] * many["count"] / many["seconds"], "times")
        if asked.most > asked.many:
            most = ours(asked.most, 2, watch=True)
            row(f"roxham sweep, {most['count']} briefs, 2 workers", most["seconds"], "s")
            row(f"{most['count']} briefs against {many['count']}", most["seconds"] / many["seconds"], "times")
            row("memory of the command, against the same", most["memory"] / many["memory"], "times")
        row("processes and folders left", left_over(folder / "tmp", mark), "")

    target = ROOT / "_build" / "bench_sweep.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["what", "value", "unit"])
        out.writerows((name, f"{value:.3f}", unit) for name, value, unit in rows)
    print(target.relative_to(ROOT))


main()
