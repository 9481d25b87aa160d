"""One chapter executed with other parameters, for a reader's own use."""

from __future__ import annotations

from pathlib import Path

from roxham.publish.cache import write_atomically
from roxham.publish.chapters import Chapter
from roxham.publish.page import PageError, printed
from roxham.publish.runs import Run, execute
from roxham.publish.site import BuildError, check_record
from roxham.publish.warm import WarmKernel


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
