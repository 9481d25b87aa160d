"""One chapter executed with other parameters, for a reader's own use."""

from __future__ import annotations

import os
from pathlib import Path

from roxham.publish.cache import write_atomically
from roxham.publish.chapters import Chapter
from roxham.publish.page import PageError, printed
from roxham.publish.runs import Run, execute
from roxham.publish.site import BuildError, check_record
from roxham.publish.warm import WarmKernel


class OutputError(ValueError):
    """The output folder cannot be one."""


def destination(out: Path) -> Path:
    """The folder to write to. Raises `OutputError` if it, or a folder above it, is a file."""
    for part in [out, *out.parents]:
        if part.exists() and not part.is_dir():
            raise OutputError(f"--out {out}: {part} is a file, not a folder")
    there = next(part for part in [out, *out.absolute().parents] if part.is_dir())
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"--out {out}: {there} cannot be written to")
    return out


def rerun(chapter: Chapter, values: dict, folder: Path) -> list[Path]:
    """Execute `chapter` with `values` over its defaults; write ``.ipynb`` and ``.html``; return both paths.

    Raises `BuildError` with the cell and the error if a cell fails; nothing is written then.
    """
    check_record()
    kernel = WarmKernel()
    try:
        result = execute(Run(chapter.name, chapter.source, values), kernel)
    finally:
        kernel.stop()
    if result.fault:
        raise BuildError(result.fault)
    try:
        files = printed(result.notebook, chapter, values, ("ipynb", "html"))
    except PageError as error:
        raise BuildError(f"{chapter.name}.md: {error}") from error
    written = {folder / f"{Path(chapter.name).name}.{suffix}": content for suffix, content in files.items()}
    for path, content in written.items():
        write_atomically(path, content)
    return list(written)
