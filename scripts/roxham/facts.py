"""Numbers in prose: computed, formatted once, and glued where the text says {glue:text}`name`."""

import html
import math
import os
import re

import pandas as pd

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


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
        if not value.strip() or value.strip().lower() in {"nan", "nat", "none", "<na>", "inf", "-inf"}:
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
    """A timestamp or "2023-03-25" → "March 25, 2023"."""
    stamp = _stamp(when, "day")
    return f"{MONTHS[stamp.month - 1]} {stamp.day}, {stamp.year}"


def plural(count: float, one: str, many: str) -> str:
    """plural(1, "person", "people") → "1 person"; plural(39171, ...) → "39,171 people"."""
    return f"{n(count)} {one if n(count) == '1' else many}"


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
