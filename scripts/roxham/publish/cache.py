"""Executed notebooks, kept by content.

An entry is found by what the notebook *is* (its source, its parameters, the locked environment) and is valid
while what it *read* (our modules, the tables, the hand-written judgements) is the same, byte for byte.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from roxham.publish.chapters import ROOT


def digest(*parts: bytes) -> str:
    """SHA-256 over parts, each prefixed by its length so that no two lists of parts are alike."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def fingerprints(root: Path = ROOT) -> dict[str, str]:
    """Path below the root → SHA-256, for every file that a notebook may depend on."""
    files = [*root.glob("data/**/*"), *root.glob("scripts/roxham/**/*")]
    return {
        f.relative_to(root).as_posix(): _fingerprint(f, *_written(f))
        for f in sorted(files)
        if f.is_file() and "__pycache__" not in f.parts
    }


def _written(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size


@functools.lru_cache(maxsize=4096)
def _fingerprint(file: Path, *_written: int) -> str:
    """Of a file as it is since it was last written, by the system's clocks: read once by a process."""
    return digest(file.read_bytes())


def state(*prefixes: str) -> str:
    """What results depend on: our code, the record, the locked environment, Python. 16 hex digits.

    With prefixes, of our files only those whose paths below the root begin so.
    """
    files = {name: held for name, held in fingerprints().items() if name.startswith(prefixes or "")}
    lock = (ROOT / "requirements.txt").read_bytes()
    parts = [f"{name} {held}".encode() for name, held in files.items()]
    return digest(lock, platform.python_version().encode(), *parts)[:16]


def write_atomically(path: Path, text: str | bytes) -> None:
    """Write whole or not at all, whatever kills the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def made(what: str) -> Path | None:
    """The folder that keeps what was made from build to build; none where the variable ROXHAM_CACHE is empty."""
    folder = os.environ.get("ROXHAM_CACHE", str(ROOT / "_build" / "cache"))
    return Path(folder) / what if folder else None


def place(what: str, key: str, suffix: str) -> Path | None:
    """Where `kept` keeps it."""
    folder = made(what)
    return folder / f"{digest(key.encode())}.{suffix}" if folder else None


def kept(what: str, key: str, suffix: str, make: Callable[[], bytes]) -> bytes:
    """`make()`, kept in the folder `made(what)` under `key`: all that it depends on. See `drop_oldest`."""
    if (path := place(what, key, suffix)) is None:
        return make()
    try:
        data = path.read_bytes()
        os.utime(path)  # what is not used for long is dropped first
    except OSError:
        data = make()
        write_atomically(path, data)
    return data


@dataclass
class Entry:
    """One executed notebook (JSON of an .ipynb), what it read, and how long it took."""

    notebook: str
    dependencies: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Cache:
    """A folder of entries. `now` is the state of the project's files that entries are held against."""

    def __init__(self, folder: Path, now: dict[str, str]) -> None:
        self.folder = folder
        self.now = now

    @staticmethod
    def key(source: bytes, parameters: dict) -> str:
        """What a notebook is; the same on every machine with the same environment."""
        lock = (ROOT / "requirements.txt").read_bytes()
        asked = json.dumps(parameters, sort_keys=True).encode()
        return digest(source, asked, lock, platform.python_version().encode())

    def get(self, key: str) -> Entry | None:
        """The entry, if there is one and nothing that it read has changed; a broken file is no entry."""
        try:
            entry = Entry(**json.loads((self.folder / f"{key}.json").read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        same = all(self.now.get(path) == held for path, held in entry.dependencies.items())
        return entry if same else None

    def put(self, key: str, entry: Entry) -> None:
        write_atomically(self.folder / f"{key}.json", json.dumps(asdict(entry)))

    def prune(self, keep: Iterable[str], most: int = 500) -> None:
        """Drop the oldest entries over `most`, never those in `keep`."""
        drop_oldest(self.folder, most, set(keep))
        for left in self.folder.glob(".writing-*"):
            left.unlink(missing_ok=True)


def drop_oldest(folder: Path | None, most: int, keep: Collection[str] = ()) -> None:
    """Delete a folder's files over `most`, those longest not used first, never those whose stem is in `keep`."""
    ages = []
    for entry in os.scandir(folder) if folder and folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # another build may drop it first
            ages.append((entry.stat().st_mtime, entry.path))
    for _, path in sorted(ages, reverse=True)[most:]:
        if Path(path).stem not in keep:
            Path(path).unlink(missing_ok=True)
