"""Recompile the two lock files from pyproject.toml, for every platform and Python from 3.11 on.

``requirements.txt`` is the environment of the site and ends in the package itself; ``tests/requirements.txt``
adds what the tests need, at versions that agree with it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# compiled by `make lock` from pyproject.toml; do not edit\n"


def compile_lock(target: str, *options: str) -> str:
    """The locked requirements as text; a conflict ends the program with the resolver's own words."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--universal", "--quiet"]
    command += ["--python-version", "3.11", "--no-header", "--no-annotate", "--no-emit-index-url"]
    done = subprocess.run([*command, "--upgrade", *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"lock: {target}: {done.stderr.strip()}")
    return HEADER + done.stdout


def main() -> None:
    locked = compile_lock("requirements.txt")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraint:
        constraint.write(locked)
        constraint.flush()
        everything = compile_lock(
            "tests/requirements.txt", "--extra", "test", "--constraint", constraint.name
        )
    already = set(locked.splitlines())
    only_tests = [line for line in everything.splitlines() if line not in already]
    (ROOT / "requirements.txt").write_text(locked + "-e .\n")
    (ROOT / "tests" / "requirements.txt").write_text(
        "\n".join([HEADER + "-r ../requirements.txt", *only_tests, ""])
    )


main()
