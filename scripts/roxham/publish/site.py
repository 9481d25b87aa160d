"""The site: executed notebooks, printed by Jupyter Book, put in place of the old site in one step."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from filelock import FileLock, Timeout

from roxham import claims, tables
from roxham.publish import briefs, editions, links, promises
from roxham.publish.briefs import Brief
from roxham.publish.cache import Cache, Entry, digest, drop_oldest, fingerprints, write_atomically
from roxham.publish.chapters import BUILD, ROOT, BookError, Chapter, book, find, settings
from roxham.publish.edition import Edition, edition

DRAWINGS = 5_000  # kept from build to build; about 10 kB each
TABLES = 600  # the same, as read and checked; all of them once are some 150


class BuildError(Exception):
    """The site could not be built; the old one stands as it was."""


class InvalidRecord(BuildError):
    """The record has faults: `faults` is the table of `record_faults`."""

    def __init__(self, faults) -> None:
        super().__init__(f"the record has {len(faults)} fault{'s' if len(faults) != 1 else ''}")
        self.faults = faults


class Watcher:
    """What a build tells whoever watches it; the command line draws a progress bar from it."""

    def waiting(self) -> None: ...
    def executing(self, names: list[str], cached: int) -> None: ...
    def executed(self, name: str, seconds: float, failed: bool) -> None: ...
    def printing(self, pages: int) -> None: ...
    def unpromised(self, figures: list[str]) -> None: ...


@dataclass
class Built:
    """What a build did: the page to open, the notebooks executed, whether it printed, and how long it took."""

    index: Path
    executed: list[str]
    printed: bool
    seconds: float


def build(
    only: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    fresh: bool = False,
    watcher: Watcher | None = None,
) -> Built:
    """Build the site in ``_build/html``, or, with `only`, one chapter's preview in ``_build/preview``.

    Executes the notebooks whose stored execution no longer holds (all of them if `fresh`), prints the book if
    anything printed would differ, and swaps it in. Another build at the same time waits for this one.
    Raises `BuildError` with everything that is wrong, leaving the published site untouched.
    """
    started = time.perf_counter()
    watcher = watcher or Watcher()
    with locked(watcher):
        now = fingerprints()
        check_record(now)
        settings("_config.yml")
        chapters = [find(only)] if only else book()
        pages = [] if only else briefs.of_site(now, BUILD / "cache" / "briefs")
        cache = Cache(BUILD / "cache" / "notebooks", now)
        notebooks, executed = _executed(
            chapters, pages, cache, workers or os.cpu_count() or 1, scheduler, fresh, watcher
        )
        notebooks |= {b.name: briefs.own(b, notebooks[b.name]) for b in pages}
        published = edition()
        _unique_figures(notebooks)
        if not only:
            _promised_figures({c.name: notebooks[c.name] for c in chapters}, watcher)
        target = BUILD / ("preview" if only else "html")
        printed = _publish(notebooks, chapters, pages, target, now, published, fresh, watcher)
    return Built(target / "index.html", executed, printed, time.perf_counter() - started)


@contextlib.contextmanager
def locked(watcher: Watcher):
    """The folder of what is built, for one process at a time; another waits. Clears what a killed one left."""
    BUILD.mkdir(exist_ok=True)
    lock = FileLock(BUILD / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.waiting()
        lock.acquire()
    try:
        for leftover in BUILD.glob(".work-*"):
            shutil.rmtree(leftover)
        yield
    finally:
        lock.release()


def check_record(now: dict[str, str] | None = None) -> None:
    """Raise `InvalidRecord` if the record has a fault; a record found valid is not checked again."""
    now = now or fingerprints()
    rules = {f"scripts/roxham/{room}.py" for room in ("tables", "claims", "facts")}
    relevant = {p: h for p, h in now.items() if p.startswith("data/") or p in rules}
    mark = BUILD / "cache" / "record" / digest(json.dumps(relevant).encode())
    if mark.exists():
        return
    faults = record_faults()
    if len(faults):
        raise InvalidRecord(faults)
    for name in tables.names():
        tables.load(name)
    tables.keep(BUILD / "cache")  # for the processes that execute and print
    write_atomically(mark, "")


def record_faults(cited: set[str] | None = None):
    """Every fault of the tables and of the ledger: file, row, column, value, rule. cited: as in `tables.check`."""
    return pd.concat([tables.check(cited), claims.check()], ignore_index=True).drop_duplicates(
        ignore_index=True
    )


def words() -> set[str]:
    """Every word of the chapters, source ids among them: a source may be cited in a text alone."""
    return set().union(
        *(re.findall(r"[\w-]+", chapter.source.decode(errors="replace")) for chapter in book())
    )


def _executed(chapters, pages, cache, workers, scheduler, fresh, watcher) -> tuple[dict[str, str], list[str]]:
    """Name of a chapter or a brief → executed notebook (JSON), and the names that had to be executed."""
    named = {page.name: page for page in pages}
    wanted = [(c.name, c.source, {}) for c in chapters] + [(p.name, p.source, p.parameters) for p in pages]
    keys = {name: Cache.key(source, parameters) for name, source, parameters in wanted}
    notebooks = {}
    for name, key in keys.items():
        entry = None if fresh else cache.get(key)
        if entry:
            notebooks[name] = entry.notebook
    due = [one for one in wanted if one[0] not in notebooks]
    if due:
        from roxham.publish.runs import Run, executed

        for chapter in chapters:
            if chapter.name not in notebooks:
                chapter.validate()  # before anything runs
        watcher.executing([name for name, *_ in due], cached=len(notebooks))
        errors = []
        for _, result in executed([Run(*one) for one in due], workers, scheduler):
            watcher.executed(result.name, result.seconds, result.fault is not None)
            if result.fault:
                page = named.get(result.name)
                errors.append(page.explained(result.fault) if page else result.fault)
            else:
                notebooks[result.name] = result.notebook
                entry = Entry(result.notebook, result.dependencies, result.seconds)
                cache.put(keys[result.name], entry)
        cache.prune(keys.values())
        drop_oldest(BUILD / "cache" / "drawings", DRAWINGS)
        drop_oldest(BUILD / "cache" / "tables", TABLES)
        if errors:
            raise BuildError("\n\n".join(errors))
    return {name: notebooks[name] for name in keys}, [name for name, *_ in due]


def figures_of(notebook: str) -> list[dict]:
    """What each figure of an executed notebook says of itself, in order."""
    return [
        output["metadata"]["roxham"]
        for cell in json.loads(notebook)["cells"]
        for output in cell.get("outputs", [])
        if "id" in output.get("metadata", {}).get("roxham", {})
    ]


def _unique_figures(notebooks: dict[str, str]) -> None:
    """An ID is a promise to those who cite it: no two figures of the book may share one."""
    places = [(figure["id"], name) for name, text in notebooks.items() for figure in figures_of(text)]
    for identifier, count in Counter(i for i, _ in places).items():
        if count > 1:
            where = ", ".join(f"{name}.md" for i, name in places if i == identifier)
            raise BuildError(
                f"figure {identifier}: {count} figures have this ID ({where}); it must be unique"
            )


def _promised_figures(notebooks: dict[str, str], watcher) -> None:
    """None that was ever published may be gone; those that are new are said."""
    ids = [figure["id"] for text in notebooks.values() for figure in figures_of(text)]
    try:
        promises.redirects(ids)
    except BookError as error:
        raise BuildError(str(error)) from error
    if new := promises.unpromised(ids):
        watcher.unpromised(new)


def _publish(
    notebooks,
    chapters: list[Chapter],
    pages: list[Brief],
    target: Path,
    now,
    published: Edition,
    fresh: bool,
    watcher,
) -> bool:
    """Print the book and swap it in for `target`, unless what stands there is just that. True if printed."""
    files = {
        f: (ROOT / f).read_bytes()
        for f in sorted(p.relative_to(ROOT).as_posix() for p in _printed_files(chapters))
    }
    figures = {name: [figure["id"] for figure in figures_of(text)] for name, text in notebooks.items()}
    ground = digest(  # all that is printed but the notebooks
        json.dumps([figures, now, published.as_dict()]).encode(),
        (ROOT / "requirements.txt").read_bytes(),
        *(part for name, content in files.items() for part in (name.encode(), content)),
    )
    identity = digest(ground.encode(), json.dumps(notebooks).encode())
    mark = BUILD / f"{target.name}.json"
    if _stands(target, mark, identity):
        return False
    watcher.printing(len(chapters) + len(pages))
    with (
        tempfile.TemporaryDirectory(dir=BUILD, prefix=".work-") as work,
        _press(target, ground, fresh) as press,
    ):
        stage = press / "book"
        for name, content in files.items():
            _put(stage / name, content)
        _stage(notebooks, chapters, pages, stage)
        site = shutil.copytree(
            _print(stage, press),
            Path(work) / "html",
            ignore=lambda *_: {".buildinfo"},
            copy_function=shutil.copyfile,
        )
        if target.name == "html":
            editions.offer(site, BUILD / editions.FOLDER, identity)
        put_in_place(site, target, identity)
    return True


@contextlib.contextmanager
def _press(target: Path, ground: str, fresh: bool):
    """The folder where the book is printed: as the last printing left it if that had the same `ground` and ended
    well, so that Sphinx reads and writes only what has changed; else empty."""
    folder = BUILD / "cache" / "press" / target.name
    mark = folder.with_suffix(".ground")
    same = not fresh and mark.is_file() and mark.read_text() == ground
    # Sphinx never deletes what pages hold beside their text
    same = same and not any((folder / "_build" / "html" / n).exists() for n in ("_images", "_downloads"))
    mark.unlink(missing_ok=True)
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    write_atomically(mark, ground)


def _put(path: Path, content: bytes) -> bool:
    """Write a file, unless it is there: Sphinx goes by its date. True if it was not."""
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return True


def put_in_place(site: Path, target: Path, identity: str) -> None:
    """Keep a finished folder, point `target` at it, and write down what stands there; drop the one before it."""
    sites = BUILD / "sites"
    sites.mkdir(exist_ok=True)
    final = Path(tempfile.mkdtemp(dir=sites, prefix=f"{target.name}-{identity[:16]}-"))
    os.rename(site, final)
    _swap(final, target)
    mark = {"identity": identity, "files": _inventory(final)}
    write_atomically(BUILD / f"{target.name}.json", json.dumps(mark))
    for old in final.parent.glob(f"{target.name}-*"):
        if old != final:
            shutil.rmtree(old)


def _printed_files(chapters: list[Chapter]) -> list[Path]:
    """The book's files that are printed as they are: its configuration, and what lies beside the chapters."""
    beside = [p for p in (ROOT / "chapters").rglob("*") if p.is_file() and p.suffix not in (".md", ".ipynb")]
    return [ROOT / "_config.yml", ROOT / "_toc.yml", *beside]


def _stage(notebooks: dict[str, str], chapters: list[Chapter], pages: list[Brief], stage: Path) -> None:
    """Lay out what Jupyter Book prints: the executed notebooks in place of the chapters, execution off; briefs too,
    which no table of contents names."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    config |= {"execute": {"execute_notebooks": "off"}, "only_build_toc_files": False}
    _put(stage / "_config.yml", yaml.safe_dump(config, sort_keys=False).encode())
    if len(chapters) == 1:
        toc = {"format": "jb-book", "root": chapters[0].name}
        _put(stage / "_toc.yml", yaml.safe_dump(toc).encode())
    stems = {Path(c.name).name for c in [*chapters, *pages]}
    of_templates = {page.name for page in pages}
    for name in [c.name for c in [*chapters, *pages]]:
        notebook, figures = json.loads(notebooks[name]), {f["id"] for f in figures_of(notebooks[name])}
        if name in of_templates:
            notebook = briefs.paged(notebook, figures)
        if name == briefs.LIST and pages:
            notebook = briefs.listed(notebook, [(page, notebooks[page.name]) for page in pages])
        notebook = links.alone(notebook, figures) if len(chapters) == 1 else links.staged(notebook, stems)
        if _put(stage / f"{name}.ipynb", json.dumps(notebook).encode()):
            # what Sphinx read of it before: the clock may have been set back since
            (stage.parent / "_build" / ".doctrees" / f"{name}.doctree").unlink(missing_ok=True)


def _print(stage: Path, work: Path) -> Path:
    """Run Jupyter Book over the staged book; every warning is an error. The folder of the printed site."""
    command = [Path(sysconfig.get_path("scripts")) / "jupyter-book", "build", "-W", "-n", "--keep-going"]
    done = subprocess.run(
        [*command, "--path-output", work, stage],
        env=os.environ
        | {
            "PYTHONHASHSEED": "0",
            "NO_COLOR": "1",
            "ROXHAM_FIGURES": "site",
            "ROXHAM_CACHE": str(BUILD / "cache"),
        },
        capture_output=True,
        text=True,
    )
    site = work / "_build" / "html"
    if done.returncode or not (site / "index.html").is_file():
        text = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr).replace(f"{stage}/", "")
        faults = [line for line in text.splitlines() if re.search(r"WARNING|ERROR|Error|Exception", line)]
        raise BuildError(
            "Jupyter Book could not print the book:\n" + "\n".join(faults or text.splitlines()[-20:])
        )
    return site


def _swap(final: Path, target: Path) -> None:
    """Point `target` at the finished folder, by one rename of a link: a reader sees the old or the new."""
    link = target.with_name(f".{target.name}-next")
    link.unlink(missing_ok=True)
    link.symlink_to(final.relative_to(target.parent), target_is_directory=True)
    if target.is_dir() and not target.is_symlink():  # left by a plain `jupyter-book build`
        shutil.rmtree(target)
    os.replace(link, target)


def _stands(target: Path, mark: Path, identity: str) -> bool:
    """Whether the published site is the one of this identity, with every file as it was put there."""
    try:
        held = json.loads(mark.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return held["identity"] == identity and target.is_symlink() and held["files"] == _inventory(target)


def _inventory(folder: Path) -> dict[str, list[int]]:
    """Path → size and time of every file below a folder."""
    found = {}
    for parent, _, names in os.walk(folder.resolve()):
        for name in names:
            path = os.path.join(parent, name)
            state = os.stat(path)
            found[os.path.relpath(path, folder.resolve())] = [state.st_size, state.st_mtime_ns]
    return dict(sorted(found.items()))
