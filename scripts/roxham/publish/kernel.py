"""What the publisher runs inside a notebook's kernel, before and after each notebook.

A kernel is kept warm (the libraries stay imported), so each notebook must find it as new. `begin` puts back
all that a notebook can change by ordinary means: its names, our own modules (imported anew, so that figures
registered and tables read start empty), pandas' options, Altair's registries, random state, environment,
working directory, warnings, display formatters. `report` says what the notebook depended on.

One thing is carried over, because reading and checking the tables takes longer than most notebooks: what
`roxham.tables` has in memory, of which a notebook only ever gets copies. The next notebook's module recalls it,
unless options of pandas were changed, by which a table might have been read differently, or the module's own file.
"""

from __future__ import annotations

import builtins
import decimal
import gc
import json
import locale
import os
import random
import sys
import warnings
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

from IPython import get_ipython

ROOT = Path(__file__).resolve().parents[3]
OURS = Path(__file__).resolve().parents[1]
KEPT = {"roxham", "roxham.publish", "roxham.publish.kernel"}
SEED = 20230325

_new: dict = {}
_tables: dict = {}  # of the last `roxham.tables`: the state of its file, how to ask for its memory, the memory


def warm() -> None:
    """Import what the chapters use, and remember the state of the new kernel."""
    import altair as alt
    import geopandas  # noqa: F401
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import pandera.pandas  # noqa: F401
    import vl_convert

    # the converter's first drawing starts its JavaScript engine
    chart = alt.Chart({"values": [{"a": 1}]}).mark_point().to_dict()
    vl_convert.vegalite_to_svg(chart)
    _new.update(
        environment=dict(os.environ),
        folder=os.getcwd(),
        path=list(sys.path),
        arguments=list(sys.argv),
        builtins=dict(vars(builtins)),
        locale=locale.setlocale(locale.LC_ALL),
        decimal=decimal.getcontext().copy(),
        filters=list(warnings.filters),
        pandas=_pandas_options(),
        altair=[(registry, registry._get_state()) for registry in _registries()],
        formatters=_formatters(),
    )
    begin()


def _registries() -> list:
    import altair as alt

    return [alt.theme._themes, alt.renderers, alt.data_transformers]


def _pandas_options() -> dict:
    """Every option of pandas with its value; pandas' own reset of all of them wants matplotlib."""
    import pandas
    from pandas._config.config import _registered_options

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: pandas.get_option(name) for name in _registered_options}


def _formatters() -> list:
    """IPython's type printers, which a notebook can add to."""
    formatters = get_ipython().display_formatter.formatters.values()
    return [
        (f, dict(f.singleton_printers), dict(f.type_printers), dict(f.deferred_printers)) for f in formatters
    ]


def begin() -> None:
    """Make the kernel as it was when `warm` had imported the libraries."""
    import numpy
    import pandas

    _remember()
    shell = get_ipython()
    shell.reset(new_session=False)
    shell.execution_count = 1
    for name in [m for m in sys.modules if m.partition(".")[0] == "roxham" and m not in KEPT]:
        del sys.modules[name]
    for package in ("roxham", "roxham.publish"):
        for attribute in [a for a in vars(sys.modules[package]) if f"{package}.{a}" not in KEPT]:
            if not attribute.startswith("__"):
                delattr(sys.modules[package], attribute)
    os.chdir(_new["folder"])
    os.environ.clear()
    os.environ.update(_new["environment"])
    sys.path[:] = _new["path"]
    sys.argv[:] = _new["arguments"]
    for name in set(vars(builtins)) - set(_new["builtins"]):
        delattr(builtins, name)
    vars(builtins).update(_new["builtins"])
    locale.setlocale(locale.LC_ALL, _new["locale"])
    decimal.setcontext(_new["decimal"].copy())
    for option, value in _pandas_options().items():
        if value != _new["pandas"][option]:
            pandas.set_option(option, _new["pandas"][option])
    warnings.filters[:] = _new["filters"]
    warnings._filters_mutated()
    for registry, state in _new["altair"]:
        registry._set_state({key: _copy(value) for key, value in state.items()})
    for formatter, singletons, types, deferred in _new["formatters"]:
        formatter.singleton_printers = dict(singletons)
        formatter.type_printers = dict(types)
        formatter.deferred_printers = dict(deferred)
    random.seed(SEED)
    numpy.random.seed(SEED)
    gc.collect()


class _Recall(MetaPathFinder):
    """Finds `roxham.tables` as Python does, and has it recall what is remembered."""

    @staticmethod
    def find_spec(name, path, target=None):
        if name != "roxham.tables":
            return None
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module) -> None:
            found = os.stat(module.__file__)
            state = found.st_mtime_ns, found.st_size
            execute(module)
            if "memory" in _tables and _tables["state"] == state:
                module.recall(_tables["memory"])
            _tables.update(state=state, ask=module.memory)

        spec.loader.exec_module = exec_module
        return spec


def _remember() -> None:
    """Keep what the notebook's `roxham.tables` has in memory, if it was read as in a new kernel."""
    sys.meta_path[:] = [_Recall, *(finder for finder in sys.meta_path if finder is not _Recall)]
    if _pandas_options() != _new["pandas"]:
        _tables.clear()
    elif "ask" in _tables:
        _tables["memory"] = _tables.pop("ask")()


def _copy(value):
    return dict(value) if isinstance(value, dict) else value


def report() -> str:
    """JSON: the project's files that the notebook's result depends on, as paths below the root."""
    modules = [m for name, m in sys.modules.items() if name.partition(".")[0] == "roxham"]
    files = {Path(m.__file__) for m in modules if getattr(m, "__file__", None)}
    files |= set((OURS / "assets").glob("*"))
    if "roxham.tables" in sys.modules:
        files |= set(sys.modules["roxham.tables"].files_read())
    return json.dumps(sorted(Path(f).resolve().relative_to(ROOT).as_posix() for f in files))
