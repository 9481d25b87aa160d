"""A sweep makes every brief once, whole and the same, whatever fails, is killed or runs full meanwhile."""

import csv
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from project import CHECKOUT, Project

from roxham.cli import main
from roxham.publish import asked, chromium, sweep
from roxham.publish.chapters import Chapter, find
from roxham.publish.parameters import ParameterError

CHEAP = """
    ---
    file_format: mystnb
    kernelspec: {name: python3, display_name: Python 3, language: python}
    roxham:
      parameters:
        sector: {from: southbound.sector}
        month: {from: southbound.month, unit: month}
    ---
    # One month of one sector

    ```{code-cell} ipython3
    :tags: [parameters, remove-cell]
    sector = "Swanton"  # the sector
    month = "2022-01"  # the month
    ```

    ```{code-cell} ipython3
    import time
    from roxham import tables
    from roxham.facts import facts
    if sector == "Havre":
        raise LookupError("no such door")
    if sector == "Houlton":
        time.sleep(0.5)
    if sector == "Spokane":
        print("x" * 3_000_000)
    counts = tables.load("southbound").query("sector == @sector and month == @month")
    facts(encounters=str(counts.encounters.sum()))
    ```

    In that month {glue:text}`encounters` people were met.
    """


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """The project with one template more, which costs next to nothing, and which fails for Havre."""
    copy = Project.of_checkout(tmp_path_factory.mktemp("sweep") / "book")
    (copy.root / "chapters/briefs").mkdir(exist_ok=True)
    (copy.root / "chapters/briefs/cheap.md").write_text(textwrap.dedent(CHEAP).strip() + "\n")
    return copy


@pytest.fixture(scope="module")
def cheap() -> Chapter:
    return Chapter("chapters/briefs/cheap", (textwrap.dedent(CHEAP).strip() + "\n").encode())


def rows(folder: Path) -> list[dict]:
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "manifest.csv"}


FORTY = ["--over", "sector=Blaine,Buffalo,Detroit,Swanton", "--over", "month=2022-01..2022-10"]


@pytest.fixture(scope="module")
def alone(project, tmp_path_factory) -> Path:
    """Forty briefs, as one worker makes them."""
    out = tmp_path_factory.mktemp("alone") / "out"
    done = project.roxham("sweep", "cheap", *FORTY, "--workers", 1, "--format", "ipynb", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "One month of one sector: 40 of 40" in done.stderr and re.search(r"made\W+40\W", done.stderr)
    return out


# --- what is asked for


def test_a_product_is_in_order_and_each_value_stands_in_it_once(cheap):
    got = asked.expand(cheap, ["month=2022-11..2023-02,2023-01", "sector=Swanton,Blaine"])
    assert len(got) == 8
    assert got[0] == {"month": "2022-11", "sector": "Swanton"}
    assert [v["month"] for v in got[::2]] == ["2022-11", "2022-12", "2023-01", "2023-02"]
    assert asked.expand(cheap, ["month=2026-07.."])[-1] == {"month": cheap.parameters["month"].allowed[-1]}
    assert len(asked.expand(cheap, ["sector=all"])) == len(cheap.parameters["sector"].allowed)


def test_a_value_may_hold_a_comma():
    text = (
        textwrap.dedent(CHEAP).strip().replace("{from: southbound.sector}", "{values: ['A, B', A, Swanton]}")
    )
    got = asked.expand(Chapter("c", text.encode()), ["sector=A, B,A"])
    assert [v["sector"] for v in got] == ["A, B", "A"]


def test_combinations_that_end_before_they_begin_are_left_out():
    got = asked.expand(find("the-count"), ["start=2018-01,2019-01", "end=2018-06,2019-06"])
    assert [(v["start"], v["end"]) for v in got] == [
        ("2018-01", "2018-06"),
        ("2018-01", "2019-06"),
        ("2019-01", "2019-06"),
    ]
    with pytest.raises(asked.SweepError, match="every combination ends before it begins"):
        asked.expand(find("the-count"), ["start=2019-01", "end=2018-06"])


def test_names_of_files_are_plain_stable_and_never_shared():
    text = textwrap.dedent(CHEAP).strip()
    text = text.replace("{from: southbound.sector}", "{values: ['Türkiye', 'Turkiye', '../x', '…', Swanton]}")
    one = Chapter("chapters/briefs/cheap", text.encode())
    names = [asked.stem(one, v) for v in asked.expand(one, ["sector=all", "month=2022-01"])]
    assert len(set(names)) == 5 and all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names)
    assert names[2] == "cheap-x_2022-01" and names[4] == "cheap-swanton_2022-01"
    assert names[0] == asked.stem(one, {"month": "2022-01", "sector": "Türkiye"})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["the-cuont", "--over", "year=all"], "no chapter 'the-cuont'.*nearest: 03-the-count"),
        (["the-count"], "give --over or --from"),
        (["the-count", "--over", "yaer=all"], "no parameter 'yaer'.*nearest: year"),
        (["the-count", "--over", "province=Manitobaa"], "'Manitobaa' is not allowed.*nearest: Manitoba"),
        (["the-count", "--over", "province="], "empty value"),
        (["the-count", "--over", "year"], "write it as name=value,value"),
        (["the-count", "--over", "year=all", "--over", "year=all"], "year is given twice"),
        (["the-count", "--over", "start=2022-05..2022-01"], "ends before it begins"),
        (["the-count", "--over", "start=2022-05...2022-06"], "not a span; write it as 2017-01.."),
        (["the-count", "--over", "start=1900-01..2022-06"], "month from 2017-01 .*nearest: 2017-01"),
        (["the-count", "--over", "province=A..B"], "it has no order"),
        (["the-count", "--over", "year=all", "--format", "doc"], "allowed are ipynb, html, pdf"),
        (["the-count", "--over", "year=all", "--out", str(CHECKOUT / "README.md/x")], "README.md is a file"),
        (["the-count", "--over", "year=all", "--workers", "0"], "not in the range"),
        (["the-count", "--from", "none.csv"], "none.csv: No such file"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_bad_words_get_one_clear_error_and_write_nothing(tmp_path, words, said):
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    done = CliRunner().invoke(main, ["sweep", *words, *out])
    assert done.exit_code == 2 and re.search(said, done.stderr, re.S), done.stderr
    assert done.stdout == "" and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sector,month\nSwanton,2022-01\nBlaine\n", "row 3: 1 values; the header names 2"),
        ("sector,month\nSwanton,2022-01\nBlaine,2022-13\n", "row 3: month: '2022-13' is not allowed"),
        ("sector,month\nSwantn,2022-01\n", "row 2: sector: 'Swantn'.*nearest: Swanton"),
        ("sectr\nSwanton\n", "row 1: .*no parameter 'sectr'.*nearest: sector"),
        ("sector\nSwanton\nBlaine\nSwanton\n", "row 4: repeats row 2"),
        ("sector,sector\nSwanton,Blaine\n", "row 1: a parameter is named twice"),
        ("sector\n", "nothing to do"),
        ("", "nothing to do"),
        ('sector\n"Swanton\n', "is not CSV"),
        (b"sector\nQu\xe9bec\n", "is not CSV in UTF-8"),
    ],
)
def test_a_bad_list_is_refused_by_its_row(cheap, tmp_path, text, said):
    path = tmp_path / "params.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises((asked.SweepError, ParameterError), match=said):
        asked.listed(cheap, path)


def test_a_list_is_taken_row_by_row(cheap, tmp_path):
    (tmp_path / "p.csv").write_text("\ufeffmonth,sector\n2022-01,Swanton\n\n2023-05,Blaine\n")
    got = asked.listed(cheap, tmp_path / "p.csv")
    assert got == [{"month": "2022-01", "sector": "Swanton"}, {"month": "2023-05", "sector": "Blaine"}]


# --- what is made


def test_one_that_fails_stops_no_other_and_is_named(project, tmp_path):
    out = tmp_path / "out"
    (out).mkdir()
    (out / "cheap-havre.html").write_text("of an earlier sweep")
    formats = ["--format", "ipynb,html,pdf"]
    done = project.roxham("sweep", "cheap", "--over", "sector=Havre,Houlton,Swanton", *formats, "--out", out)
    assert done.returncode == 1 and done.stdout.strip().endswith("manifest.csv")
    assert "cheap-havre: chapters/briefs/cheap.md, line" in done.stderr and "no such door" in done.stderr
    assert "1 of 3 failed" in done.stderr, done.stderr
    assert [(r["brief"], r["sector"], r["status"]) for r in rows(out)] == [
        ("cheap-havre", "Havre", "failed"),
        ("cheap-houlton", "Houlton", "done"),
        ("cheap-swanton", "Swanton", "done"),
    ]
    made = {f"cheap-{s}.{f}" for s in ("houlton", "swanton") for f in ("ipynb", "html", "pdf")}
    assert {p.name for p in out.iterdir()} == {"manifest.csv", *made}
    assert "people were met" in (out / "cheap-swanton.html").read_text()


def test_resume_makes_what_is_missing_and_what_is_no_longer_true(project, alone, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(alone, out)
    before = contents(out)
    (out / "cheap-blaine_2022-01.ipynb").unlink()
    (out / "cheap-blaine_2022-02.ipynb").write_text("{}")
    other = (out / "manifest.csv").read_text().splitlines(keepends=True)
    other[3] = re.sub(r",[0-9a-f]{16},", ",0123456789abcdef,", other[3])  # made of another record
    other[-1] = other[-1][:20]  # a line that was being written
    (out / "manifest.csv").write_text("".join(other))
    done = project.roxham("sweep", "cheap", *FORTY, "--format", "ipynb", "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    assert re.search(r"made\W+4\W", done.stderr) and re.search(r"kept\W+36\W", done.stderr)
    assert contents(out) == before
    assert [r["brief"] for r in rows(out)] == [r["brief"] for r in rows(alone)]


def test_an_interrupted_sweep_says_what_is_done(project, tmp_path):
    out = tmp_path / "out"
    slow = ["--over", "sector=Houlton", "--over", "month=2022-01..2025-04", "--format", "ipynb"]
    running = subprocess.Popen(
        project.command("sweep", "cheap", *slow, "--out", out),
        cwd=project.root,
        env=project.environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # as in a terminal
    )
    while running.poll() is None and len(list(out.glob("*.ipynb"))) < 3:
        time.sleep(0.02)
    family = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in said, said
    found = re.search(r"stopped; (\d+) of 40 are done and kept in .*--resume", said)
    whole = contents(out)
    assert int(found[1]) == len(whole) == len(rows(out)) < 40
    assert all(json.loads(content)["cells"] for content in whole.values())
    psutil.wait_procs(family, timeout=10)
    assert not [p for p in family if p.is_running()]


def test_a_full_disk_is_one_line_and_leaves_only_whole_files(project, tmp_path):
    out = tmp_path / "out"
    words = project.command("sweep", "cheap", "--over", "sector=Swanton,Spokane", "--workers", 1)
    done = subprocess.run(
        [*words, "--format", "ipynb", "--out", out],
        cwd=project.root,
        env=project.environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)),
    )
    assert done.returncode == 1 and "File too large" in done.stderr and "Traceback" not in done.stderr
    assert "1 of 2 are done and kept" in done.stderr
    assert {p.name for p in out.iterdir()} == {"manifest.csv", "cheap-swanton.ipynb"}
    json.loads((out / "cheap-swanton.ipynb").read_text())


def test_two_sweeps_do_not_write_to_one_folder(cheap, tmp_path):
    one = sweep.Sweep(cheap, [{"sector": "Swanton"}], tmp_path)
    with one._alone(), pytest.raises(asked.SweepError, match="another sweep is writing"):
        one.run(workers=1)


def test_what_is_printed_on_paper_is_the_same_each_time():
    page = "<!doctype html><html lang='en'><title>One</title><h1>One</h1><p>Text.</p></html>"
    first = chromium.pdf(page)
    assert first.startswith(b"%PDF") and b"/StructTreeRoot" in first
    assert chromium.pdf(page) == first


def test_without_a_chromium_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("ROXHAM_CHROMIUM", "/nowhere/chromium")
    out = str(tmp_path / "out")
    done = CliRunner().invoke(
        main, ["sweep", "the-count", "--over", "year=2022", "--format", "pdf", "--out", out]
    )
    assert done.exit_code == 2 and "'/nowhere/chromium', which is no program" in done.stderr
    assert not (tmp_path / "out").exists()


# --- on a cluster


class Cluster:
    """A real scheduler and real workers, on the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.file, self.processes = folder / "scheduler.json", []

    def start(self, project: Project, *words) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *map(str, words), "--host", "127.0.0.1"]
        with open(self.file.with_suffix(".log"), "ab") as log:
            self.processes.append(
                subprocess.Popen(command, env=project.environment, cwd=project.root, stdout=log, stderr=log)
            )
        return self.processes[-1]

    def scheduler(self, project: Project) -> str:
        self.start(project, "scheduler", "--port", 0, "--no-dashboard", "--scheduler-file", self.file)
        while not self.file.exists():
            time.sleep(0.05)
        return json.loads(self.file.read_text())["address"]

    def worker(self, project: Project) -> subprocess.Popen:
        one = ["--nthreads", 1, "--no-dashboard", "--no-nanny"]
        return self.start(project, "worker", "--scheduler-file", self.file, *one)


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


def test_a_killed_worker_costs_no_brief(project, alone, cluster, tmp_path):
    address = cluster.scheduler(project)
    victim, _ = cluster.worker(project), cluster.worker(project)
    out = tmp_path / "out"
    running = project.start(
        "sweep", "cheap", *FORTY, "--format", "ipynb", "--out", out, "--scheduler", address
    )
    while running.poll() is None and len(list(out.glob("*.ipynb"))) < 5:
        time.sleep(0.02)
    os.kill(victim.pid, signal.SIGKILL)
    _, said = running.communicate(timeout=240)
    assert running.returncode == 0, said
    assert contents(out) == contents(alone)
    assert [r["brief"] for r in rows(out)] == [r["brief"] for r in rows(alone)]
    assert {r["status"] for r in rows(out)} == {"done"}


def test_a_worker_with_another_record_is_refused_with_both_versions(project, cluster, tmp_path):
    other = project.copy(tmp_path / "other")
    other.edit("data/tables/southbound.csv", "1999-10,Swanton,153,", "1999-10,Swanton,154,")
    address = cluster.scheduler(project)
    cluster.worker(other)
    words = ["sweep", "cheap", "--over", "sector=Swanton", "--out", tmp_path / "out", "--scheduler", address]
    done = project.roxham(*words)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    versions = re.search(r"another version of the code, .*: ([0-9a-f]{16}), not ([0-9a-f]{16})", done.stderr)
    assert versions and versions[1] != versions[2]
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_does_not_answer_is_given_up_soon(project, tmp_path):
    words = ["sweep", "cheap", "--over", "sector=Swanton", "--out", tmp_path / "out"]
    done = project.roxham(*words, "--scheduler", "tcp://127.0.0.1:9")
    assert (
        done.returncode == 1 and "no dask scheduler answers at tcp://127.0.0.1:9 within 10 s" in done.stderr
    )
    assert not (tmp_path / "out").exists()
