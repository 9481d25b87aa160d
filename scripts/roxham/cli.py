"""The command ``roxham``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build, check and rerun the publication on Roxham Road.",
)

Workers = Annotated[
    int | None, typer.Option(min=1, help="Notebooks executed side by side; all cores by default.")
]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a dask scheduler, such as tcp://host:8786; none: this machine.")
]


def say(text: str = "") -> None:
    """One line for the reader, on standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str, status: int) -> None:
    """End the command with an error message and an exit status."""
    say(text)
    raise typer.Exit(status)


def print_faults(faults) -> None:
    """The faults of the record, a line each."""
    for fault in faults.itertuples():
        place = f"{fault.file}"
        place += f", row {fault.row}" if fault.row else ""
        place += f", {fault.column}" if fault.column else ""
        say(f"{place}: {fault.rule}")


@app.command(epilog="Examples: `roxham build` · `roxham build --only 03-the-count` · `roxham build --fresh`")
def build(
    only: Annotated[
        str | None, typer.Option(metavar="CHAPTER", help="Preview one chapter; the site is not touched.")
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Execute every notebook again.")] = False,
) -> None:
    """Build the site in _build/html: execute what changed, print the book, swap it in."""
    from roxham.publish import site
    from roxham.publish.chapters import BookError
    from roxham.publish.parameters import ParameterError

    try:
        with Progress() as progress:
            built = site.build(only, workers, scheduler, fresh, progress)
    except BookError as error:
        stop(f"roxham build: {error}", 2 if only else 1)
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham build: {error}; nothing was built", 1)
    except (site.BuildError, ParameterError, ConnectionError) as error:
        stop(f"{error}\nroxham build: failed; the site stands as it was", 1)
    n = len(built.executed)
    did = f"{n} notebook{'s' if n != 1 else ''} executed" + ("" if built.printed else ", nothing to print")
    say(f"{did}, {built.seconds:.1f} s")
    print(os.path.relpath(built.index))


@app.command(
    epilog="Examples: `roxham run chapters/03-the-count.md -p province Manitoba -p start 2018-01` · "
    "`roxham run the-count -p year 2019 --out rerun/`"
)
def run(
    chapter: Annotated[str, typer.Argument(help="A chapter: its path, or its name.")],
    parameter: Annotated[
        list[tuple[str, str]] | None,
        typer.Option("-p", "--parameter", metavar="NAME VALUE", help="A parameter; see `roxham list`."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder to write to; a folder of its own in _build/runs by default."),
    ] = None,
) -> None:
    """Execute one chapter with other parameters; write the notebook and a standalone page."""
    from roxham.publish import chapters, parameters, rerun, site

    try:
        found = chapters.find(chapter)
        values = parameters.given(found.parameters, dict(parameter or []), found.name)
        folder = rerun.destination(found, values, out)
    except (chapters.BookError, parameters.ParameterError, rerun.OutputError) as error:
        stop(f"roxham run: {error}", 2)
    try:
        for path in rerun.rerun(found, values, folder):
            print(os.path.relpath(path))
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham run: {error}; nothing was written", 1)
    except site.BuildError as error:
        stop(f"{error}\nroxham run: failed; nothing was written", 1)


@app.command("list", epilog="Examples: `roxham list` · `roxham list 03-the-count`")
def list_(
    chapter: Annotated[str | None, typer.Argument(help="One chapter; all by default.")] = None,
) -> None:
    """List the chapters with their parameters, defaults and allowed values."""
    from roxham.publish import chapters
    from roxham.publish.parameters import ParameterError

    try:
        for one in [chapters.find(chapter)] if chapter else chapters.book():
            print(f"{one.name}.md  {one.title}")
            for p in one.parameters.values():
                note = f"  ({p.help})" if p.help else ""
                print(f"    {p.name} = {p.default!r}{note}\n        {p.describe()}")
    except (chapters.BookError, ParameterError) as error:
        stop(f"roxham list: {error}", 2)


@app.command(epilog="Example: `roxham check`")
def check() -> None:
    """Check the record: every table, key, source, total and judgement in data/."""
    from roxham import tables

    faults = tables.check()
    if len(faults):
        print_faults(faults)
        stop(f"roxham check: {len(faults)} fault{'s' if len(faults) != 1 else ''}", 1)
    print(f"the record is valid: {len(tables.names())} tables")


@app.command(epilog="Examples: `roxham serve` · `roxham serve --port 9000`")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine.")] = 8000,
) -> None:
    """Serve the site on this machine, and build it again when a file changes."""
    from roxham.publish import serve

    try:
        serve.serve(port, say)
    except OSError as error:
        stop(f"roxham serve: port {port}: {error.strerror}; another can be given with --port", 1)


class Progress:
    """A bar on a terminal, plain lines elsewhere. A `site.Watcher`."""

    def __enter__(self):
        self.bar = None
        return self

    def __exit__(self, *_) -> None:
        if self.bar:
            self.bar.stop()

    def waiting(self) -> None:
        say("another build is running; waiting for it to end")

    def executing(self, names: list[str], cached: int) -> None:
        text = f"executing {len(names)} of {len(names) + cached} notebooks"
        if not sys.stderr.isatty():
            say(text)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
        self.bar = Bar(*columns, console=Console(stderr=True))
        self.bar.start()
        self.task = self.bar.add_task(text, total=len(names))

    def executed(self, name: str, seconds: float, failed: bool) -> None:
        line = f"{'failed' if failed else 'done  '} {name}  {seconds:.1f} s"
        if self.bar:
            self.bar.console.print(line, highlight=False)
            self.bar.advance(self.task)
        else:
            say(line)

    def printing(self, pages: int) -> None:
        say(f"printing {pages} page{'s' if pages != 1 else ''}")


def main() -> None:
    """The entry point of the command."""
    app(prog_name="roxham")


if __name__ == "__main__":
    main()
