"""What the publisher runs inside a notebook's kernel, before and after each notebook.

A kernel is kept warm (the libraries stay imported), so each notebook must find it as new. `begin` puts back
all that a notebook can change by ordinary means: its names, our own modules (imported anew, so that figures
registered and tables read start empty), and what `_state` lists, from pandas' options to the working directory.
What it cannot put back (threads and processes left running) it reports, and the kernel is replaced.
`report` says what the notebook depended on.

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
import logging
import os
import random
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from pathlib import Path

import zmq.utils.garbage
from IPython import get_ipython

ROOT = Path(__file__).resolve().parents[3]
OURS = Path(__file__).resolve().parents[1]
KEPT = {"roxham", "roxham.publish", "roxham.publish.kernel"}
SEED = 20230325

_tables: dict = {}  # of the last `roxham.tables`: the state of its file, how to ask for its memory, the memory
_threads: set = set()  # that the kernel has of itself
_new: list = []  # what of the process `begin` puts back: how it is set, how it was


def warm() -> None:
    """Import what the chapters use, and remember the state of the new kernel."""
    import altair as alt
    import geopandas  # noqa: F401
    import numpy  # noqa: F401
    import pandas  # noqa: F401
    import pandera.pandas  # noqa: F401
    import vl_convert
    from altair.utils import schemapi

    from roxham.figures import own_fonts

    # the converter's first drawing starts its JavaScript engine
    chart = alt.Chart({"values": [{"a": 1}]}).mark_point().to_dict()
    with own_fonts():
        vl_convert.vegalite_to_svg(chart)
    # a chart is held against Vega-Lite's schema whole, when it is drawn: its parts before that cost a fifth more
    schemapi.disable_debug_mode()
    _forget()
    _new.extend((put, get()) for get, put in _state())
    zmq.utils.garbage.gc.start()  # else the first large output starts it, and it looks like a notebook's thread
    _threads.update(threading.enumerate())
    begin()
    gc.collect()
    gc.freeze()  # what is here now stays: no later collection need look at it


def _state() -> Iterator[tuple[Callable[[], object], Callable[[object], object]]]:
    """How each part of the process that a notebook can change is read, and how it is put back."""
    import altair as alt
    import numpy
    from altair.utils import schemapi

    yield os.getcwd, os.chdir
    yield _umask, os.umask
    yield from _mappings(os.environ, vars(builtins))
    yield time.tzset, lambda _: time.tzset()  # by the environment as it was
    yield from _attributes(sys, "path", "argv")
    yield from _attributes(
        warnings, "filters", "showwarning", "_showwarnmsg", "formatwarning", "defaultaction"
    )
    yield from _lists(sys.path, sys.argv, warnings.filters)
    yield lambda: None, lambda _: warnings._filters_mutated()
    yield from _attributes(sys, "stdout", "stderr", "stdin", "excepthook", "displayhook", "unraisablehook")
    yield sys.getrecursionlimit, sys.setrecursionlimit
    yield sys.gettrace, sys.settrace
    yield sys.getprofile, sys.setprofile
    yield gc.isenabled, lambda on: gc.enable() if on else gc.disable()
    yield gc.get_threshold, lambda thresholds: gc.set_threshold(*thresholds)
    yield socket.getdefaulttimeout, socket.setdefaulttimeout
    for number in {signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT}:
        yield partial(signal.getsignal, number), partial(signal.signal, number)
    yield lambda: 0, lambda _: signal.setitimer(signal.ITIMER_REAL, 0)
    yield lambda: locale.setlocale(locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)
    yield lambda: decimal.getcontext().copy(), lambda context: decimal.setcontext(context.copy())
    root = logging.getLogger()
    yield from _lists(root.handlers, root.filters)
    yield lambda: root.level, root.setLevel
    yield lambda: root.manager.disable, logging.disable
    yield numpy.geterr, lambda how: numpy.seterr(**how)
    yield numpy.get_printoptions, lambda options: numpy.set_printoptions(**options)
    yield _pandas_options, _set_pandas_options
    yield from _attributes(schemapi, "DEBUG_MODE")
    for registry in (alt.theme._themes, alt.renderers, alt.data_transformers):
        yield partial(_altair_state, registry), lambda state, r=registry: r._set_state(_copies(state))
    for formatter in get_ipython().display_formatter.formatters.values():
        yield from _mappings(
            formatter.singleton_printers, formatter.type_printers, formatter.deferred_printers
        )
        yield from _attributes(formatter, "enabled")
    yield lambda: None, lambda _: (random.seed(SEED), numpy.random.seed(SEED))


def _umask() -> int:
    os.umask(mask := os.umask(0o022))
    return mask


def _mappings(*mappings) -> Iterator:
    for one in mappings:
        yield partial(dict, one), lambda held, m=one: _refill(m, held)


def _refill(mapping, held: dict) -> None:
    for name in set(mapping) - set(held):
        del mapping[name]
    mapping.update(held)


def _lists(*lists) -> Iterator:
    for one in lists:
        yield partial(list, one), lambda held, m=one: m.__setitem__(slice(None), held)


def _attributes(thing, *names) -> Iterator:
    for name in names:
        if hasattr(thing, name):
            yield partial(getattr, thing, name), partial(setattr, thing, name)


def _pandas_options() -> dict:
    """Every option of pandas with its value; pandas' own reset of all of them wants matplotlib."""
    import pandas
    from pandas._config.config import _registered_options

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: pandas.get_option(name) for name in _registered_options}


def _set_pandas_options(held: dict) -> None:
    import pandas

    for option, value in _pandas_options().items():
        if value != held[option]:
            pandas.set_option(option, held[option])


def _altair_state(registry) -> dict:
    return _copies(registry._get_state())


def _copies(state: dict) -> dict:
    return {key: dict(value) if isinstance(value, dict) else value for key, value in state.items()}


def _forget() -> None:
    """Our own modules are imported anew by each notebook."""
    for name in [m for m in sys.modules if m.partition(".")[0] == "roxham" and m not in KEPT]:
        del sys.modules[name]
    for package in ("roxham", "roxham.publish"):
        for attribute in [a for a in vars(sys.modules[package]) if f"{package}.{a}" not in KEPT]:
            if not attribute.startswith("__"):
                delattr(sys.modules[package], attribute)


def begin() -> None:
    """Make the kernel as it was when `warm` had imported the libraries.

    Raises `RuntimeError` if it cannot be: what a notebook left running cannot be ended from here.
    """
    if left := [thread.name for thread in threading.enumerate() if thread not in _threads]:
        raise RuntimeError(f"threads left running: {', '.join(left)}")
    with suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        raise RuntimeError("processes left running")
    _remember()
    shell = get_ipython()
    shell.reset(new_session=False)
    shell.execution_count = 1
    _forget()
    for put, held in _new:
        put(held)
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
    if _pandas_options() != next(held for put, held in _new if put is _set_pandas_options):
        _tables.clear()
    elif "ask" in _tables:
        _tables["memory"] = _tables.pop("ask")()


def report() -> str:
    """JSON: the project's files that the notebook's result depends on, as paths below the root."""
    modules = [m for name, m in sys.modules.items() if name.partition(".")[0] == "roxham"]
    files = {Path(m.__file__) for m in modules if getattr(m, "__file__", None)}
    files |= set((OURS / "assets").glob("*"))
    if "roxham.tables" in sys.modules:
        files |= set(sys.modules["roxham.tables"].files_read())
    return json.dumps(sorted(Path(f).resolve().relative_to(ROOT).as_posix() for f in files))
