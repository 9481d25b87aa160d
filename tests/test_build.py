"""The build, as its users meet it: the real command on copies of the real project."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from project import EVERY

from roxham.publish.cache import Cache, fingerprints

CHAPTERS = {"index", "03-the-count", "08-the-other-direction", "glossary", "references"}  # of the small book
READERS = CHAPTERS - {"glossary", "references"}  # of the interceptions
DECEMBER = "2022-12,Quebec,4689,"


def one_person_more_in_quebec(project) -> None:
    """Quebec's December 2022, and every printed total that counts it, one higher: a record still valid."""
    project.edit("data/tables/interceptions.csv", DECEMBER, "2022-12,Quebec,4690,")
    for old, new in [
        ("2022,Quebec,39171,", "2022,Quebec,39172,"),
        ("2022,Canada,39540,", "2022,Canada,39541,"),
        ("2022-12,Canada,4745,", "2022-12,Canada,4746,"),
    ]:
        project.edit("data/tables/interceptions_totals.csv", f"\n{old}", f"\n{new}")


def test_the_first_build_executes_every_chapter(built):
    assert {p.stem for p in (built.html / "chapters").glob("*.html")} == built.chapters
    assert (built.html / "index.html").is_file()


def test_a_second_build_executes_nothing_and_prints_nothing(project):
    before = project.files()
    done = project.roxham("build")
    assert done.returncode == 0
    assert "0 notebooks executed, nothing to print" in done.stderr
    assert project.files() == before


def test_a_changed_table_reexecutes_its_readers_and_no_other(project):
    one_person_more_in_quebec(project)
    assert project.build() == READERS
    assert "39,172" in project.page("03-the-count")
    assert "39,171" not in re.sub(r"<script.*?</script>", "", project.page("03-the-count"), flags=re.S)


def due(project) -> set[str]:
    """The stems of the chapters whose kept execution no longer holds."""
    kept = Cache(project.root / "_build/cache/notebooks", fingerprints(project.root))
    files = {stem: project.root / f"chapters/{stem}.md" for stem in project.chapters}
    return {stem for stem, file in files.items() if kept.get(Cache.key(file.read_bytes(), {})) is None}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("data/tables/claimants.csv", {"index"}),
        ("data/tables/events.csv", {"index", "03-the-count"}),
        ("data/README.md", set()),
        ("scripts/roxham/charts.py", READERS),
        ("scripts/roxham/publish/theme.py", set()),
        ("chapters/03-the-count.md", {"03-the-count"}),
    ],
)
def test_a_change_makes_due_what_read_it_and_no_other(project, file, expected):
    assert due(project) == set()
    with (project.root / file).open("a") as changed:
        changed.write("\n# a line more\n")
    assert due(project) == expected


@pytest.mark.skipif(not EVERY, reason="a build more; set ROXHAM_ALL=1")
def test_a_changed_line_of_the_printer_executes_nothing(project):
    before = project.files()
    with (project.root / "scripts/roxham/publish/assets/roxham-site.css").open("a") as file:
        file.write("\n.bd-article { outline: 7px dotted teal }\n")
    assert project.build() == set()
    after = project.files()
    assert "7px dotted teal" in after["_static/roxham-page.css"].decode()
    assert before["_static/roxham-page.css"] != after["_static/roxham-page.css"]


def test_a_failing_cell_names_its_place_and_leaves_the_site_as_it_was(project):
    before = project.files()
    one_person_more_in_quebec(project)
    project.edit("chapters/03-the-count.md", "top = window.loc", "top = window.lock\nnothing = window.loc")
    done = project.roxham("build")
    assert done.returncode == 1
    assert re.search(r"chapters/03-the-count\.md, line \d+, cell \d+ \(`import altair as alt`\)", done.stderr)
    assert "AttributeError: 'DataFrame' object has no attribute 'lock'" in done.stderr
    assert re.search(r"Cell In\[\d+\], line \d+\n\s+-+> \d+ top = window\.lock", done.stderr), done.stderr
    assert "Traceback" not in done.stderr
    assert {"done   chapters/index", "done   chapters/08-the-other-direction"} <= {
        line.rpartition("  ")[0] for line in done.stderr.splitlines()
    }
    assert project.files() == before


def test_a_warning_of_a_cell_never_stands_on_a_page(project):
    before = project.files()
    project.edit(
        "chapters/03-the-count.md",
        "top = window.loc",
        "import warnings; warnings.warn('old')\ntop = window.loc",
    )
    done = project.roxham("build")
    assert done.returncode == 1
    assert re.search(r"chapters/03-the-count\.md, line \d+, cell \d+ .*stderr.*UserWarning: old", done.stderr)
    assert project.files() == before


def test_an_invalid_record_is_refused_with_all_its_faults(project):
    before = project.files()
    project.edit("data/tables/interceptions.csv", DECEMBER, "2022-13,Quebec,-4689,")
    checked, printed = project.roxham("check"), project.roxham("build")
    assert checked.returncode == printed.returncode == 1
    for done in (checked, printed):
        assert re.search(
            r"data/tables/interceptions\.csv, row \d+, month: .2022-13. is not a month", done.stderr
        ), done.stderr
        assert re.search(
            r"data/tables/interceptions\.csv, row \d+, people: .-4689. is below 0", done.stderr
        ), done.stderr
        assert "Traceback" not in done.stderr
    assert project.files() == before


def test_a_figure_id_used_in_two_chapters_is_refused(project):
    project.edit("chapters/index.md", 'id="claims-by-door"', 'id="interceptions-monthly"')
    done = project.roxham("build")
    assert done.returncode == 1
    assert "interceptions-monthly" in done.stderr
    assert "chapters/index.md" in done.stderr and "chapters/03-the-count.md" in done.stderr


def test_a_build_killed_at_any_moment_needs_no_cleaning(project, small):
    for moment in (0.5, 1.5, 3, 5, 7) if EVERY else (0.5, 3, 6):
        victim = subprocess.Popen(
            project.command("build", "--fresh"),
            cwd=project.root,
            env=project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moment)
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        assert (project.html / "index.html").is_file()
    project.build()
    assert project.files() == small.files()
    assert not list((project.root / "_build").glob(".work-*"))


def test_of_two_builds_at_once_the_second_waits_and_both_make_the_same_and_leave_no_process(project, small):
    first, second = project.start("build", "--fresh"), project.start("build", "--fresh", "--workers", "1")
    errors = [process.communicate(timeout=200)[1] for process in (first, second)]
    assert first.returncode == second.returncode == 0, errors
    assert sum("another build is running; waiting" in text for text in errors) == 1
    assert project.files() == small.files()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert str(project.root) not in running
    assert not list((project.root / "_build").glob(".work-*"))


def test_only_previews_one_chapter_and_leaves_the_site(project):
    before = project.files()
    project.edit("chapters/03-the-count.md", "# The count", "# The count, again")
    assert project.build("--only", "the-count") == {"03-the-count"}
    assert project.files() == before
    preview = project.root / "_build/preview/chapters"
    assert [p.name for p in preview.glob("*.html")] == ["03-the-count.html"]


def test_plain_jupyter_book_builds_the_chapters_and_the_next_build_mends_the_site(project, small):
    command = [os.path.join(os.path.dirname(sys.executable), "jupyter-book"), "build", "."]
    chapter = project.root / "chapters/03-the-count.md"
    text = chapter.read_text()
    # new, with nothing changed, with one line changed
    for title in ("The count", *["The count"] * EVERY, "The count, again"):
        chapter.write_text(text.replace("# The count\n", f"# {title}\n", 1))
        done = subprocess.run(
            command, cwd=project.root, env=project.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        page = project.page("03-the-count")
        assert "39,171" in page and page.count('class="rx-figure"') == 2 and f"{title}<a" in page
        assert (project.html / "figures/interceptions-monthly/interceptions-monthly.csv").is_file()
    chapter.write_text(text)
    project.build()
    assert project.files() == small.files()


def test_a_site_printed_over_the_last_one_is_that_of_a_whole_printing(project):
    """Whatever was edited: a page shows titles and numbers of others, and the search what stands on all of them."""
    count, press = "chapters/03-the-count.md", project.root / "_build/cache/press/html/_build/html/chapters"
    if EVERY:  # else the next printing is the first in this folder, and so a whole one
        project.edit("chapters/index.md", "were counted:", "were counted there:")
        project.build()

    project.edit(count, " {cite}`fr-88-18227-protocol`", "")  # a source less, and other numbers for the rest
    project.edit(count, "# The count\n", "# The count, once more\n")
    project.edit(count, "A\n{term}`port of entry` is defined", "Such a port is defined")
    project.build()
    assert "The count, once more" in project.page("glossary")

    before = {path.name: path.stat().st_mtime_ns for path in press.glob("*.html")}
    project.edit(count, "Such a port is", "Such a door is")
    project.build()
    after = {path.name: path.stat().st_mtime_ns for path in press.glob("*.html")}
    assert {name for name in after if after[name] != before[name]} == {
        "03-the-count.html",
        "index.html",  # which Sphinx always writes
    }
    incremental = project.files()
    assert b"Such a door is" in incremental["chapters/03-the-count.html"]

    shutil.rmtree(project.root / "_build/cache/press")
    (project.root / "_build/html.json").unlink()
    project.build()
    assert incremental == project.files()


def test_a_changed_lock_reexecutes_everything_and_text_from_tables_is_shown_as_text(project, browser):
    hostile = "<script>document.title='owned'</script> **bold** [x](y)"
    project.edit("data/tables/events.csv", ",Turn-backs end,", ",<b>**A** <i>,")
    source = project.root / "data/tables/sources.csv"
    text = source.read_text()
    changed = re.sub(
        r"(\nircc-office-type-2025-07,)(\"[^\"]*\"|[^,]*)(,)", lambda m: f'{m[1]}"{hostile}"{m[3]}', text
    )
    assert changed != text
    source.write_text(changed)
    with (project.root / "requirements.txt").open("a") as file:
        file.write("# another environment\n")
    assert project.build() == CHAPTERS
    page = browser.new_page()
    page.goto((project.html / "chapters/index.html").as_uri())
    assert page.title() != "owned"
    figure = page.locator("#fig-claims-by-door")
    assert hostile in figure.inner_text() or hostile in figure.text_content()
    assert "<b>**A** <i>" in figure.locator(".rx-wide svg").text_content()
    page.close()


@pytest.mark.skipif(not EVERY, reason="waits for 10 s, as its like of a sweep does; set ROXHAM_ALL=1")
def test_an_unreachable_scheduler_is_one_clear_error(project):
    started = time.monotonic()
    done = project.roxham("build", "--fresh", "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 1
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 30


@pytest.fixture
def scheduler(project):
    """A dask scheduler and one worker, real processes on the loopback address."""
    file = project.root / "scheduler.json"
    quiet = {"cwd": project.root, "env": project.environment, "stdout": -3, "stderr": -3}
    dask = [sys.executable, "-m", "dask"]
    head = subprocess.Popen(
        [
            *dask,
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--scheduler-file",
            file,
        ],
        **quiet,
    )
    hand = subprocess.Popen(
        [*dask, "worker", "--scheduler-file", file, "--nthreads", "1", "--no-dashboard", "--no-nanny"],
        **quiet,
    )
    while not file.exists():
        time.sleep(0.1)
    yield json.loads(file.read_text())["address"]
    for process in (hand, head):
        process.terminate()
        process.wait()


@pytest.mark.skipif(not EVERY, reason="a build more; set ROXHAM_ALL=1")
def test_a_scheduler_elsewhere_gives_the_same_site(project, small, scheduler):
    assert project.build("--fresh", "--scheduler", scheduler) == CHAPTERS
    assert project.files() == small.files()
