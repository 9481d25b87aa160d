"""Find a Chromium for the tests, or install one; print its path.

The one on the PATH, else Playwright's own, else the system's package manager when root.
"""

import os
import shutil
import subprocess
import sys

from roxham.publish.chromium import NAMES


def on_path() -> str | None:
    """The first Chromium on the PATH."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def playwrights_own() -> str | None:
    """Playwright's own Chromium, downloaded if need be; None if that cannot be had."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if not os.path.exists(path):
        run(sys.executable, "-m", "playwright", "install", "chromium")
    return path if os.path.exists(path) else None


def by_package_manager() -> str | None:
    """Chromium from the system's packages, when we may install them."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "chromium")
    return on_path()


def run(*command: str) -> None:
    """Run a command, its output on standard error."""
    subprocess.run(command, stdout=sys.stderr, stderr=sys.stderr, check=False)


def find() -> str:
    """The path of a Chromium; ends the program with one clear line if there is none."""
    path = os.environ.get("ROXHAM_CHROMIUM") or on_path() or playwrights_own() or by_package_manager()
    if not path:
        sys.exit("no Chromium: none on the PATH, and none could be installed; set ROXHAM_CHROMIUM to one")
    return path


if __name__ == "__main__":
    print(find())
