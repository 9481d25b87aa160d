"""What a reader of a brief has before their eyes: its words, its sentences, its key numbers, its figures."""

import ast
import contextlib
import io
import json
import re
from dataclasses import dataclass
from unittest.mock import patch

from project import HOLE

from roxham.publish.chapters import Chapter
from roxham.publish.site import figures_of

MOST_WORDS = 300


@dataclass(frozen=True)
class Brief:
    """One executed brief: facts by name, key numbers as (value, words), figures by ID, and the text as printed."""

    facts: dict[str, str]
    key: list[tuple[str, str]]
    figures: dict[str, dict]
    entry: dict
    text: str

    @property
    def words(self) -> int:
        """How many words are read: the text, headings apart, and the key numbers; not the figures' own."""
        lines = [line for line in self.text.splitlines() if not line.startswith("#")]
        said = " ".join([*lines, *(part for pair in self.key for part in pair)])
        return len(re.findall(r"[\w’'.,%–-]*\w[\w’'.,%–-]*", said))

    @property
    def said(self) -> list[str]:
        """Every sentence, title, caption and alternative text that depends on the value."""
        parts = [
            f[part] for f in self.figures.values() for part in ("title", "subtitle", "caption", "alt", "note")
        ]
        return [*self.facts.values(), *(part for pair in self.key for part in pair), *filter(None, parts)]


def of_notebook(notebook: str, source: str) -> Brief:
    """The brief that an executed notebook of a template holds."""
    facts, key, entry, written = {}, [], {}, []
    for cell in json.loads(notebook)["cells"]:
        for output in cell.get("outputs", []):
            written += ["".join(output.get("data", {}).get("text/markdown", ""))]
            about = output.get("metadata", {})
            if "scrapbook" in about:
                text = "".join(output["data"]["application/papermill.record/text/plain"])
                facts[about["scrapbook"]["name"]] = text.strip("'\"")
            key += [(e["value"], e["words"]) for e in about.get("roxham_key", [])]
            entry |= about.get("roxham_brief", {})
    figures = {f["id"]: f for f in figures_of(notebook)}
    text = printed("\n".join([source, *written]), facts, set(figures))
    return Brief(facts, key, figures, entry, text)


def sentences(chapter: Chapter, values: dict) -> Brief:
    """The facts and key numbers of a template for some values, without its figures: cheap enough for every value."""
    notebook, space, facts = chapter.notebook, {}, {}
    with patch("myst_nb.glue", lambda name, value, display: facts.update({name: value})):
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            *body, last = ast.parse(cell.source).body
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(ast.Module(body, []), chapter.name, "exec"), space)
                shown = isinstance(last, ast.Expr)
                code = compile(
                    ast.Expression(last.value) if shown else ast.Module([last], []),
                    chapter.name,
                    "eval" if shown else "exec",
                )
                value = eval(code, space)
            if "parameters" in cell.metadata.get("tags", []):
                space |= values
            if hasattr(value, "entries"):
                text = printed(
                    chapter.source.decode(), facts, set(re.findall(r"#fig-([\w-]+)", chapter.source.decode()))
                )
                return Brief(facts, list(value.entries), {}, {}, text)
    raise AssertionError(f"{chapter.name} shows no key numbers")


def amiss(text: str) -> bool:
    """A hole, a wrong singular, two stops, a lower-case start of a sentence, a space before a stop."""
    many = "encounters|claimants|claims|citizens|people|members|children|months"
    wrong = rf"\b1 ({many})\b|\.\.|,,|;\.|\s[.,;]|  |\(\)|\. [a-z]"
    return bool(HOLE.search(text) or re.search(wrong, text.replace("U.S. ", "US ")))


def printed(source: str, facts: dict[str, str], drawn: set[str]) -> str:
    """The Markdown of a brief as it is printed: facts in their places, no code, no figure that was not drawn."""
    text = source.split("---\n", 2)[2]
    text = re.sub(r"```\{code-cell\}.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"^(:::.*|% .*)$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\{cite\}`[^`]*`", "", text)
    text = re.sub(r"\{glue:text\}`([^`]*)`", lambda found: facts[found[1]], text)
    text = re.sub(r"\{term\}`([^`<]*?)\s*(?:<[^>]*>)?`", r"\1", text)
    text = re.sub(r"\s*\(\[([^\]]*)\]\(#fig-([\w-]+)\)\)", lambda m: m[0] if m[2] in drawn else "", text)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
