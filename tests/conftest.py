import chromium
import pytest
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
def built(tmp_path_factory) -> Project:
    """A copy of this checkout, with its site built from nothing. Not to be changed: see `project`."""
    copy = Project.of_checkout(tmp_path_factory.mktemp("built") / "book")
    copy.build()
    return copy


@pytest.fixture
def project(built, tmp_path) -> Project:
    """A copy of the built project that a test may change."""
    return built.copy(tmp_path / "book")
