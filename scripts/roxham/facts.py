"""Numbers in prose: computed, formatted once, and glued where the text says {glue:text}`name`."""

import html
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


KEY_NUMBERS = 5  # of a brief
FEW = 100  # of fewer than so many no percentage is given
MISSING = {"nan", "nat", "none", "<na>", "inf", "-inf"}  # how a value that is not there reads


class FactError(ValueError):
    """A fact that cannot be printed: its name, what was found and what is allowed."""


def facts(**values: str) -> None:
    """Glue each value under its name, for {glue:text}`name`; in JupyterLab also show them in a table.

    values: text as it is to be read ("39,171"), so that what prose says is decided in the chapter.
    Raises FactError for a value that is not text, is empty, or reads as missing.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            raise FactError(
                f"fact {name!r} is {value!r} ({type(value).__name__}); format it, as with n() or pct()"
            )
        if not value.strip() or value.strip().lower() in MISSING:
            raise FactError(f"fact {name!r} is {value!r}; a fact must have a value")
    from myst_nb import glue

    for name, value in values.items():
        glue(name, value, display=False)

    if display_mode() == "live":
        from IPython.display import HTML, display

        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
            for name, value in values.items()
        )
        caption = '<caption style="white-space:nowrap">Facts glued for the text</caption>'
        display(HTML(f"<table>{caption}<tbody>{rows}</tbody></table>"))


def display_mode() -> str:
    """How outputs show themselves: "site", "static" or "live" (see `figures`). Raises ValueError for another."""
    how = os.environ.get("ROXHAM_FIGURES") or ("live" if os.environ.get("JPY_SESSION_NAME") else "static")
    if how not in {"site", "static", "live"}:
        raise ValueError(f"ROXHAM_FIGURES is {how!r}; allowed are site, static, live")
    return how


def n(value: float, digits: int = 0) -> str:
    """39171 → "39,171"; with a true minus sign. Raises FactError for a missing or infinite value."""
    return _sign(f"{_finite(value, 'n'):,.{digits}f}")


def pct(share: float, digits: int = 1) -> str:
    """A share of one, as a percentage: 0.9907 → "99.1%". Raises FactError for a missing or infinite value."""
    return _sign(f"{100 * _finite(share, 'pct'):,.{digits}f}%")


def dollars(value: float, digits: int = 0) -> str:
    """14321 → "$14,321". Raises FactError for a missing or infinite value."""
    text = n(value, digits)
    return f"−${text[1:]}" if text.startswith("−") else f"${text}"


def month(when: str | pd.Timestamp | pd.Period) -> str:
    """A timestamp, a period or "2023-03" → "March 2023"."""
    stamp = _stamp(when, "month")
    return f"{MONTHS[stamp.month - 1]} {stamp.year}"


def day(when: str | pd.Timestamp) -> str:
    """A timestamp or "2023-03-25" → "25 March 2023"."""
    stamp = _stamp(when, "day")
    return f"{stamp.day} {month(stamp)}"


def plural(count: float, one: str, many: str) -> str:
    """plural(1, "person", "people") → "1 person"; plural(39171, ...) → "39,171 people"."""
    return f"{n(count)} {one if n(count) == '1' else many}"


def listed(words: Iterable[str]) -> str:
    """["Blaine", "Havre", "Swanton"] → "Blaine, Havre and Swanton". Raises FactError for no words at all."""
    *first, last = list(words) or [""]
    if not last:
        raise FactError("listed(): no words; a list in the text must have one at least")
    return f"{', '.join(first)} and {last}" if first else last


def standing(series: pd.Series, when: object = None, far: int = 12) -> str:
    """How one value stands among those before it, in a few words.

    series: counts by month (datetime64 or period index) or by year (integers), in order. when: its label, the last
    by default. Against the value just before: "more than in July 2026", "fewer than …", "as many as in …"; where no
    value of the `far` steps before reached it, "the most since March 2019" (the last that was as high or higher) or
    "the most since the series begins, in October 1999"; the same with "fewest". A missing value that may have
    been as high is passed over, and the words say ", of those published". Raises FactError when the value itself is
    missing.
    """
    at = len(series) - 1 if when is None else series.index.get_loc(when)
    value = _finite(series.iloc[at], "standing")
    before = series.iloc[:at].dropna()
    if before.empty:
        return "the first of the series"
    last = before.iloc[-1]
    if value == last:
        return f"as many as in {_label(before.index[-1])}"
    reached = before[before >= value] if value > last else before[before <= value]
    since = series.index.get_loc(reached.index[-1]) if len(reached) else -1
    if at - since <= far:
        return f"{'more' if value > last else 'fewer'} than in {_label(before.index[-1])}"
    end = _label(reached.index[-1]) if len(reached) else f"the series begins, in {_label(series.index[0])}"
    hidden = ", of those published" if series.iloc[since + 1 : at].isna().any() else ""
    return f"the {'most' if value > last else 'fewest'} since {end}{hidden}"


@dataclass(frozen=True)
class KeyNumbers:
    """What `key_numbers` displays; `entries` is also the output's metadata, under "roxham_key"."""

    entries: tuple[tuple[str, str], ...]

    def _repr_mimebundle_(self, include=None, exclude=None) -> tuple[dict, dict]:
        pairs = "".join(
            f"<div><dt>{html.escape(words)}</dt><dd>{html.escape(value)}</dd></div>"
            for value, words in self.entries
        )
        plain = "\n".join(f"{value}: {words}" for value, words in self.entries)
        found = [{"value": value, "words": words} for value, words in self.entries]
        return {"text/html": f'<dl class="rx-key">{pairs}</dl>', "text/plain": plain}, {"roxham_key": found}


def key_numbers(*entries: tuple[str, str]) -> KeyNumbers:
    """The five numbers of a brief, each with its words; the last expression of a cell.

    entries: (value, words) as they are to be read, such as ("39,171", "people intercepted in 2022"). What has no
    number says so in the value ("not published"). Raises FactError for another count than five, or an empty text.
    """
    if len(entries) != KEY_NUMBERS:
        raise FactError(f"key_numbers: {len(entries)} entries; a brief has {KEY_NUMBERS}")
    for value, words in entries:
        for text in (value, words):
            if not isinstance(text, str) or not text.strip() or text.strip().lower() in MISSING:
                raise FactError(f"key_numbers: {value!r}, {words!r}: both must be text that is not empty")
    return KeyNumbers(tuple(entries))


def _label(when: object) -> str:
    """A month in words; a year as it is."""
    return str(when) if isinstance(when, int | np.integer) else month(when)


def count(number: float, one: str, many: str) -> str:
    """As `plural`, with a word for nothing: count(0, "person", "people") → "no people"."""
    return plural(number, one, many) if n(number) != "0" else f"no {many}"


def bounded(total, one: str, many: str) -> str:
    """A `tables.Total` in words: "39,170 people"; "0 to 5 people" where suppression hides a tenth of it or more.

    Rounding alone is left to the caption: every count of its kind is rounded so.
    """
    if total.suppressed and total.high - total.low > 0.1 * total.value:
        return f"{n(total.low)} to {plural(total.high, one, many)}"
    return count(total.value, one, many)


def change(now: float, before: float, when: str) -> str:
    """What a count did, to follow it: "12% more than in 2023", "as many as in 2023", "down from 15 in 2023".

    when: with its preposition, "in 2023". No percentage is given of fewer than `FEW`, or of a count that became
    nothing. Raises FactError for a missing value.
    """
    now, before = _finite(now, "change"), _finite(before, "change")
    if now == before:
        return f"as many as {when}" if now else f"none {when} either"
    if not before:
        return f"up from none {when}"
    if before < FEW or not now:
        return f"{'up' if now > before else 'down'} from {n(before)} {when}"
    ratio = now / before
    if ratio >= 2:
        return f"{n(ratio, 0 if ratio >= 9.95 else 1).removesuffix('.0')} times as many as {when}"
    share = abs(ratio - 1)
    words = "under 1%" if share < 0.005 else "over 99%" if 0.995 <= share < 1 else pct(share, 0)
    return f"{words} {'more' if ratio > 1 else 'fewer'} than {when}"


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def ordinal(rank: int) -> str:
    """2 → "second"; in digits after the tenth: "11th", "22nd"."""
    if 1 <= rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ends = {1: "st", 2: "nd", 3: "rd"} if rank % 100 not in (11, 12, 13) else {}
    return f"{rank}{ends.get(rank % 10, 'th')}"


def slug(text: object) -> str:
    """A value as it stands in addresses and IDs: "Newfoundland and Labrador" → "newfoundland-and-labrador"."""
    plain = unicodedata.normalize("NFD", str(text)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def brief(*, name: str, number: str, what: str, series: Sequence[float | None], rank: float | None) -> None:
    """What the list of briefs says of this one; nothing is shown here. Call it once, in any cell.

    name: "Quebec". number: as it is to be read ("39,171", "0 to 5", "not published"); what: what it counts, the
    same words in every brief of a template. rank: by what the list is sorted; None goes last. series: the small
    line, oldest first, None where nothing is known. Raises FactError for an empty text.
    """
    for key, text in (("name", name), ("number", number), ("what", what)):
        if not isinstance(text, str) or not text.strip():
            raise FactError(f"brief: {key} is {text!r}; it must be text")
    from IPython.display import display

    known = [None if pd.isna(v) else float(v) for v in series]
    rank = None if rank is None or pd.isna(rank) else float(rank)
    entry = {"name": name, "number": number, "what": what, "series": known, "rank": rank}
    display({"text/plain": ""}, raw=True, metadata={"roxham_brief": entry})


def _finite(value: float, who: str) -> float:
    if pd.isna(value) or not math.isfinite(value):
        raise FactError(f"{who}({value!r}): a number in the text must have a value")
    return value


def _sign(text: str) -> str:
    """A true minus sign, and none before a zero."""
    if not text.startswith("-"):
        return text
    return f"−{text[1:]}" if re.search("[1-9]", text) else text[1:]


def _stamp(when: object, who: str) -> pd.Timestamp:
    stamp = when.to_timestamp() if isinstance(when, pd.Period) else pd.Timestamp(when)
    if pd.isna(stamp):
        raise FactError(f"{who}({when!r}): a date in the text must have a value")
    return stamp
