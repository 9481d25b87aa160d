"""The command ``roxham``."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import click


class Commands(click.Group):
    """A group whose commands end in one clear line where the disk or the record is at fault."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except BrokenPipeError:  # whoever read our output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            stop(f"roxham {context.invoked_subcommand}: {error.filename}: {error.strerror or error}", 1)
        except Exception as error:
            tables = sys.modules.get("roxham.tables")
            if not (tables and isinstance(error, tables.RecordError)):
                raise
            print_faults(error.faults)
            stop(f"roxham {context.invoked_subcommand}: the record is not valid; nothing was written", 1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Build, check and rerun the publication on Roxham Road."""


def command(*examples: str, name: str | None = None, group: click.Group = main):
    """A subcommand whose help ends in examples."""
    text = "\b\nExamples:\n" + "\n".join(f"  {e}" for e in examples)
    return group.command(name=name, epilog=text)


def say(text: str = "") -> None:
    """One line for the reader, on standard error, so that standard output holds results only."""
    print(text, file=sys.stderr, flush=True)


def stop(text: str, status: int) -> None:
    """End the command with an error message and an exit status."""
    say(text)
    sys.exit(status)


def print_faults(faults) -> None:
    """The faults of the record, a line each: file, row, column: the value and the rule."""
    for fault in faults.astype(object).where(faults.notna(), None).itertuples():
        place = [f"data/{fault.file}", f"row {fault.row}" if fault.row else None, fault.column]
        value = f"{fault.value!r} " if fault.value else ""
        say(f"{', '.join(filter(None, place))}: {value}{fault.rule}")


@command("roxham build", "roxham build --only 03-the-count", "roxham build --fresh --workers 4")
@click.option(
    "--only", metavar="CHAPTER", help="Preview one chapter in _build/preview; the site is not touched."
)
@click.option(
    "--workers", type=click.IntRange(min=1), help="Notebooks executed side by side; all cores by default."
)
@click.option(
    "--scheduler", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, to execute on."
)
@click.option("--fresh", is_flag=True, help="Execute every notebook again.")
def build(only: str | None, workers: int | None, scheduler: str | None, fresh: bool) -> None:
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


@command(
    "roxham run chapters/03-the-count.md -p province Manitoba -p start 2018-01",
    "roxham run the-count -p year 2019 --out rerun/",
)
@click.argument("chapter")
@click.option(
    "-p", "--parameter", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter; see `roxham list`."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder to write to; by default one in _build/runs."
)
def run(chapter: str, parameter: tuple[tuple[str, str], ...], out: Path | None) -> None:
    """Execute one CHAPTER with other parameters; write the notebook and a standalone page."""
    from roxham.publish import asked, chapters, parameters

    try:
        found = chapters.find(chapter)
        values = parameters.given(found.parameters, parameter, found.name)
        folder = asked.destination(out or chapters.BUILD / "runs" / asked.stem(found, values))
    except (chapters.BookError, parameters.ParameterError, asked.OutputError) as error:
        stop(f"roxham run: {error}", 2)

    from roxham.publish import rerun, site  # slow to import: what executes and prints

    try:
        for path in rerun.rerun(found, values, folder):
            print(os.path.relpath(path))
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham run: {error}; nothing was written", 1)
    except site.BuildError as error:
        stop(f"{error}\nroxham run: failed; nothing was written", 1)


@command(
    "roxham sweep province --over province=all",
    "roxham sweep briefs/month.md --over month=2022-01..2023-12 --format html,pdf --out months/",
    "roxham sweep the-count --over year=2019,2022 --over province=all --workers 8",
    "roxham sweep the-count --from params.csv --scheduler tcp://host:8786 --resume",
)
@click.argument("template")
@click.option(
    "--over",
    multiple=True,
    metavar="NAME=VALUES",
    help="A parameter and its values: a,b,c or all or first..last. Given again: every combination.",
)
@click.option(
    "--from",
    "listing",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="A file of combinations: parameters in the header, one combination a row.",
)
@click.option("--workers", type=click.IntRange(min=1), help="Briefs made side by side; all cores by default.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, to make them on."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder to write to; by default one in _build/sweeps."
)
@click.option("--resume", is_flag=True, help="Keep what an earlier sweep left whole and is still true.")
@click.option(
    "--format",
    "formats",
    default="ipynb,html",
    show_default=True,
    help="What to write: ipynb, html, pdf, or several with commas.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="What a brief may take before it counts as hung; 1200 by default.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="What a kernel may hold before it is replaced; 3000 by default.",
)
def sweep(template, over, listing, workers, scheduler, out, resume, formats, timeout, memory) -> None:
    """Make a brief of TEMPLATE (or of any chapter with parameters) for every combination of values.

    Writes them, and manifest.csv, which says what became of each. One that fails does not stop the others, but
    makes the exit status 1.
    """
    from roxham.publish import asked, chapters, chromium, parameters

    wrong = (chapters.BookError, parameters.ParameterError, asked.SweepError, asked.OutputError)
    try:
        found = chapters.find(template)
        if bool(over) == bool(listing):
            raise asked.SweepError("give --over or --from, one of the two")
        values = asked.listed(found, listing) if listing else asked.expand(found, over)
        kinds = asked.formats(formats)
        if "pdf" in kinds and not scheduler:
            chromium.find()
        folder = asked.destination(out or chapters.BUILD / "sweeps" / Path(found.name).name)
    except (*wrong, chromium.ChromiumError) as error:
        stop(f"roxham sweep: {error}", 2)

    from roxham.publish import cluster, site, warm  # slow to import: what executes and prints
    from roxham.publish import sweep as sweeps

    try:
        whole = sweeps.Sweep(found, values, folder, kinds)
    except asked.SweepError as error:
        stop(f"roxham sweep: {error}", 2)
    try:
        site.check_record()
        with Meter(found.title) as meter:
            whole.run(
                workers=workers or os.cpu_count() or 1,
                scheduler=scheduler,
                resume=resume,
                seconds=timeout or warm.SECONDS,
                memory=memory or warm.MEMORY,
                progress=meter,
                notice=say,
            )
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham sweep: {error}; nothing was written", 1)
    except (cluster.Refused, asked.SweepError) as error:
        stop(f"roxham sweep: {error}{so_far(whole)}", 1)
    except OSError as error:
        stop(f"roxham sweep: {error.filename or folder}: {error.strerror or error}{so_far(whole)}", 1)
    except KeyboardInterrupt:
        stop(f"roxham sweep: stopped{so_far(whole)}", 130)
    summary(whole, meter.seconds)
    print(os.path.relpath(folder / sweeps.MANIFEST))
    if failed := whole.count("failed"):
        stop(f"roxham sweep: {failed} of {len(whole.orders)} failed", 1)


def so_far(sweep) -> str:
    """What a sweep that ends early leaves."""
    if not sweep.rows:
        return "; nothing was written"
    said = (
        f"; {sweep.count('done')} of {len(sweep.orders)} are done and kept in {os.path.relpath(sweep.folder)}"
    )
    return said + ": go on with --resume"


def summary(sweep, seconds: float) -> None:
    """A table of what became of the briefs, and each failure with its error, on standard error."""
    from rich.console import Console
    from rich.table import Table

    for name, row in sweep.rows.items():
        if row["status"] == "failed":
            say(f"{name}: {row['error']}")
    table = Table("", "briefs", "seconds each", title=f"{sweep.chapter.title}, {seconds:.1f} s")
    for status, words in (("done", "made"), ("kept", "kept"), ("failed", "failed")):
        if took := sorted(
            float(row["seconds"]) for name, row in sweep.rows.items() if sweep.what(name) == status
        ):
            table.add_row(words, str(len(took)), f"{took[0]:.1f} to {took[-1]:.1f}")
    Console(stderr=True, highlight=False).print(table)


@command("roxham list", "roxham list 03-the-count", name="list")
@click.argument("chapter", required=False)
def list_(chapter: str | None) -> None:
    """List the chapters, or one CHAPTER, with their parameters, defaults and allowed values."""
    from roxham.publish import chapters
    from roxham.publish.parameters import ParameterError

    try:
        for one in [chapters.find(chapter)] if chapter else [*chapters.book(), *chapters.templates()]:
            print(f"{one.name}.md  {one.title}")
            for p in one.parameters.values():
                note = f"  ({p.help})" if p.help else ""
                print(f"    {p.name} = {p.default!r}{note}\n        {p.describe()}")
    except (chapters.BookError, ParameterError) as error:
        stop(f"roxham list: {error}", 2)


@command("roxham check")
def check() -> None:
    """Check the record in data/ (tables, keys, sources, totals, judgements, claims), then the text of the chapters.

    The text must compute its numbers, cite its sources, mention its figures and use the official words.
    """
    from roxham import tables
    from roxham.publish import chapters, promises, prose, site

    try:
        book = [*chapters.book(), *chapters.templates()]
        promises.groups()
        faults = site.record_faults(cited=site.words())
        print_faults(faults)
        extensions = chapters.settings("_config.yml")["parse"]["myst_enable_extensions"]
        terms = [entry["term"] for entry in tables.hand("glossary")]
        wrong = prose.check(book, tables.load("sources").source_id.to_list(), terms, extensions)
    except chapters.BookError as error:
        stop(f"roxham check: {error}", 1)
    except tables.RecordError:
        stop(f"roxham check: {count(faults, 'fault')} in the record; the text was not looked at", 1)
    for fault in wrong:
        say(str(fault))
    if len(faults) or wrong:
        stop(f"roxham check: {count(faults, 'fault')} in the record, {count(wrong, 'fault')} in the text", 1)
    print(
        f"the record is valid: {len(tables.names())} tables; the text keeps to its rules: {count(book, 'chapter')}"
    )


def count(things, one: str) -> str:
    """``1 fault``, ``2 faults``."""
    return f"{len(things)} {one}{'s' if len(things) != 1 else ''}"


@main.group()
def data() -> None:
    """Look into the tables of the record."""


@command(
    "roxham data diff old/southbound.csv data/tables/southbound.csv",
    "git show HEAD~1:data/tables/events.csv > events.csv && roxham data diff events.csv data/tables/events.csv",
    group=data,
)
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--table", help="The table that both are versions of; guessed from the file's name and columns."
)
def diff(old: Path, new: Path, table: str | None) -> None:
    """Show what changed from OLD to NEW, two versions of a table: rows added, cells revised, rows withdrawn."""
    from roxham import tables

    try:
        changes = tables.diff(old, new, table)
    except (ValueError, LookupError) as error:
        stop(f"roxham data diff: {error.args[0]}", 2)
    counts = changes.change.value_counts()
    print(", ".join(f"{counts.get(kind, 0)} {kind}" for kind in ("added", "revised", "withdrawn")))
    keys = [c for c in changes.columns if c not in ("change", "column", "before", "after")]
    for row in changes.to_dict("records"):
        where = " · ".join(filter(None, [*(str(row[k]) for k in keys), row["column"]]))
        before, after = row["before"] or "(empty)", row["after"] or "(empty)"
        what = {"added": f"+ {where}: {after}", "withdrawn": f"- {where}: {before}"}
        print(what.get(row["change"]) or f"~ {where}: {before} → {after}")


def edition(kind: str) -> None:
    """Build the site if need be, make an edition of it, print its path."""
    from roxham.publish import chromium, editions, site
    from roxham.publish.chapters import BookError
    from roxham.publish.parameters import ParameterError

    try:
        if kind == "pdf":
            chromium.find()  # before anything is built
        with Progress() as progress:
            site.build(watcher=progress)
            say(f"making the {kind.upper()}")
            print(os.path.relpath(editions.make(kind, progress)))
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham {kind}: {error}; nothing was made", 1)
    except (
        BookError,
        site.BuildError,
        ParameterError,
        editions.EditionError,
        chromium.ChromiumError,
    ) as error:
        stop(f"roxham {kind}: {error}", 1)


@command("roxham pdf", "ROXHAM_CHROMIUM=/opt/chrome/chrome roxham pdf", name="pdf")
def pdf_() -> None:
    """Print the whole book as one tagged PDF in _build/editions, and offer it on the site.

    It is printed by Chromium: the one that ROXHAM_CHROMIUM names, or the first on the PATH.
    """
    edition("pdf")


@command("roxham epub")
def epub() -> None:
    """Make the whole book one EPUB in _build/editions, and offer it on the site."""
    edition("epub")


@command("roxham serve", "roxham serve --port 9000")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port to listen on."
)
def serve(port: int) -> None:
    """Serve the site on this machine, and build it again when a file changes."""
    from roxham.publish import serve

    try:
        serve.serve(port, say)
    except OSError as error:
        stop(f"roxham serve: port {port}: {error.strerror}; another can be given with --port", 1)


@command("roxham study interceptions", "roxham study southbound --scheduler tcp://host:8786 --out study.csv")
@click.argument("name")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The table to write; by default in _build/studies."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes side by side; all cores by default.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="A dask scheduler, such as tcp://host:8786, to compute on."
)
@click.option("--resume", is_flag=True, help="Keep the parts that an earlier run left.")
@click.option("--limit", type=click.IntRange(min=1), help="The first so many specifications only.")
def study(
    name: str, out: Path | None, workers: int | None, scheduler, resume: bool, limit: int | None
) -> None:
    """Compute every design × date × window × donor set of the study NAME; write one row a specification."""
    import difflib

    from roxham.models import studies
    from roxham.publish import chapters, site
    from roxham.publish import study as fits

    if name not in studies.STUDIES:
        near = difflib.get_close_matches(name, studies.STUDIES, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        stop(f"roxham study: no study is called {name!r}{meant}; there are: {', '.join(studies.STUDIES)}", 2)
    out = out or chapters.BUILD / "studies" / f"{name}.csv"
    if out.is_dir() or any(p.exists() and not p.is_dir() for p in out.parents):
        stop(f"roxham study: --out {out}: not a file that can be written", 2)
    try:
        site.check_record()
        with Meter(name) as progress:
            table = fits.run(
                name,
                out,
                workers=workers or os.cpu_count() or 1,
                scheduler=scheduler,
                resume=resume,
                limit=limit,
                progress=progress,
            )
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham study: {error}; nothing was written", 1)
    except (fits.StudyError, ConnectionError) as error:
        stop(f"roxham study: {error}", 1)
    except KeyboardInterrupt:
        stop("roxham study: stopped; what was done is kept: go on with --resume", 130)
    refused = (table.refused != "").sum()
    say(f"{len(table)} specifications, {refused} refused")
    print(os.path.relpath(out))


@command("roxham figures", "roxham figures 03-the-count", "roxham figures --promise")
@click.argument("chapter", required=False)
@click.option(
    "--promise", is_flag=True, help="Add the new IDs to chapters/figures.yml: they stay from then on."
)
def figures(chapter: str | None, promise: bool) -> None:
    """List the figures of the built site, or of one CHAPTER: ID, chapter, title."""
    from roxham.publish import chapters, promises

    try:
        found = built_figures("figures")["figures"]
        if chapter:
            page = f"{chapters.find(chapter).name}.html"
            found = [f for f in found if f["page"] == page]
        if promise:
            for new in promises.promise([f["id"] for f in found]):
                print(new)
            return
    except chapters.BookError as error:
        stop(f"roxham figures: {error}", 2)
    width = max((len(f["id"]) for f in found), default=0)
    for f in found:
        print(f"{f['id']:{width}}  {f['page'].rpartition('/')[2].removesuffix('.html')}  {f['title']}")


@command("roxham cite interceptions-monthly", "roxham cite interceptions-monthly --style bibtex >> my.bib")
@click.argument("figure")
@click.option(
    "--style",
    type=click.Choice(["apa", "chicago", "bibtex", "ris", "csl"]),
    default="apa",
    show_default=True,
    help="The style, or the format.",
)
def cite(figure: str, style: str) -> None:
    """Print the citation of a FIGURE of the built site."""
    from roxham.publish import cite as citations

    print(citations.text(built_figure("cite", figure)["citation"], style), end="")


EXPORTS = ("png", "svg", "pdf", "csv", "json", "vl.json", "zip")


@command(
    "roxham export interceptions-monthly --to csv",
    "roxham export interceptions-monthly --to png --width 1600 --out count.png",
)
@click.argument("figure")
@click.option(
    "--to", "kind", type=click.Choice(EXPORTS), default="png", show_default=True, help="The kind of file."
)
@click.option(
    "--width", type=click.IntRange(100, 10_000), help="Of the image, in pixels; of png and svg only."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The file to write; by default FIGURE.KIND in this folder."
)
def export(figure: str, kind: str, width: int | None, out: Path | None) -> None:
    """Write a FIGURE of the built site to a file: its image, its data, its specification, its metadata."""
    from roxham.publish.cache import write_atomically

    if width and kind not in ("png", "svg"):
        stop(f"roxham export: --width is of png and svg; {kind} has none", 2)
    found = built_figure("export", figure)
    out = out or Path(f"{found['id']}.{kind}")
    if out.is_dir() or not out.absolute().parent.is_dir():
        stop(f"roxham export: --out {out}: not a file in a folder that is there", 2)

    from roxham.publish import chapters, figure_pages

    content = figure_pages.exported(chapters.BUILD / "html", found["id"], kind, width)
    try:
        write_atomically(out, content)
    except OSError as error:
        stop(f"roxham export: --out {out}: {error.strerror}", 2)
    print(os.path.relpath(out))


@command("roxham release", "ROXHAM_BASE_URL=https://host/book/ roxham release --out dist/")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The folder to write to; by default _build/release."
)
def release(out: Path | None) -> None:
    """Write one archive of this commit: source, site, notebooks, editions, RO-Crate metadata, checksums.

    The same commit makes the same bytes. Builds the site unless it stands.
    """
    from roxham.publish import release as archive
    from roxham.publish import site
    from roxham.publish.chapters import BookError
    from roxham.publish.parameters import ParameterError

    if out and any(p.exists() and not p.is_dir() for p in (out, *out.parents)):
        stop(f"roxham release: --out {out}: not a folder", 2)
    try:
        with Progress() as progress:
            path = archive.release(out, progress)
    except site.InvalidRecord as error:
        print_faults(error.faults)
        stop(f"roxham release: {error}; nothing was written", 1)
    except (archive.ReleaseError, site.BuildError, BookError, ParameterError) as error:
        stop(f"roxham release: {error}; nothing was written", 1)
    say(f"{path.stat().st_size / 1e6:.1f} MB, sha256 {archive.checksum(path)}")
    print(os.path.relpath(path))


@command("roxham links", "roxham links --fresh --timeout 60")
@click.option("--fresh", is_flag=True, help="Ask again for what answered in the last week, too.")
@click.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=1,
    show_default=True,
    help="Seconds between two questions to one host.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=20,
    show_default=True,
    help="Seconds to wait for an answer.",
)
def links(fresh: bool, pause: float, timeout: float) -> None:
    """Ask for every outside address of the sources and the built pages; write _build/links.csv.

    Tells what is gone (the host says so, or no longer exists) from what cannot be reached now. Ends with status 1
    only where something is gone. A check that was stopped goes on where it was.
    """
    from datetime import timedelta

    from roxham.publish import addresses, chapters, edition
    from roxham.publish.chapters import BookError

    built_figures("links")  # there must be pages
    try:
        found = addresses.gathered(chapters.BUILD / "html", edition.base_url())
    except BookError as error:
        stop(f"roxham links: {error}", 2)
    report = chapters.BUILD / "links.csv"
    keep = timedelta() if fresh else timedelta(days=7)
    try:
        with Meter("asking") as progress:
            answers = addresses.check(
                found,
                report,
                pause=pause,
                timeout=timeout,
                keep=keep,
                done=lambda _, n, total: progress(n, total),
            )
    except KeyboardInterrupt:
        stop("roxham links: stopped; the answers so far are kept, and hold for a week", 130)
    by = {
        state: [a for a in answers if a.state == state]
        for state in (addresses.OK, addresses.UNREACHABLE, addresses.GONE)
    }
    for one in by[addresses.GONE]:
        say(f"gone: {one.url} ({one.status or one.detail}), in {one.places}")
    say(", ".join(f"{len(some)} {state}" for state, some in by.items()))
    if answers and not any(a.status for a in answers):
        say("no host answered at all: is there a network?")
    print(os.path.relpath(report))
    if by[addresses.GONE]:
        sys.exit(1)


def built_figures(name: str) -> dict:
    """The index of the figures of the site as it stands; the command `name` ends where there is none."""
    import json

    from roxham.publish import chapters, promises

    try:
        return json.loads((chapters.BUILD / "html" / "figures" / promises.INDEX).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        stop(f"roxham {name}: no site is built here; `roxham build` builds it", 1)


def built_figure(name: str, wanted: str) -> dict:
    """One figure of the site, by its ID now or before; `name` ends where there is none, with the nearest."""
    from roxham.publish.parameters import nearest

    index = built_figures(name)
    figures = {f["id"]: f for f in index["figures"]}
    key = wanted.removeprefix("fig-")
    if key in index["moved"]:
        say(f"{key} is {index['moved'][key]} now")
        key = index["moved"][key]
    if key not in figures:
        near = nearest(key, [*figures, *index["moved"]])
        stop(f"roxham {name}: no figure {wanted!r}{near}; `roxham figures` lists them", 2)
    return figures[key]


class Meter:
    """The progress of a sweep: a bar with rate and time left on a terminal, a line every tenth elsewhere."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __enter__(self):
        self.bar, self.said, self.began, self.entered = None, -1, None, time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = [TextColumn(self.text, markup=False), BarColumn(), MofNCompleteColumn()]
            columns += [
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[bad]}"),
            ]
            self.bar = Bar(*columns, console=Console(stderr=True))
        return self

    def __exit__(self, *_) -> None:
        if self.bar:
            self.bar.stop()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.entered

    def __call__(self, done: int, total: int, failed: int = 0) -> None:
        self.began = self.began or (time.monotonic(), done)  # what was kept from an earlier run has no rate
        bad = f"{failed} failed" if failed else ""
        if self.bar:
            if not self.bar.tasks:
                self.bar.start()
                self.bar.add_task(self.text, total=total, rate="", bad="")
            rate = (done - self.began[1]) / max(time.monotonic() - self.began[0], 1e-3)
            words = f"{rate:.0f} a second" if rate >= 10 else f"{rate:.1f} a second"
            self.bar.update(self.bar.tasks[0].id, completed=done, rate=words if rate else "", bad=bad)
        elif (tenth := 10 * done // total) > self.said:
            self.said = tenth
            say(f"{self.text}: {done} of {total}" + (f", {bad}" if bad else ""))


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

    def unpromised(self, figures: list[str]) -> None:
        say(f"new, and not yet in chapters/figures.yml: {', '.join(figures)} (`roxham figures --promise`)")

    def printing(self, pages: int) -> None:
        say(f"printing {pages} page{'s' if pages != 1 else ''}")


if __name__ == "__main__":
    main(prog_name="roxham")
