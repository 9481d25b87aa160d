"""A copy of the project, on which the tests run the real command."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ADDRESS = "https://host.example/book/"  # of the book in the tests that need one
EVERY = bool(os.environ.get("ROXHAM_ALL"))  # what takes as long again: all pairs, all values, all views

# What a value that is missing looks like in a text; "None of them", "None; it is an opinion" are English.
HOLE = re.compile(
    r"\b(nan|NaT|None(?![;,] | (?:comes|counts|had|has|in|is|of|or|was|were|would)\b)|inf)\b|<NA>"
)


@dataclass(frozen=True)
class Project:
    root: Path

    @classmethod
    def of_checkout(cls, root: Path) -> "Project":
        """The files that git tracks, or would, as they are now."""
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout
        for name in filter(None, names.split("\0")):
            if (CHECKOUT / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / name, root / name)
        return cls(root)

    @classmethod
    def small(cls, root: Path) -> "Project":
        """The same project with a book of three short chapters (tests/small), the glossary and the references:
        for what does not depend on what the chapters say."""
        copy = cls.of_checkout(root)
        for chapter in (root / "chapters").glob("*-*.md"):  # numbered, or an appendix
            chapter.unlink()
        (root / "chapters/briefs.md").unlink()
        shutil.rmtree(root / "chapters/briefs")
        for chapter in (root / "tests/small").glob("*.md"):
            shutil.copy(chapter, root / "chapters" / chapter.name)
        shutil.copy(root / "tests/small/figures.yml", root / "chapters/figures.yml")
        toc = (root / "_toc.yml").read_text().splitlines(keepends=True)
        kept = [line for line in toc if "file:" not in line or (root / f"{line.split()[-1]}.md").exists()]
        (root / "_toc.yml").write_text("".join(kept))
        return copy

    def copy(self, root: Path) -> "Project":
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)

    @property
    def environment(self) -> dict:
        """This copy's package before the installed one, and none of our own switches."""
        rest = {
            k: v for k, v in os.environ.items() if not k.startswith("ROXHAM_") and k != "JPY_SESSION_NAME"
        }
        return rest | {"PYTHONPATH": str(self.root / "scripts"), "COLUMNS": "100"}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "roxham.cli", *map(str, words)]

    def start(self, *words: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*words), cwd=self.root, env=self.environment, stdout=pipe, stderr=pipe, text=True
        )

    def roxham(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,  # the whole book, on a machine that is busy
        )

    def build(self, *words: str) -> set[str]:
        """Build; the stems of the chapters that were executed."""
        done = self.roxham("build", *words)
        assert done.returncode == 0, done.stderr
        lines = done.stderr.splitlines()
        return {line.split()[1].rpartition("/")[2] for line in lines if line.startswith("done ")}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the one place where `old` stands."""
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, f"{name} has {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))

    @property
    def chapters(self) -> set[str]:
        """The stems of the book's chapters."""
        return {
            Path(name).name
            for name in re.findall(r"(?:file|root): (\S+)", (self.root / "_toc.yml").read_text())
        }

    @property
    def html(self) -> Path:
        return self.root / "_build" / "html"

    def page(self, stem: str) -> str:
        return (self.html / "chapters" / f"{stem}.html").read_text()

    def files(self) -> dict[str, bytes]:
        """Every file of the published site."""
        site = self.html.resolve()
        return {str(p.relative_to(site)): p.read_bytes() for p in sorted(site.rglob("*")) if p.is_file()}
