"""One chapter executed with other parameters, for a reader's own use."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

from roxham.publish.cache import write_atomically
from roxham.publish.chapters import Chapter
from roxham.publish.page import standalone
from roxham.publish.runs import Run, execute
from roxham.publish.site import BUILD, BuildError, check_record


class OutputError(ValueError):
    """The output folder cannot be one."""


def destination(chapter: Chapter, values: dict, out: Path | None) -> Path:
    """The folder to write to. Raises `OutputError` if it, or a folder above it, is a file."""
    if out is None:
        words = "-".join(f"{k}-{v}" for k, v in values.items())
        slug = re.sub(r"[^\w.-]+", "-", words).strip("-").lower()
        out = BUILD / "runs" / "_".join(filter(None, [Path(chapter.name).name, slug]))
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
    from roxham.publish.warm import WarmKernel

    check_record()
    kernel = WarmKernel()
    try:
        result = execute(Run(chapter.name, chapter.source, values), kernel)
    finally:
        kernel.stop()
    if result.fault:
        raise BuildError(result.fault)
    asked = ", ".join(f"{k} = {v}" for k, v in values.items()) or "its own parameters"
    note = f"<p><em>{html.escape(chapter.title)}, rerun with {html.escape(asked)}.</em></p>"
    try:
        page = standalone(result.notebook, note)
    except ValueError as error:
        raise BuildError(f"{chapter.name}.md: {error}") from error
    stem = Path(chapter.name).name
    written = [folder / f"{stem}.ipynb", folder / f"{stem}.html"]
    for path, text in zip(written, [result.notebook, page], strict=True):
        write_atomically(path, text)
    return written
