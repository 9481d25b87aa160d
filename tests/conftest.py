import chromium
import pytest
from filelock import FileLock
from project import Project

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


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
def built(tmp_path_factory, worker_id) -> Project:
    """A copy of this checkout, with its site built from nothing, once for all workers. Not to be changed."""
    shared = (
        tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    )
    with FileLock(shared / "built.lock"):
        if (shared / "built" / "_build" / "html").is_dir():
            return Project(shared / "built")
        copy = Project.of_checkout(shared / "built")
        copy.build()
        return copy


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Project:
    """The project with a small book, built. Not to be changed: see `project`."""
    copy = Project.small(tmp_path_factory.mktemp("small") / "book")
    copy.build()
    return copy


@pytest.fixture
def project(small, tmp_path) -> Project:
    """A copy of the small built project that a test may change."""
    return small.copy(tmp_path / "book")
