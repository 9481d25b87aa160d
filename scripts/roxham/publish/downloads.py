"""The record for download: each table as CSV and Parquet, and everything as one zipped data package."""

from __future__ import annotations

import zipfile
from pathlib import Path

from roxham import tables

PACKAGE = "roxham-road-data"
_WHEN = (2000, 1, 1, 0, 0, 0)  # one date for all, so that the same data make the same bytes


def write(folder: Path) -> None:
    """Write ``tables/*.csv``, ``parquet/*.parquet`` and the zip of the data package into `folder`."""
    parquet = folder / "parquet"
    parquet.mkdir(parents=True, exist_ok=True)
    for name in tables.names():
        frame = tables.load(name)
        frame.attrs = {}
        frame.to_parquet(parquet / f"{name}.parquet", index=False)
    files = sorted(p for p in tables.DATA.rglob("*") if p.is_file())
    for path in files:
        copy = folder / path.relative_to(tables.DATA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    with zipfile.ZipFile(folder / f"{PACKAGE}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            entry = zipfile.ZipInfo(f"{PACKAGE}/{path.relative_to(tables.DATA).as_posix()}", _WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
