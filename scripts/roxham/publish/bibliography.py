"""The record's sources as a bibliography: BibTeX for Sphinx, and what a citation says when hovered over.

``chapters/references.bib`` is compiled from ``data/tables/sources.csv`` by ``make references``, so that a source is
described in one place. Its keys are the `source_id`s.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from roxham import tables

HEADER = "% compiled by `make references` from data/tables/sources.csv; do not edit\n\n"
WEAK = {"secondary", "tertiary", "partisan"}  # what a reader is told of where it is cited
_TIERS = {
    "law": "Law, court or treaty",
    "official": "Official",
    "academic": "Academic",
    "newsroom": "Newsroom",
    "secondary": "Secondary source",
    "tertiary": "Tertiary source",
    "partisan": "Outlet with a declared line",
}


def prepare() -> None:
    """Tell pybtex where the backends are that Sphinx asks for at every citation: it would look through all that is
    installed, each time."""
    from pybtex.plugin import find_plugin, register_plugin

    for name in ("plaintext", "docutils"):
        register_plugin("pybtex.backends", name, find_plugin("pybtex.backends", name), force=True)


def bibtex() -> str:
    """Every source of the record as BibTeX."""
    from pybtex.database import BibliographyData, Entry
    from pybtex.database.output.bibtex import Writer

    entries = {}
    for row in tables.load("sources").to_dict("records"):
        year, rest = _date(row["date"])
        note = f"{_TIERS[row['tier']]}{f'; {rest}' if rest else ''}"
        fields = {
            "author": f"{{{row['publisher']}}}",  # one name, whatever commas it holds
            "title": f"{{{row['title']}}}",  # as its publisher spells it
            **({"year": year} if year else {}),
            "url": row["url"],
            "note": f"{{{note}}}",
        }
        entries[row["source_id"]] = Entry("misc", fields=fields)
    stream = io.StringIO()
    Writer().write_stream(BibliographyData(entries), stream)
    # the writer escapes for TeX; an address is read raw
    plain = re.sub(
        r"(?m)^    url = .*$", lambda line: re.sub(r"\\([_&%#$])", r"\1", line[0]), stream.getvalue()
    )
    return HEADER + plain


def hints() -> dict[str, str]:
    """source_id → "Publisher, date: title (tier)"."""
    return {
        row["source_id"]: f"{row['publisher']}, {row['date']}: {row['title']} ({_TIERS[row['tier']].lower()})"
        for row in tables.load("sources").to_dict("records")
    }


def tiers() -> dict[str, str]:
    """Tier → the words for it."""
    return dict(_TIERS)


def weak() -> set[str]:
    """The sources that a citation marks: copies, relays, and outlets with a declared line."""
    sources = tables.load("sources")
    return set(sources.source_id[sources.tier.isin(WEAK)])


def linked(keys: str, sources: Mapping[str, Mapping]) -> str:
    """`a,b` of a citation as links in Markdown, for a page that stands alone."""
    found = [
        sources.get(key.strip(), {"publisher": key.strip(), "date": "", "url": ""}) for key in keys.split(",")
    ]
    return "(" + "; ".join(f"[{s['publisher']}, {s['date']}]({s['url']})" for s in found) + ")"


def _date(text: str) -> tuple[str, str]:
    """ "2023-03-25" → ("2023", "2023-03-25"); what is no plain date is kept in words."""
    year = re.match(r"\d{4}", text)
    return (year[0] if year else "", "" if re.fullmatch(r"\d{4}", text) else text)
