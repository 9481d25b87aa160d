"""The briefs of the site: one page for each value that a template's front matter names under ``site:``.

A template is a chapter of one parameter in ``chapters/briefs``. Its briefs are executed and kept as chapters are,
and printed beside it, at chapters/briefs/<template>-<value>.html; the list of them stands in the page
``chapters/briefs.md``, at each comment ``% briefs: <template>``. They are no part of ``_toc.yml``: a line
for each beside every page would help nobody. A plain `jupyter-book build .` prints the list, and none of them.

A figure of a template is called brief-<template>-<what>, so that its links can be checked as every chapter's are; on
the site the value stands in it too: brief-province-quebec-claims. It is cited by its page, and has none of its own.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from roxham.facts import slug
from roxham.publish.cache import digest, write_atomically
from roxham.publish.chapters import BRIEFS, BookError, Chapter, one_line, templates
from roxham.publish.parameters import ParameterError

LIST = BRIEFS
WORDS = {
    "name": {"province": "Province or territory", "sector": "Sector", "citizenship": "Citizenship"},
    "line": "Over time",
    "of": "{name}: {what}, over time",
    "more": "More briefs of this kind are in [the list](../briefs.md).",
}
_CELLS = "% briefs: "
_LINK = re.compile(r"\s*\(\[[^\]]+\]\(#fig-([\w-]+)\)\)")
_HEADING = re.compile(r"\A# .+$", re.M)
_WIDTH, _HEIGHT = 120, 24  # of a small line


@dataclass(frozen=True)
class Brief:
    """A template (its name and source) with one value of its parameter."""

    template: str
    source: bytes
    parameter: str
    value: object
    default: object

    @property
    def kind(self) -> str:
        return Path(self.template).name

    @property
    def name(self) -> str:
        """The page, below the root, without ``.md``: chapters/briefs/province-quebec."""
        return f"{self.template}-{slug(self.value)}"

    @property
    def parameters(self) -> dict[str, object]:
        """What differs from the template's defaults."""
        return {} if self.value == self.default else {self.parameter: self.value}

    def explained(self, fault: str) -> str:
        """A fault of the run, that names the file to mend."""
        return fault.replace(f"{self.name}.md", f"{self.template}.md ({self.parameter} {self.value})", 1)


def of_site(now: Mapping[str, str], kept: Path) -> list[Brief]:
    """The briefs that the templates' front matter names, in its order.

    now: the project's files and what they hold (`cache.fingerprints`). What they allow is remembered in `kept` for as
    long as those are the same, because it takes reading the tables. Raises `BookError` or `ParameterError`, naming
    the template.
    """
    found = []
    for template in templates():
        name, default, values = _values(template, now, kept)
        found += [Brief(template.name, template.source, name, value, default) for value in values]
    if clash := _repeated([brief.name for brief in found]):
        raise BookError(f"two briefs of the site have one address: {clash}.html")
    return found


def _values(template: Chapter, now: Mapping[str, str], kept: Path) -> tuple[str, object, list]:
    """A template's one parameter, its default, and the values that the site prints."""
    rules = {f"scripts/roxham/{room}.py" for room in ("tables", "derived", "publish/parameters")}
    relevant = {path: held for path, held in now.items() if path.startswith("data/") or path in rules}
    state = digest(template.source, json.dumps(relevant).encode())
    file = kept / f"{Path(template.name).name}.json"
    with contextlib.suppress(FileNotFoundError, ValueError, TypeError):
        held, found = json.loads(file.read_bytes())
        if held == state:
            return tuple(found)
    where = f"{template.name}.md"
    asked = template.notebook.metadata.get("roxham", {}).get("site", {})
    if len(template.parameters) != 1 or not isinstance(asked, dict) or set(asked) - set(template.parameters):
        raise BookError(
            f"{where}: a template of briefs has one parameter, and `site:` names what the site prints of it, "
            f"such as `site: {{province: all}}`; found the parameters {', '.join(template.parameters) or 'none'} "
            f"and {asked!r}"
        )
    (name, parameter), *_ = template.parameters.items()
    try:
        values = parameter.selected(asked[name]) if asked else []
    except ParameterError as error:
        raise BookError(f"{where}: site: {one_line(error)}") from error
    write_atomically(file, json.dumps([state, [name, parameter.default, values]]))
    return name, parameter.default, values


def _repeated(names: list[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


# --- what is printed ----------------------------------------------------------------------------------------


def own(brief: Brief, notebook: str) -> str:
    """The executed notebook (JSON) with the value in its figures' IDs."""
    return notebook.replace(f"brief-{brief.kind}-", f"brief-{brief.kind}-{slug(brief.value)}-")


def paged(notebook: dict, figures: Collection[str]) -> dict:
    """The notebook as a page of the site: `titled`, with a way back to the list, in no table of contents."""
    notebook = titled(notebook, figures)
    notebook["cells"].append({"cell_type": "markdown", "id": "more", "metadata": {}, "source": WORDS["more"]})
    notebook["metadata"]["orphan"] = True
    return notebook


def titled(notebook: dict, figures: Collection[str]) -> dict:
    """The notebook under the title that its facts give it. What stands in brackets and leads to a figure that this
    value does not have is left out, and so is that figure's code. Another notebook than a brief's stays as it is."""
    if not any(map(_says, _outputs(notebook))):
        return notebook
    notebook = json.loads(json.dumps(notebook))
    title = _glued(notebook).get("title")
    for number, cell in enumerate(notebook["cells"]):
        tags = cell["metadata"].setdefault("tags", [])
        if "injected-parameters" in tags or ("hide-input" in tags and not cell["outputs"]):
            tags.append("remove-cell")  # what was asked for, and the code of a figure that is not there
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            if title and number == 0:
                text = _HEADING.sub(lambda _: f"# {title}", text, count=1)
            cell["source"] = _LINK.sub(lambda m: m[0] if m[1] in figures else "", text)
    return notebook


def write_data(site: Path, notebooks: Iterable[Mapping]) -> None:
    """The data of the figures of executed briefs, in a folder beside their pages."""
    for output in (output for notebook in notebooks for output in _outputs(notebook)):
        meta = output.get("metadata", {}).get("roxham", {})
        if "csv" in meta:
            file = site / BRIEFS / "data" / f"{meta['id']}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(meta["csv"], encoding="utf-8")


def _glued(notebook: Mapping) -> dict[str, str]:
    """The facts of an executed notebook."""
    found = {}
    for output in _outputs(notebook):
        if "scrapbook" in output.get("metadata", {}):
            text = "".join(output["data"].get("application/papermill.record/text/plain", ""))
            found[output["metadata"]["scrapbook"]["name"]] = text.strip("'\"")
    return found


def _outputs(notebook: Mapping) -> Iterable[Mapping]:
    return (output for cell in notebook["cells"] for output in cell.get("outputs", []))


def listed(notebook: dict, briefs: Iterable[tuple[Brief, str]]) -> dict:
    """The list's notebook, with a table of briefs at each comment that asks for one.

    briefs: with their executed notebooks. Raises `BookError` for a template that is not there, or a brief that says
    nothing of itself.
    """
    kinds: dict[str, list[tuple[Brief, dict]]] = {}
    for brief, executed in briefs:
        said = [o["metadata"]["roxham_brief"] for o in _outputs(json.loads(executed)) if _says(o)]
        if len(said) != 1:
            raise BookError(
                f"{brief.template}.md ({brief.parameter} {brief.value}): it calls facts.brief(…) {len(said)} times; "
                "the list of briefs needs it once"
            )
        kinds.setdefault(brief.kind, []).append((brief, said[0]))
    notebook = json.loads(json.dumps(notebook))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            lines = "".join(cell["source"]).split("\n")
            cell["source"] = "\n".join(_table(line, kinds) for line in lines)
    return notebook


def _says(output: Mapping) -> bool:
    return "roxham_brief" in output.get("metadata", {})


def _table(line: str, kinds: Mapping[str, list[tuple[Brief, dict]]]) -> str:
    """The table that a comment asks for; any other line as it is."""
    if not line.startswith(_CELLS):
        return line
    kind = line.removeprefix(_CELLS).strip()
    if kind not in kinds:
        raise BookError(f"{LIST}.md: `{line}`: no brief of {kind} is printed; there are: {', '.join(kinds)}")
    entries = kinds[kind]
    what = entries[0][1]["what"]
    rows = "".join(_row(brief, entry) for brief, entry in entries)
    name = WORDS["name"].get(kind, kind.capitalize())
    heads = "".join(
        f'<th scope="col"{mark}>{html.escape(text)}</th>'
        for text, mark in ((name, ""), (what, ' class="rx-number"'), (WORDS["line"], ""))
    )
    return (
        f'<div class="rx-table rx-briefs"><table data-rx-sort><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(brief: Brief, entry: Mapping) -> str:
    page = f"{Path(BRIEFS).name}/{Path(brief.name).name}.html"
    rank = "" if entry["rank"] is None else f"{entry['rank']:g}"
    label = WORDS["of"].format(name=entry["name"], what=entry["what"])
    return (
        f'<tr><th scope="row" data-rx-order="{html.escape(str(brief.value))}"><a href="{page}">'
        f"{html.escape(entry['name'])}</a></th>"
        f'<td class="rx-number" data-rx-order="{rank}">{html.escape(entry["number"])}</td>'
        f"<td>{spark(entry['series'], label)}</td></tr>"
    )


def spark(series: list[float | None], label: str) -> str:
    """A line of a series from zero to its highest, as inline SVG; broken where nothing is known, a dot at its end."""
    top = max((v for v in series if v is not None), default=0) or 1
    step = (_WIDTH - 4) / max(len(series) - 1, 1)
    points = [
        (2 + i * step, _HEIGHT - 2 - v / top * (_HEIGHT - 4)) for i, v in enumerate(series) if v is not None
    ]
    known = [i for i, v in enumerate(series) if v is not None]
    path = "".join(
        f"{'L' if n and known[n - 1] == known[n] - 1 else 'M'}{x:.1f} {y:.1f}"
        for n, (x, y) in enumerate(points)
    )
    dots = [p for n, p in enumerate(points) if _alone(known, n) or n == len(points) - 1]
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in dots)
    return (
        f'<svg class="rx-spark" role="img" aria-label="{html.escape(label)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}"><path d="{path}"/>{marks}</svg>'
    )


def _alone(known: list[int], n: int) -> bool:
    """Whether no neighbour of a point is known, so that no line would show it."""
    return known[n] - 1 not in known[max(n - 1, 0) : n] and known[n] + 1 not in known[n + 1 : n + 2]
