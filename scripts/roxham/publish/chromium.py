"""A page as a PDF, printed by the Chromium of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LONGEST = 600  # seconds that a printing may take on a busy machine
# the pages are our own and run no script; in a container there is often no sandbox to be had
QUIET = "--headless --no-sandbox --disable-gpu --disable-extensions --disable-background-networking --no-first-run"


class ChromiumError(RuntimeError):
    """There is no Chromium, or it did not print."""


def find() -> str:
    """ROXHAM_CHROMIUM, or the first Chromium on the PATH. Raises `ChromiumError` where there is none."""
    given = os.environ.get("ROXHAM_CHROMIUM", "").strip()
    found = shutil.which(given) if given else next(filter(None, map(shutil.which, NAMES)), None)
    if given and not found:
        raise ChromiumError(f"ROXHAM_CHROMIUM is {given!r}, which is no program; give the path of a Chromium")
    if not found:
        raise ChromiumError(
            f"no Chromium: none of {', '.join(NAMES)} is on the PATH; install one (on Debian and Ubuntu: "
            "apt-get install chromium), or set ROXHAM_CHROMIUM to its path"
        )
    return found


def pdf(document: str) -> bytes:
    """An HTML document as a tagged PDF with an outline, without the clock's dates. Raises `ChromiumError`."""
    program = find()
    with tempfile.TemporaryDirectory(prefix="roxham-") as folder:  # with a profile of its own
        page, out = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(document, encoding="utf-8")
        command = [program, *QUIET.split(), f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"]
        command += ["--generate-pdf-document-outline", f"--print-to-pdf={out}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=LONGEST)
        except subprocess.TimeoutExpired as error:
            raise ChromiumError(f"{program} had not printed the page after {LONGEST} s") from error
        except OSError as error:
            raise ChromiumError(f"{program} could not be started: {error.strerror}") from error
        if not out.is_file():
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ChromiumError(f"{program} did not print the page (status {done.returncode}): {last}")
        return re.sub(rb"(/(?:Creation|Mod)Date \(D:)\d{14}", rb"\g<1>20000101000000", out.read_bytes())
