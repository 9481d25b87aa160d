"""The command: its help, what it prints, and what bad input gets."""

import json
import re

import pytest
from click.testing import CliRunner
from project import CHECKOUT, Project

from roxham.cli import main
from roxham.publish.chapters import BUILD


def lines(done) -> str:
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("name", ["build", "run", "list", "check", "serve", "release", "links"])
def test_every_subcommand_has_help_with_an_example(small, name):
    done = small.roxham(name, "--help")
    assert done.returncode == 0
    assert f"Examples:\n  roxham {name}" in re.sub(r" +\n", "\n", done.stdout.replace("    ", "  "))


def test_list_names_chapters_parameters_defaults_and_allowed_values(small):
    done = small.roxham("list")
    assert done.returncode == 0
    assert "chapters/03-the-count.md  The count" in done.stdout
    assert "province = 'Quebec'" in done.stdout
    assert "one of Alberta, British Columbia, Manitoba" in done.stdout
    assert "a month from 1999-10 to 2026-08" in done.stdout


def test_check_finds_the_record_valid():
    done = Project(CHECKOUT).roxham("check")
    assert done.returncode == 0
    assert done.stdout.startswith("the record is valid")


def test_a_rerun_changes_figures_and_sentences_and_stands_alone_in_the_browser(project, browser):
    words = ["run", "chapters/03-the-count.md", "-p", "province", "Manitoba", "-p", "start", "2018-01"]
    done = project.roxham(*words, "--out", "deep/er")
    assert done.returncode == 0, done.stderr
    notebook, page = (project.root / path for path in done.stdout.split())
    assert sorted((project.root / "deep/er").iterdir()) == sorted([notebook, page])
    assert (notebook.name, page.name) == ("03-the-count.ipynb", "03-the-count.html")
    cells = json.loads(notebook.read_text())["cells"]
    injected = next(c for c in cells if "injected-parameters" in c["metadata"]["tags"])
    assert 'province = "Manitoba"' in "".join(injected["source"])
    text = page.read_text()
    assert "Manitoba counted 53 interceptions in March 2018, its highest month shown" in text
    assert "From January 2018 to December 2024" in text
    assert "<script src" not in text and "<link" not in text and "reference target" not in text
    context = browser.new_context(offline=True, java_script_enabled=False)
    seen = context.new_page()
    seen.goto(page.as_uri())
    assert seen.locator(".rx-figure").count() == 2
    for figure in seen.locator(".rx-figure").all():
        assert sum(d.is_visible() for d in figure.locator('[role="img"]').all()) == 1
    assert "Manitoba" in seen.locator("#fig-interceptions-monthly").inner_text()
    seen.locator('main a[href="#fig-interceptions-monthly"]').first.click()
    assert seen.url.endswith("#fig-interceptions-monthly")
    seen.set_viewport_size({"width": 360, "height": 800})
    for chart in seen.locator(".rx-chart").all():
        assert chart.evaluate("c => c.scrollWidth <= c.clientWidth")
    context.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["run", "the-cuont"],
            r"no chapter 'the-cuont'; there are: index, .*03-the-count.*nearest: 03-the-count",
        ),
        (["run", "the-count", "-p", "provnce", "x"], r"no parameter 'provnce'.*province.*nearest: province"),
        (
            ["run", "the-count", "-p", "province", "Manitobaa"],
            r"'Manitobaa' is not allowed.*nearest: Manitoba",
        ),
        (["run", "the-count", "-p", "province", "manitoba"], r"'manitoba' is not allowed.*nearest: Manitoba"),
        (["run", "the-count", "-p", "province", ""], r"province: '' is not allowed"),
        (["run", "the-count", "-p", "start", "2016-12"], r"month from 2017-01 to 2024-12; nearest: 2017-01"),
        (["run", "the-count", "-p", "start", "2018-13"], r"'2018-13' is not allowed; a month from 2017-01"),
        (["run", "the-count", "-p", "year", "2031"], r"a year from 2017 to 2024; nearest: 2024"),
        (["run", "the-count", "-p", "year", "MMXXII"], r"'MMXXII' is not allowed; a year from 2017 to 2024"),
        (["run", "the-count", "-p", "start", "2022-02", "-p", "end", "2022-01"], r"2022-01 is before start"),
        (["run", "the-count", "-p", "year", "2019", "-p", "year", "2020"], r"year: given twice"),
        (["run", "the-count", "--out", "README.md/x"], r"README\.md is a file, not a folder"),
        (["run", "the-count", "-p", "province"], r"requires 2 arguments"),
        (["run"], r"Missing argument 'CHAPTER'"),
        (["list", "the-cuont"], r"no chapter 'the-cuont'"),
        (["build", "--only", "the-cuont"], r"no chapter 'the-cuont'"),
        (["build", "--workers", "0"], r"0 is not in the range x>=1"),
        (["biuld"], r"No such command 'biuld'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_words_get_one_clear_error_and_write_nothing(tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").touch()
    runs = sorted((BUILD / "runs").glob("*"))
    done = CliRunner().invoke(main, words)  # in this process: a start takes as long as the rest of it
    assert done.exit_code == 2 and isinstance(done.exception, SystemExit)
    assert re.search(said, done.stderr, re.S), done.stderr
    assert done.stdout == ""
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"] and sorted(
        (BUILD / "runs").glob("*")
    ) == runs


def test_a_bad_word_ends_the_command_in_one_line(small):
    before = sorted(p for p in small.root.rglob("*") if "__pycache__" not in p.parts)
    done = small.roxham("run", "the-count", "-p", "province", "Manitobaa")
    assert done.returncode == 2 and done.stdout == ""
    (line,) = lines(done).splitlines()
    assert line.startswith("roxham run: ") and line.endswith("nearest: Manitoba")
    assert sorted(p for p in small.root.rglob("*") if "__pycache__" not in p.parts) == before


def test_a_rerun_that_fails_writes_nothing(project):
    project.edit(
        "chapters/03-the-count.md", "top = window.loc", "raise OSError('no such door')\ntop = window.loc"
    )
    done = project.roxham("run", "the-count", "-p", "year", "2019")
    assert done.returncode == 1
    assert "OSError: no such door" in lines(done)
    assert not (project.root / "_build/runs").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "province: {from: interceptions.province}",
            "provinces: {from: interceptions.province}",
            "province, provinces",
        ),
        ("unit: year", "unit: decade", "'decade' is not one of value, year, month"),
        ("{from: interceptions.province}", "{of: interceptions.province}", "the rule needs"),
        ("{from: interceptions.province}", "{from: interception.province}", "interceptions"),
        ("language: python", "language: julia", "kernelspec: language: python"),
    ],
)
def test_a_chapter_whose_front_matter_is_wrong_is_named(project, old, new, said):
    project.edit("chapters/03-the-count.md", old, new)
    done = project.roxham("build")
    assert done.returncode == 1
    assert "chapters/03-the-count.md" in lines(done) and said in done.stderr


def test_a_chapter_missing_from_disk_is_named(project):
    project.edit("_toc.yml", "03-the-count", "03-the-cuont")
    done = project.roxham("build")
    assert done.returncode == 1
    assert "_toc.yml: no chapter chapters/03-the-cuont; nearest: chapters/03-the-count" in lines(done)


def test_data_diff_shows_added_revised_and_withdrawn(project):
    new = project.root / "data/tables/southbound.csv"
    old = project.root / "old.csv"
    lines_ = new.read_text().splitlines(keepends=True)
    old.write_text(
        "".join(
            line.replace("Swanton,153,", "Swanton,150,") if line.startswith("1999-10,") else line
            for line in lines_
            if not line.startswith("2026-08,Swanton,")
        )
        + "2026-09,Swanton,1,exact,,cbp-sectors-2023-2026-08,\n"
    )
    done = project.roxham("data", "diff", old, new)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "1 added, 1 revised, 1 withdrawn"
    assert said[1] == "~ 1999-10 · Swanton · encounters: 150 → 153"
    assert said[2].startswith("+ 2026-08 · Swanton: encounters 87, ")
    assert said[3].startswith("- 2026-09 · Swanton: encounters 1, ")


def test_data_diff_of_two_tables_or_of_nothing_is_refused(project):
    tables = project.root / "data/tables"
    for pair, said in [
        ((tables / "events.csv", tables / "southbound.csv"), "is not a version of southbound"),
        ((project.root / "none.csv", tables / "southbound.csv"), "is not there"),
    ]:
        done = project.roxham("data", "diff", *pair)
        assert done.returncode == 2
        assert said in lines(done)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "chapters/03-the-count.md",
            b"---\nfile_format: [mystnb\n---\n# A\n",
            "chapters/03-the-count.md: the front matter",
        ),
        (
            "chapters/03-the-count.md",
            b"---\nfile_format: mystnb\n---\n# Qu\xe9bec\n",
            "03-the-count.md: byte",
        ),
        ("_toc.yml", b"format: [jb-book\n", "_toc.yml: is not YAML"),
        ("_toc.yml", b"", "_toc.yml: is NoneType; it must be a mapping"),
        ("_config.yml", b"title: [a\n", "_config.yml: is not YAML"),
    ],
)
def test_a_broken_file_of_the_book_is_named_in_one_line(project, name, content, said):
    (project.root / name).write_bytes(content)
    done = project.roxham("build")
    assert done.returncode == 1
    assert said in lines(done)


def test_a_rerun_on_a_faulty_record_says_which_row(project):
    project.edit("data/tables/interceptions.csv", "2022-12,Quebec,4689,", "2022-12,Quebec,-4689,")
    for words in (["run", "the-count"], ["list"]):
        done = project.roxham(*words)
        assert done.returncode == 1
        assert "data/tables/interceptions.csv, row" in lines(done) and "-4689" in done.stderr
