"""A study is a sweep over dask: the same rows whoever computes them, whatever is killed meanwhile."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from project import CHECKOUT, EVERY, Project

from roxham.models import studies
from roxham.publish import study

HERE = Project(CHECKOUT)
FEW = 260  # three parts


def rows(path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> pd.DataFrame:
    """The first specifications, as one process computes them."""
    out = tmp_path_factory.mktemp("alone") / "study.csv"
    done = HERE.roxham("study", "interceptions", "--limit", FEW, "--workers", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"{FEW} specifications" in done.stderr and "interceptions: 260 of 260" in done.stderr
    assert not out.with_name("study.csv.parts").exists()
    return rows(out)


@pytest.mark.parametrize("name", studies.STUDIES)
def test_every_specification_has_a_number_and_none_has_two(name):
    one = studies.STUDIES[name]()
    assert len(one) >= 100_000
    picked = random.Random(3).sample(range(len(one)), 500)
    seen = {tuple(one.specification(i).values()) for i in picked}
    assert len(seen) == 500
    assert set(one.specification(0)) == set(one.choices)
    with pytest.raises(IndexError, match=f"specification {len(one)}; there are {len(one)}, from 0"):
        one.specification(len(one))


@pytest.mark.parametrize("name", studies.STUDIES)
def test_a_specification_is_an_estimate_or_says_why_not(name):
    one = studies.STUDIES[name]()
    fitted = [one.fit(i) for i in random.Random(4).sample(range(len(one)), 25)]
    assert all((row["refused"] != "") == (row["effect"] != row["effect"]) for row in fitted)
    assert any(row["refused"] == "" for row in fitted)


def test_two_workers_compute_what_one_does(alone, tmp_path):
    done = HERE.roxham(
        "study", "interceptions", "--limit", FEW, "--workers", 2, "--out", tmp_path / "two.csv"
    )
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(rows(tmp_path / "two.csv"), alone)
    assert alone.specification.to_list() == list(range(FEW))


def test_a_study_that_was_stopped_goes_on_where_it_was(alone, tmp_path):
    out, parts = tmp_path / "study.csv", tmp_path / "study.csv.parts"
    parts.mkdir()
    about = {"study": "interceptions", "specifications": FEW, "version": study.version()}
    (parts / "study.json").write_text(json.dumps(about))
    kept = alone.head(study.PIECE).assign(failed="kept from the first run")
    kept.to_csv(parts / "0000000.csv", index=False)
    done = HERE.roxham("study", "interceptions", "--limit", FEW, "--workers", 1, "--out", out, "--resume")
    assert done.returncode == 0, done.stderr
    table = rows(out)
    assert set(table.failed.head(study.PIECE)) == {"kept from the first run"}
    rest = slice(study.PIECE, None)
    pd.testing.assert_frame_equal(table[rest], alone[rest], check_dtype=False)


def test_parts_of_another_version_are_refused(tmp_path):
    out, parts = tmp_path / "study.csv", tmp_path / "study.csv.parts"
    parts.mkdir()
    about = {"study": "interceptions", "specifications": FEW, "version": "0" * 16}
    (parts / "study.json").write_text(json.dumps(about))
    done = HERE.roxham("study", "interceptions", "--limit", FEW, "--out", out, "--resume")
    assert done.returncode == 1 and "0" * 16 in done.stderr and study.version() in done.stderr
    assert "run without --resume" in done.stderr and not out.exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["interception"], 2, "no study is called 'interception' (did you mean interceptions?)"),
        (["southbound", "--out", "README.md/x.csv"], 2, "not a file that can be written"),
    ]
    # waits for 10 s, as its like of a sweep does
    + [
        (
            ["southbound", "--scheduler", "tcp://127.0.0.1:9", "--limit", "5", "--out", "{tmp}"],
            1,
            "within 10 s",
        )
    ]
    * EVERY,
)
def test_bad_words_get_one_line(tmp_path, words, status, says):
    done = HERE.roxham("study", *(w.replace("{tmp}", str(tmp_path / "s.csv")) for w in words))
    assert done.returncode == status and says in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "s.csv").exists()


def test_a_killed_worker_costs_no_row(alone, tmp_path):
    def start(*words):
        command = [sys.executable, "-m", "dask", *map(str, words)]
        return subprocess.Popen(
            command, env=HERE.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    file = tmp_path / "scheduler.json"
    loopback = ["--host", "127.0.0.1"]
    scheduler = start("scheduler", *loopback, "--port", 0, "--no-dashboard", "--scheduler-file", file)
    workers = [
        start("worker", *loopback, "--scheduler-file", file, "--nthreads", 1, "--no-dashboard", "--no-nanny")
        for _ in range(2)
    ]
    try:
        for _ in range(300):
            if file.exists():
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        out = tmp_path / "study.csv"
        running = HERE.start("study", "interceptions", "--limit", FEW, "--scheduler", address, "--out", out)
        parts = tmp_path / "study.csv.parts"
        while running.poll() is None and not list(parts.glob("0*.csv")):
            time.sleep(0.02)
        os.kill(workers[0].pid, signal.SIGKILL)
        _, said = running.communicate(timeout=240)
        assert running.returncode == 0, said
        pd.testing.assert_frame_equal(rows(out), alone)
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()
