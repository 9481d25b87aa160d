"""What is published: its title, its authors, which version of it this is, and where it stands.

The address is the reader's or publisher's to give, in ROXHAM_BASE_URL. Without it there is none: pages link each
other relatively, and nothing makes one up.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from roxham.publish.chapters import ROOT, BookError, settings


@dataclass(frozen=True)
class Edition:
    """The book as a whole. date: of the version, YYYY-MM-DD. base: its address, ending in a slash, or "" ."""

    title: str
    authors: tuple[str, ...]
    version: str
    date: str
    base: str

    def as_dict(self) -> dict:
        return asdict(self)


def edition() -> Edition:
    """This edition: from CITATION.cff, from git where the book is a checkout, and from ROXHAM_BASE_URL.

    The version is the tag or the commit, `-dirty` where files differ from it. Raises `BookError` where the
    address is none.
    """
    cff = settings("CITATION.cff")
    authors = tuple(a.get("name") or f"{a['given-names']} {a['family-names']}" for a in cff["authors"])
    version, date = _git() or (str(cff["version"]), str(cff["date-released"]))
    return Edition(cff["title"], authors, version, date, base_url())


def base_url() -> str:
    """ROXHAM_BASE_URL with a slash at its end, or "". Raises `BookError` where it is no address."""
    given = os.environ.get("ROXHAM_BASE_URL", "").strip()
    if not given:
        return ""
    try:
        parts = urlsplit(given)
        sound = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
    except ValueError:
        sound = False
    if not sound or any(c.isspace() or c in "<>\"'" for c in given):
        raise BookError(
            f"ROXHAM_BASE_URL is {given!r}; it must be an address such as https://host/path/, or empty"
        )
    return given.rstrip("/") + "/"


def _git() -> tuple[str, str] | None:
    """Tag or commit, and its date; None where the root is no checkout, or git is not there."""

    def ask(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", ROOT, *words], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    if not (ROOT / ".git").exists():  # a copy inside another project's checkout has no version of its own
        return None
    try:
        # of a fixed length, whatever else this clone holds
        return ask("describe", "--tags", "--always", "--dirty", "--abbrev=10"), ask(
            "log", "-1", "--format=%cs"
        )
    except (OSError, subprocess.SubprocessError):
        return None
