"""The record for download: each table as CSV and Parquet, and everything as one zipped data package."""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

from roxham import tables
from roxham.publish.cache import drop_oldest, kept, made, state

PACKAGE = "roxham-road-data"
FILES = 300  # kept from build to build
_WHEN = (2000, 1, 1, 0, 0, 0)  # one date for all, so that the same data make the same bytes


def write(folder: Path) -> None:
    """Write ``tables/*.csv``, ``parquet/*.parquet`` and the zip of the data package into `folder`."""
    now = state("data/", "scripts/roxham/tables.py", "scripts/roxham/publish/downloads.py")
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    for name in tables.names():
        data = kept("downloads", f"{now} {name}", "parquet", partial(_parquet, name))
        (folder / "parquet" / f"{name}.parquet").write_bytes(data)
    files = sorted(p for p in tables.DATA.rglob("*") if p.is_file())
    for path in files:
        copy = folder / path.relative_to(tables.DATA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (folder / f"{PACKAGE}.zip").write_bytes(kept("downloads", now, "zip", partial(_package, files)))
    drop_oldest(made("downloads"), FILES)


def _parquet(name: str) -> bytes:
    frame = tables.load(name)
    frame.attrs = {}
    return frame.to_parquet(index=False)


def _package(files: list[Path]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{PACKAGE}/{path.relative_to(tables.DATA).as_posix()}", _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
