"""The chapters as they are stored: MyST notebooks, listed by ``_toc.yml``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import yaml

from roxham.publish.parameters import Parameter, declared, nearest

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "_build"
BRIEFS = "chapters/briefs"


class BookError(ValueError):
    """The book's own files are wrong: the table of contents, a chapter's front matter."""


@dataclass(frozen=True)
class Chapter:
    """One MyST notebook: `name` is its path below the root without ``.md``, `source` its bytes as read once."""

    name: str
    source: bytes

    @property
    def path(self) -> Path:
        return ROOT / f"{self.name}.md"

    @functools.cached_property
    def notebook(self):
        """The notebook, unexecuted, as jupytext reads it (an nbformat NotebookNode)."""
        import jupytext

        try:
            notebook = jupytext.reads(self.source.decode(), fmt="md:myst")
        except UnicodeDecodeError as error:
            raise BookError(f"{self.name}.md: byte {error.start} is not UTF-8") from error
        except yaml.YAMLError as error:
            raise BookError(f"{self.name}.md: the front matter is not YAML: {one_line(error)}") from error
        if notebook.metadata.get("kernelspec", {}).get("language") != "python":
            raise BookError(f"{self.name}.md: the front matter needs kernelspec: language: python")
        return notebook

    @functools.cached_property
    def title(self) -> str:
        lines = self.source.decode(errors="replace").splitlines()
        return next((line[2:].strip() for line in lines if line.startswith("# ")), self.name)

    @functools.cached_property
    def parameters(self) -> dict[str, Parameter]:
        from papermill.inspection import inspect_notebook

        spec = self.notebook.metadata.get("roxham", {}).get("parameters", {})
        return declared(inspect_notebook(self.notebook), spec, f"{self.name}.md")

    def validate(self) -> None:
        """Raise `BookError` or `ParameterError` if the source is not a chapter or its parameters are amiss."""
        _ = self.parameters


def one_line(error: Exception) -> str:
    """A library's message without its line breaks."""
    return " ".join(str(error).split())


def settings(name: str) -> dict:
    """A YAML file of the root, as a mapping. Raises `BookError` if it is not one."""
    try:
        found = yaml.safe_load((ROOT / name).read_text())
    except FileNotFoundError as error:
        raise BookError(f"{name}: is not there") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BookError(f"{name}: is not YAML: {one_line(error)}") from error
    if not isinstance(found, dict):
        raise BookError(f"{name}: is {type(found).__name__}; it must be a mapping of settings")
    return found


def book() -> list[Chapter]:
    """All chapters, in the order of ``_toc.yml``; the first is the front page."""
    names = listed()
    if not names:
        raise BookError("_toc.yml: names no chapter; it needs `root:` and `chapters:`")
    chapters = []
    for name in names:
        path = ROOT / f"{name}.md"
        if not path.is_file():
            have = [str(p.relative_to(ROOT).with_suffix("")) for p in sorted(ROOT.glob("chapters/*.md"))]
            raise BookError(f"_toc.yml: no chapter {name}{nearest(name, have)}")
        chapters.append(Chapter(name, path.read_bytes()))
    return chapters


def listed() -> list[str]:
    """The names of the chapters, in the order of ``_toc.yml``."""
    return list(_files(settings("_toc.yml")))


def _files(node):
    if isinstance(node, dict):
        for key in ("root", "file"):
            if key in node:
                yield node[key]
        for value in node.values():
            yield from _files(value)
    elif isinstance(node, list):
        for item in node:
            yield from _files(item)


def templates() -> list[Chapter]:
    """The templates of briefs: notebooks of one parameter, each printed for many of its values (`briefs.py`)."""
    found = (ROOT / BRIEFS).glob("*.md")
    names = sorted(p.relative_to(ROOT).with_suffix("").as_posix() for p in found)
    return [Chapter(name, (ROOT / f"{name}.md").read_bytes()) for name in names]


def find(text: str) -> Chapter:
    """The chapter, or the template of briefs, that `text` names: a path, its stem, or the stem without its number.

    Raises `BookError`, listing the chapters and the nearest, if there is none.
    """
    wanted = Path(text).stem
    chapters = [*book(), *templates()]
    for chapter in chapters:
        stem = Path(chapter.name).stem
        if wanted in (stem, stem.partition("-")[2]):
            return chapter
    names = [Path(c.name).stem for c in chapters]
    raise BookError(f"no chapter {text!r}; there are: {', '.join(names)}{nearest(wanted, names)}")
