"""What is kept between notebooks; and yet each finds the record as it would in a new kernel."""

import json
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

from roxham import tables
from roxham.publish.cache import drop_oldest
from roxham.publish.runs import Run, execute
from roxham.publish.warm import WarmKernel

LOAD = "from roxham import tables; print(len(tables.memory()) > 0); frame = tables.load('interceptions')"
WITNESS = """
    from roxham import tables
    frame = tables.load("interceptions")
    print(frame.people.sum(), frame.province.iloc[0], frame.dtypes.to_dict(), tables.hand("series_breaks")[0])
"""


@pytest.fixture(scope="module")
def kernel():
    warm = WarmKernel()
    yield warm
    warm.stop()


def run(code: str, kernel) -> tuple[str, dict]:
    """What a notebook of one cell prints, and what it depends on."""
    head = "---\nkernelspec: {name: python3, display_name: Python 3, language: python}\n---\n"
    source = f"{head}\n```{{code-cell}} ipython3\n{textwrap.dedent(code).strip()}\n```\n".encode()
    result = execute(Run("one", source), kernel)
    assert result.error is None, result.error
    outputs = json.loads(result.notebook)["cells"][-1]["outputs"]
    return "".join("".join(output["text"]) for output in outputs), result.dependencies


def test_the_next_notebook_recalls_the_tables_and_still_depends_on_them(kernel):
    run("import pandas as pd; pd.options.display.max_rows = 7", kernel)  # nothing is kept after this one
    first = run(LOAD, kernel)
    second = run(LOAD, kernel)
    assert (first[0].strip(), second[0].strip()) == ("False", "True")
    assert second[1] == first[1]
    assert "data/tables/interceptions.csv" in first[1]


def test_what_is_recalled_is_no_dependency_until_it_is_asked_for(kernel):
    run(LOAD, kernel)
    _, files = run("from roxham import tables; print(tables.load('places').size)", kernel)
    assert "data/tables/places.csv" in files and "data/tables/interceptions.csv" not in files
    _, files = run("print(1)", kernel)
    assert not [name for name in files if name.startswith("data/") or name.endswith("tables.py")]


@pytest.mark.parametrize(
    "harm",
    [
        "frame.loc[:, 'people'] = 0",
        "frame['people'].array[:] = 0",
        "frame['province'].array[0] = 'Nowhere'",
        "frame.drop(columns='people', inplace=True)",
        "tables.hand('series_breaks')[0].clear()",
        "import pandas as pd; pd.options.mode.string_storage = 'python'; tables.load('places')",
        "import pandas as pd; pd.options.future.infer_string = False; tables.load('interceptions')",
    ],
)
def test_what_a_notebook_does_to_a_table_does_not_reach_the_next(kernel, harm):
    expected = run(WITNESS, kernel)
    run(f"from roxham import tables; frame = tables.load('interceptions'); {harm}; print()", kernel)
    assert run(WITNESS, kernel) == expected


def test_what_was_longest_not_used_is_dropped(tmp_path):
    for age in range(5):
        (tmp_path / f"{age}.json").write_text("")
        os.utime(tmp_path / f"{age}.json", (1_000_000 - age, 1_000_000 - age))
    drop_oldest(tmp_path, 2, keep={"4"})
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["0", "1", "4"]
    drop_oldest(tmp_path / "nowhere", 2)


# --- what another process kept ------------------------------------------------------------------------------

READ = """
from pathlib import Path
from roxham import tables
record = tables.Record(Path(sys.argv[1]))
tables._sheet = lambda *_: sys.exit("read anew")
people = int(record.load("interceptions").people.sum())
print(people, len(record.files_read()), record.load("claimants").dtypes.to_dict())
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A copy of the record, and a folder that keeps it as read and checked."""
    root, folder = tmp_path_factory.mktemp("record") / "data", tmp_path_factory.mktemp("cache")
    shutil.copytree(tables.DATA, root, ignore=shutil.ignore_patterns("geo"))
    record = tables.Record(root)
    for name in ("interceptions", "claimants"):
        record.load(name)
    record.keep(folder)
    return root, folder


def another(root, folder, before: str = "") -> str:
    """What another process says of the record, which refuses to read a table anew."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{before}\n{READ}", str(root)],
        env=os.environ | {"ROXHAM_CACHE": str(folder)},
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.strip() or done.stderr.splitlines()[-1]


def test_another_process_finds_the_tables_as_they_were_read(kept, tmp_path):
    root, folder = kept
    record = tables.Record(root)
    total = int(record.load("interceptions").people.sum())
    expected = f"{total} {len(record.files_read())} {record.load('claimants').dtypes.to_dict()}"
    assert another(root, folder) == expected
    moved = shutil.copytree(root, tmp_path / "elsewhere")  # the same record in another place
    assert another(moved, folder) == expected


def test_what_is_kept_is_not_taken_for_other_tables_other_options_or_a_broken_file(kept, tmp_path):
    root, folder = kept
    assert another(root, tmp_path / "empty") == "read anew"
    assert another(root, folder, "import pandas; pandas.options.future.infer_string = False") == "read anew"
    changed = shutil.copytree(root, tmp_path / "changed")
    table = changed / "tables/interceptions.csv"
    table.write_text(table.read_text().replace("2022-12,Quebec,4689,", "2022-12,Quebec,4690,", 1))
    assert another(changed, folder) == "read anew"
    broken = shutil.copytree(folder, tmp_path / "broken")
    for file in (broken / "tables").iterdir():
        file.write_bytes(file.read_bytes()[:-9])
    assert another(root, broken) == "read anew"


def test_a_notebook_keeps_nothing_for_other_processes(kernel, monkeypatch, tmp_path):
    monkeypatch.setenv("ROXHAM_CACHE", str(tmp_path))
    run("import os; os.environ['ROXHAM_CACHE'] = " + repr(str(tmp_path)) + "; " + LOAD, kernel)
    assert not list(tmp_path.rglob("tables/*"))
