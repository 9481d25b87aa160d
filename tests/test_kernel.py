"""A warm kernel gives each notebook what a new one would."""

import json
import subprocess
import sys
import textwrap

import psutil
import pytest
from project import CHECKOUT

from roxham.publish.chapters import find
from roxham.publish.runs import Run, execute
from roxham.publish.warm import WarmKernel

HOSTILE = """
    import builtins, decimal, locale, os, random, sys, warnings
    import altair as alt, numpy as np, pandas as pd
    from roxham import charts, figures, tables
    left_over = 1
    builtins.left_over_too = 1
    builtins.hex = None
    pd.set_option("display.max_rows", 3)
    pd.options.mode.copy_on_write = True
    pd.options.display.float_format = "{:.1f}".format
    alt.theme.enable("dark")
    alt.data_transformers.enable("default", max_rows=2)
    alt.renderers.enable("json")
    random.seed(1); np.random.seed(1)
    os.environ["LEFT_OVER"] = "1"; os.environ.pop("HOME", None)
    os.chdir("/")
    sys.path.insert(0, "/nowhere"); sys.argv.append("left-over")
    warnings.simplefilter("error")
    decimal.getcontext().prec = 2
    charts.COLOURS.clear()
    tables.load = None
    figures.figure = None
    get_ipython().display_formatter.formatters["text/html"].for_type(int, lambda n: "<b>mine</b>")
    from myst_nb import glue
    glue("left_over", "glued", display=False)
    import gc, io, logging, signal, socket, time
    os.umask(0); gc.disable(); sys.setrecursionlimit(400); socket.setdefaulttimeout(1)
    os.environ["TZ"] = "Asia/Tokyo"; time.tzset()
    logging.basicConfig(level=0, stream=io.StringIO()); logging.disable(50)
    warnings.filters = []; warnings.showwarning = print; sys.path = ["/nowhere"]
    np.set_printoptions(precision=1); np.seterr(all="raise")
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
"""

WITNESS = """
    import builtins, decimal, locale, os, random, sys, warnings
    import altair as alt, numpy as np, pandas as pd
    from roxham import charts, figures, tables
    print(sorted(n for n in globals() if not n.startswith("_")))
    print(hasattr(builtins, "left_over_too"), hex(16))
    print(pd.get_option("display.max_rows"), pd.options.display.float_format)
    print(alt.theme.active, alt.data_transformers.active, alt.data_transformers.options, alt.renderers.active)
    print(random.random(), np.random.random())
    print(os.environ.get("LEFT_OVER"), "HOME" in os.environ, os.getcwd())
    print("/nowhere" in sys.path, "left-over" in sys.argv, len(warnings.filters), decimal.getcontext().prec)
    print(len(charts.COLOURS) > 5, figures.registry(), tables.load("events").shape)
    import gc, logging, signal, socket, time
    print(gc.isenabled(), sys.getrecursionlimit(), socket.getdefaulttimeout(), time.tzname, np.geterr())
    print(logging.root.level, len(logging.root.handlers), logging.root.manager.disable, warnings.showwarning is print)
    print(np.get_printoptions()["precision"], signal.getsignal(signal.SIGALRM))
    mask = os.umask(0); os.umask(mask); print(mask)
    7
"""


def chapter(code: str) -> bytes:
    head = "---\nkernelspec: {name: python3, display_name: Python 3, language: python}\n---\n"
    return f"{head}\n```{{code-cell}} ipython3\n{textwrap.dedent(code).strip()}\n```\n".encode()


def outputs(result) -> list:
    assert result.error is None, result.error
    return [cell.get("outputs") for cell in json.loads(result.notebook)["cells"]]


def test_nothing_leaks_from_a_hostile_notebook(kernel):
    witness = Run("witness", chapter(WITNESS))
    first = outputs(execute(witness, kernel))
    outputs(execute(Run("hostile", chapter(HOSTILE)), kernel))
    assert outputs(execute(witness, kernel)) == first
    new = WarmKernel()
    assert outputs(execute(witness, new)) == first
    new.stop()


# one for each room that a chapter can use: maps; models and sliders; the ledger
ROOMS = ["02-the-road", "14-what-if", "15-the-ledger"]


@pytest.mark.parametrize("name", ROOMS)
def test_warm_and_cold_outputs_of_a_chapter_are_identical(executed, name):
    one = find(name)
    new = WarmKernel()
    cold = execute(Run(one.name, one.source), new)
    new.stop()
    assert cold.notebook == executed(one, {})  # on a kernel that had others before it


def test_a_chapter_after_a_hostile_notebook_is_as_it_was(executed, kernel):
    one = find("the-count")
    outputs(execute(Run("hostile", chapter(HOSTILE)), kernel))
    warm = execute(Run(one.name, one.source), kernel)
    assert warm.notebook == executed(one, {})
    new = WarmKernel()
    assert warm.dependencies == execute(Run(one.name, one.source), new).dependencies
    new.stop()


def test_the_recipe_for_people_who_use_no_command_of_ours_gives_the_same_outputs(
    kernel, monkeypatch, tmp_path
):
    one = find("the-count")
    warm = outputs(execute(Run(one.name, one.source, {"province": "Ontario"}), kernel))
    monkeypatch.setenv("ROXHAM_FIGURES", "site")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    recipe = (
        f"{sys.executable} -m jupytext --to ipynb --output - chapters/03-the-count.md"
        f" | {sys.executable} -m papermill - {tmp_path}/out.ipynb -p province Ontario"
    )
    done = subprocess.run(recipe, shell=True, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    plain = json.loads((tmp_path / "out.ipynb").read_text())
    assert [cell.get("outputs") for cell in plain["cells"]] == warm
    assert "Ontario counted 2 interceptions in June 2023" in json.dumps(plain)


def test_a_notebook_depends_on_the_files_that_it_read_and_no_others(kernel):
    result = execute(Run("one", chapter("from roxham import tables; tables.load('events')")), kernel)
    assert {"data/tables/events.csv", "data/tables/sources.csv", "data/datapackage.json"} <= set(
        result.dependencies
    )
    assert "scripts/roxham/tables.py" in result.dependencies
    assert not {p for p in result.dependencies if "southbound" in p or p.endswith("charts.py")}


def test_an_error_names_line_cell_and_frames(kernel):
    source = chapter("x = 1") + b"\n```{code-cell} ipython3\n\ny = x / 0\n```\n"
    result = execute(Run("chapters/bad", source), kernel)
    assert (
        "chapters/bad.md, line 11, cell 1 (`y = x / 0`): ZeroDivisionError: division by zero" in result.error
    )
    assert "y = x / 0" in result.error.splitlines()[-1]
    outputs(execute(Run("after", chapter("x = 1")), kernel))


def test_a_kernel_that_dies_is_an_error_and_the_next_notebook_runs(kernel):
    result = execute(Run("chapters/dies", chapter("import os; os._exit(3)")), kernel)
    assert kernel.manager is None
    assert "chapters/dies.md: KernelLost: the kernel died, twice" in result.error
    outputs(execute(Run("after", chapter("x = 1")), kernel))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import time; time.sleep(60)", "the notebook took more than 3 s"),
        ("block = bytearray(700 * 2**20); import time; time.sleep(60)", "MB; allowed are 600"),
    ],
    ids=["hangs", "grows"],
)
def test_a_kernel_that_hangs_or_grows_is_replaced_and_the_run_repeated_once(tmp_path, code, said):
    bounded = WarmKernel(seconds=3, memory=600)
    count = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"
    result = execute(Run("chapters/bad", chapter(count + code)), bounded)
    assert said in result.error and result.error.endswith("twice")
    assert (tmp_path / "runs").read_text() == "xx"
    bounded.stop()


def test_a_run_that_hangs_once_is_repeated_and_good(tmp_path):
    bounded = WarmKernel(seconds=3)
    count = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\n"
    once = f"import os\nif os.path.getsize({str(tmp_path / 'runs')!r}) == 1: exec('while True: pass')"
    outputs(execute(Run("chapters/good", chapter(count + once)), bounded))
    assert (tmp_path / "runs").read_text() == "xx"
    bounded.stop()


@pytest.mark.parametrize(
    "code",
    [
        "import threading, time; threading.Thread(target=time.sleep, args=[600], daemon=True).start()",
        "import subprocess; subprocess.Popen(['sleep', '600'])",
        "kept = bytearray(400 * 2**20); import sys; sys.modules['left_over'] = kept",
    ],
    ids=["a thread", "a process", "memory"],
)
def test_what_cannot_be_undone_ends_with_its_kernel(kernel, monkeypatch, code):
    monkeypatch.setattr(kernel, "memory", 1000)
    outputs(execute(Run("one", chapter("x = 1")), kernel))
    first = kernel.manager.provisioner.pid
    outputs(execute(Run("left", chapter(code)), kernel))
    assert kernel.manager.provisioner.pid == first
    family = psutil.Process(first).children()
    outputs(execute(Run("next", chapter("x = 1")), kernel))
    assert kernel.manager.provisioner.pid != first
    assert psutil.wait_procs(family, timeout=10)[1] == []


@pytest.mark.parametrize("large", [chapter("print('x' * 1_000_000)"), find("the-count").source])
def test_a_kernel_outlives_large_outputs(kernel, large):
    outputs(execute(Run("large", large), kernel))
    first = kernel.manager
    outputs(execute(Run("next", chapter("x = 1")), kernel))
    assert first is not None and kernel.manager is first


def test_what_a_cell_prints_is_one_piece_however_it_arrives(kernel):
    """A machine that is busy sends what is printed in several pieces; the notebook must not depend on it."""
    code = "import time\nprint('a', flush=True); time.sleep(0.5); print('b', flush=True); time.sleep(0.5)\n7"
    cells = outputs(execute(Run("slow", chapter(code)), kernel))
    assert [o.get("text") for o in cells[-1]] == [["a\n", "b\n"], None]
