import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import chromium
import pytest
from filelock import FileLock
from project import ADDRESS, Project

from roxham.publish.cache import Cache, fingerprints
from roxham.publish.chapters import Chapter
from roxham.publish.runs import Run, execute
from roxham.publish.warm import WarmKernel

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


def pytest_xdist_auto_num_workers(config) -> int:
    """One more than there are cores: a worker often waits, for a browser or for a build."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config, items) -> None:
    """The first worker begins with what needs the whole site, and so builds it; the others end with that, and do not
    wait for it. Each worker is given one stretch of the list."""
    count = getattr(config, "workerinput", {}).get("workercount", 1)
    if count == 1:
        return
    site = [item for item in items if "built" in item.fixturenames]
    rest = [item for item in items if "built" not in item.fixturenames]
    stretches = []
    for n in range(count):
        mine, free = (part[len(part) * n // count : len(part) * (n + 1) // count] for part in (site, rest))
        stretches += [*mine, *free] if n == 0 else [*free, *mine]
    items[:] = stretches


@pytest.fixture(scope="session")
def browser():
    """One headless Chromium for the session; a test without one fails, with one clear line."""
    from playwright.sync_api import sync_playwright

    flags = [*QUIET.split(), "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium.find(), args=flags)
        yield running
        running.close()


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder that all workers of this run see."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


def built_once(root: Path, start) -> Project:
    """The project that `start` makes at `root`, with its site built from nothing by the first worker that asks."""
    with FileLock(f"{root}.lock"):
        if (root / "_build" / "html").is_dir():
            return Project(root)
        copy = start(root)
        copy.build()
        return copy


@pytest.fixture(scope="session")
def built(shared) -> Project:
    """A copy of this checkout, with its site built. Not to be changed."""
    return built_once(shared / "built", Project.of_checkout)


@pytest.fixture(scope="session")
def kernel() -> WarmKernel:
    """One warm kernel for all tests of a worker."""
    warm = WarmKernel()
    yield warm
    warm.stop()


@pytest.fixture(scope="session")
def executed(built, kernel) -> Callable[[Chapter, dict], str]:
    """What a chapter or a template gives for some values: the notebook (JSON) that the site was printed from, or one
    executed now, which must have no fault."""
    site = Cache(built.root / "_build/cache/notebooks", fingerprints(built.root))

    def one(chapter: Chapter, values: dict) -> str:
        asked = {name: v for name, v in values.items() if v != chapter.parameters[name].default}
        if entry := site.get(Cache.key(chapter.source, asked)):
            return entry.notebook
        result = execute(Run(chapter.name, chapter.source, asked), kernel)
        assert result.fault is None, result.fault
        return result.notebook

    return one


@pytest.fixture(scope="session")
def small(shared) -> Project:
    """The project with a small book, built. Not to be changed: see `project`."""
    return built_once(shared / "small", Project.small)


@pytest.fixture(scope="session")
def addressed(small, tmp_path_factory) -> Project:
    """The small book, built for an address. Not to be changed."""
    copy = small.copy(tmp_path_factory.mktemp("addressed") / "book")
    environment = copy.environment | {"ROXHAM_BASE_URL": ADDRESS.rstrip("/")}
    done = subprocess.run(
        copy.command("build"), cwd=copy.root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture
def project(small, tmp_path) -> Project:
    """A copy of the small built project that a test may change."""
    return small.copy(tmp_path / "book")
