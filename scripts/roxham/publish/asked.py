"""What a reader asks for, before anything runs: the combinations of a sweep, and where its files go.

It imports nothing that executes, so that a word that is wrong is said at once.
"""

from __future__ import annotations

import csv
import itertools
import os
import re
from contextlib import suppress
from io import StringIO
from pathlib import Path

from roxham.facts import slug
from roxham.publish.cache import digest
from roxham.publish.chapters import Chapter
from roxham.publish.parameters import Parameter, ParameterError, given, nearest

FORMATS = ("ipynb", "html", "pdf")
LONGEST = 180  # characters of a file's name, before its suffix


class SweepError(ValueError):
    """The sweep cannot be what was asked for."""


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


def expand(chapter: Chapter, over: list[str]) -> list[dict]:
    """Every combination of ``["province=all", "month=2022-01..2023-12"]``, in the order of the allowed values.

    Values are separated by commas; ``all`` is every allowed one, and ``first..last`` a span of months or years,
    to the end of the record if nothing follows the dots. Combinations in which a span would end before it begins
    are left out. Raises `ParameterError` for what is not allowed and `SweepError` for what is malformed or empty.
    """
    asked: dict[str, list] = {}
    for text in over:
        name, equals, values = text.partition("=")
        if not equals:
            raise SweepError(f"--over {text}: write it as name=value,value, name=all or name=first..last")
        if name in asked:
            raise SweepError(f"--over {text}: {name} is given twice")
        asked[name] = _values(_known(chapter, name), values)
    product = [dict(zip(asked, values, strict=True)) for values in itertools.product(*asked.values())]
    kept = [values for values in product if _possible(chapter, values)]
    if not kept or not asked:
        raise SweepError(
            "nothing to do: " + ("every combination ends before it begins" if asked else "no values")
        )
    return kept


def _known(chapter: Chapter, name: str) -> Parameter:
    try:
        return chapter.parameters[name]
    except KeyError:
        known = ", ".join(chapter.parameters) or "none"
        raise ParameterError(
            f"{chapter.name} has no parameter {name!r}; it has: {known}{nearest(name, list(chapter.parameters))}"
        ) from None


def _values(parameter: Parameter, text: str) -> list:
    """The allowed values that a list, a span or ``all`` names, each once."""
    if text == "all":
        return list(parameter.allowed)
    values: list = []
    parts = text.split(",")
    while parts:
        # a value may hold a comma itself: the longest that is allowed
        for length in range(len(parts), 0, -1):
            with suppress(ParameterError):
                values.append(parameter.parse(",".join(parts[:length])))
                break
        else:
            length = 1
            if not parts[0].strip():
                raise SweepError(f"{parameter.name}: {text!r} has an empty value; {parameter.describe()}")
            values += _span(parameter, parts[0]) if ".." in parts[0] else [parameter.parse(parts[0])]
        del parts[:length]
    return list(dict.fromkeys(values))


def _span(parameter: Parameter, text: str) -> list:
    match = re.fullmatch(r"([^.]+)\.\.([^.]*)", text)
    if not match or parameter.unit == "value":
        example = f"{parameter.allowed[0]}..{parameter.allowed[-1]}"
        how = f"write it as {example}" if parameter.unit != "value" else "it has no order; list its values"
        raise SweepError(f"{parameter.name}: {text!r} is not a span; {how}")
    first, last = parameter.parse(match[1]), parameter.parse(match[2] or str(parameter.allowed[-1]))
    start, end = parameter.allowed.index(first), parameter.allowed.index(last)
    if end < start:
        raise SweepError(f"{parameter.name}: {text!r} ends before it begins")
    return list(parameter.allowed[start : end + 1])


def _possible(chapter: Chapter, values: dict) -> bool:
    whole = {name: p.default for name, p in chapter.parameters.items()} | values
    return not any(p.not_before and whole[n] < whole[p.not_before] for n, p in chapter.parameters.items())


def listed(chapter: Chapter, path: Path) -> list[dict]:
    """The combinations of a CSV file, whose header names parameters: a row each.

    Raises `SweepError` or `ParameterError`, naming the row (the header is row 1), for whatever is not right.
    """
    try:
        rows = list(csv.reader(StringIO(path.read_text(encoding="utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SweepError(f"{path}: is not CSV in UTF-8: {error}") from error
    except OSError as error:
        raise SweepError(f"{path}: {error.strerror}") from error
    header, *rest = rows or [[]]
    for name in header:
        try:
            _known(chapter, name)
        except ParameterError as error:
            raise ParameterError(f"{path}, row 1: {error}") from None
    if len(set(header)) < len(header):
        raise SweepError(f"{path}, row 1: a parameter is named twice")
    found: dict[tuple, int] = {}
    for number, row in enumerate(rest, 2):
        if not row:
            continue
        if len(row) != len(header):
            raise SweepError(f"{path}, row {number}: {len(row)} values; the header names {len(header)}")
        try:
            given(chapter.parameters, zip(header, row, strict=True), chapter.name)
            values = tuple(
                chapter.parameters[name].parse(text) for name, text in zip(header, row, strict=True)
            )
        except ParameterError as error:
            raise ParameterError(f"{path}, row {number}: {error}") from None
        if values in found:
            raise SweepError(f"{path}, row {number}: repeats row {found[values]}")
        found[values] = number
    if not found:
        raise SweepError(f"{path}: nothing to do: no row of values under a header of parameters")
    return [dict(zip(header, values, strict=True)) for values in found]


def formats(text: str) -> tuple[str, ...]:
    """Those of `FORMATS` that a list with commas names. Raises `SweepError`."""
    named = [name for name in text.split(",") if name]
    if not named or (unknown := [name for name in named if name not in FORMATS]):
        what = ", ".join(unknown) if named else "nothing"
        raise SweepError(f"--format {text}: {what}; allowed are {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in named)


def stem(chapter: Chapter, values: dict) -> str:
    """The name of a brief's files: that of its template and of its values, in the template's order.

    The same on every machine and in every sweep over the same parameters; no two values share it.
    """
    slugs = [_slug(p, values[name]) for name, p in chapter.parameters.items() if name in values]
    whole = "-".join(filter(None, [Path(chapter.name).name, "_".join(slugs)]))
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}-{digest(whole.encode())[:8]}"


def _slug(parameter: Parameter, value: object) -> str:
    short = slug(value)
    same = [other for other in parameter.allowed if slug(other) == short]
    return (
        short
        if short and len(same) == 1
        else "-".join(filter(None, [short, digest(str(value).encode())[:6]]))
    )
