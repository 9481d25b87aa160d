"""Measure the build beside its peers: the same chapters, the same machine, one run. `make bench`.

Prints a table and saves it as ``_build/bench.csv``. Each row is the median of several whole commands, timed from
outside; copies of the checkout keep the runs apart.
"""

from __future__ import annotations

import csv
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
TIMES = 3


def copy(folder: Path) -> Path:
    """A copy of the checkout without anything built."""
    ignore = shutil.ignore_patterns("_build", ".venv", ".git", "__pycache__", "*.egg-info")
    return shutil.copytree(ROOT, folder, ignore=ignore)


def seconds(command: list, folder: Path) -> float:
    """How long a command takes, by the clock; one that fails ends the benchmark."""
    environment = os.environ | {"PYTHONPATH": str(folder / "scripts")}
    started = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"bench: {command} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - started


def main() -> None:
    roxham = [sys.executable, "-m", "roxham.cli"]
    stock = [BIN / "jupyter-book", "build", "."]
    chapter, asked = "chapters/03-the-count.md", ["-p", "province", "Manitoba"]
    rows: dict[str, list[float]] = {}

    def measure(name: str, command: list, folder: Path) -> None:
        rows.setdefault(name, []).append(seconds(command, folder))
        print(f"{name}: {rows[name][-1]:.2f} s", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(TIMES):
            ours, theirs = (copy(Path(scratch) / f"{who}-{turn}") for who in ("ours", "theirs"))
            measure("cold build: roxham build", [*roxham, "build"], ours)
            measure("cold build: jupyter-book build", stock, theirs)
            measure("no change: roxham build", [*roxham, "build"], ours)
            measure("no change: jupyter-book build", stock, theirs)
            measure("jupyter-book --version (its own start)", [BIN / "jupyter-book", "--version"], ours)
            for folder in (ours, theirs):
                (folder / chapter).write_text(
                    (folder / chapter).read_text().replace("# The count\n", "# Count\n", 1)
                )
            measure("one heading edited: roxham build", [*roxham, "build"], ours)
            measure("one heading edited: jupyter-book build", stock, theirs)
            for folder in (ours, theirs):
                path = folder / chapter
                path.write_text(path.read_text().replace("year = 2022  #", "year = 2021  #", 1))
            measure("one cell edited: roxham build", [*roxham, "build"], ours)
            measure("one cell edited: jupyter-book build", stock, theirs)
            measure("one rerun: roxham run", [*roxham, "run", chapter, *asked], ours)
            recipe = (
                f"{BIN / 'jupytext'} --to ipynb --output - {chapter}"
                f" | {BIN / 'papermill'} - out.ipynb {' '.join(asked)}"
            )
            measure("one rerun: jupytext | papermill (no page)", ["bash", "-c", recipe], ours)
            for folder in (ours, theirs):
                shutil.rmtree(folder)

    target = ROOT / "_build" / "bench.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["what", "median_seconds", "lowest", "highest", "runs"])
        for name, times in rows.items():
            median = statistics.median(times)
            out.writerow([name, f"{median:.2f}", f"{min(times):.2f}", f"{max(times):.2f}", len(times)])
            print(f"{median:8.2f} s  ({min(times):.2f} to {max(times):.2f})  {name}")
    print(target.relative_to(ROOT))


main()
