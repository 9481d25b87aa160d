"""What a chapter may be asked for: its parameters, their defaults and the values that they allow.

A chapter's first code cell is tagged ``parameters`` and gives each parameter its default. The front matter
says, under ``roxham: parameters:``, which values are allowed, by pointing at a column of the record::

    roxham:
      parameters:
        province: {from: interceptions.province}
        year: {from: interceptions.month, unit: year}
        start: {from: interceptions.month, unit: month}
        end: {from: interceptions.month, unit: month, not_before: start}

so that new data widen what may be asked without an edit. ``values: [...]`` gives a list outright; ``also: [Canada]``
adds values before those of the column, and ``not_earlier: 2017-01`` leaves out what comes before.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from roxham import derived, tables

UNITS = ("value", "year", "month")


class ParameterError(ValueError):
    """A parameter that does not exist, or a value that it does not allow."""


def nearest(found: object, allowed: list) -> str:
    """``; nearest: X`` for the allowed value most like `found`, or nothing."""
    match = difflib.get_close_matches(str(found).lower(), [str(a).lower() for a in allowed], n=1, cutoff=0.5)
    names = {str(a).lower(): a for a in allowed}
    return f"; nearest: {names[match[0]]}" if match else ""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a chapter; `allowed` is in order, and `default` is one of it."""

    name: str
    default: object
    allowed: tuple
    unit: str = "value"
    not_before: str | None = None
    help: str = ""

    def parse(self, text: str) -> object:
        """The allowed value that `text` names; a `ParameterError` says what is allowed and what is nearest."""
        for value in self.allowed:
            if str(value) == text:
                return value
        first, last = str(self.allowed[0]), str(self.allowed[-1])
        if self.unit != "value" and text[:4].isdigit():
            hint = f"; nearest: {min(max(text, first), last)}" if not first < text < last else ""
        else:
            hint = nearest(text, list(self.allowed))
        raise ParameterError(f"{self.name}: {text!r} is not allowed; {self.describe()}{hint}")

    def selected(self, rule: object) -> list:
        """The allowed values that a rule names: ``all``, ``last 12``, or a list of them.

        Raises `ParameterError` for another rule, or a value that is not allowed.
        """
        if rule == "all":
            return list(self.allowed)
        if isinstance(rule, str) and (last := re.fullmatch(r"last (\d+)", rule)) and int(last[1]):
            return list(self.allowed[-int(last[1]) :])
        if isinstance(rule, list) and rule:
            return [self.parse(str(value)) for value in rule]
        raise ParameterError(
            f"{self.name}: {rule!r} selects nothing; it may be all, last 12, or a list of values"
        )

    def describe(self) -> str:
        """What is allowed, in one short phrase."""
        if self.unit != "value":
            return f"a {self.unit} from {self.allowed[0]} to {self.allowed[-1]}"
        return "one of " + ", ".join(str(a) for a in self.allowed)


def declared(cell_defaults: dict[str, dict], spec: dict, where: str) -> dict[str, Parameter]:
    """The parameters of one chapter, from papermill's reading of its cell and from its front matter.

    Raises `ParameterError`, naming `where`, if the two disagree or if a default is not allowed.
    """
    if set(cell_defaults) != set(spec):
        one_sided = sorted(set(cell_defaults) ^ set(spec))
        raise ParameterError(
            f"{where}: {', '.join(one_sided)} must stand both in the cell tagged parameters and in the front matter"
        )
    parameters = {}
    for name, cell in cell_defaults.items():
        rule = dict(spec[name])
        unit = rule.pop("unit", "value")
        if unit not in UNITS:
            raise ParameterError(f"{where}: {name}: unit {unit!r} is not one of {', '.join(UNITS)}")
        not_before = rule.pop("not_before", None)
        allowed = rule.pop("values", None)
        if allowed is None and "from" in rule:
            try:
                allowed = _column(rule.pop("from"), unit)
            except LookupError as error:
                raise ParameterError(f"{where}: {name}: {error.args[0]}") from error
        allowed = [*rule.pop("also", []), *(allowed or [])]
        first = str(rule.pop("not_earlier", ""))
        allowed = [value for value in allowed if str(value) >= first]
        if not allowed or rule:
            raise ParameterError(f"{where}: {name}: the rule needs `from: table.column` or `values: [...]`")
        parameter = Parameter(
            name, ast.literal_eval(cell["default"]), tuple(allowed), unit, not_before, cell["help"]
        )
        parameter.parse(str(parameter.default))
        parameters[name] = parameter
    return parameters


def _column(reference: str, unit: str) -> list:
    """The distinct values of ``table.column`` (of the record, or of `derived.MADE`), sorted.

    Months and years run without a gap from first to last.
    """
    table, _, column = reference.partition(".")
    values = (derived.MADE[table]() if table in derived.MADE else tables.load(table))[column].dropna()
    if unit == "year":
        return list(range(values.min().year, values.max().year + 1))
    if unit == "month":
        span = values.dt.to_period("M")
        return [str(m) for m in _periods(span.min(), span.max())]
    return sorted(values.unique())


def _periods(first, last) -> list:
    return [first + i for i in range((last - first).n + 1)]


def given(
    parameters: dict[str, Parameter], asked: Iterable[tuple[str, str]], where: str
) -> dict[str, object]:
    """The values that were asked for, checked; only those that differ from the defaults.

    Raises `ParameterError` on an unknown name, one given twice, a value out of range, or an end before its start.
    """
    raw: dict[str, str] = {}
    for name, text in asked:
        if raw.setdefault(name, text) != text:
            raise ParameterError(f"{name}: given twice, as {raw[name]!r} and {text!r}")
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ParameterError(
                f"{where} has no parameter {name!r}; it has: {known}{nearest(name, list(parameters))}"
            )
    values = {name: p.default for name, p in parameters.items()}
    values |= {name: parameters[name].parse(text) for name, text in raw.items()}
    for name, p in parameters.items():
        if p.not_before and values[name] < values[p.not_before]:
            raise ParameterError(
                f"{name}: {values[name]} is before {p.not_before}, {values[p.not_before]}; "
                f"it may be the same or later"
            )
    return {name: v for name, v in values.items() if v != parameters[name].default}
