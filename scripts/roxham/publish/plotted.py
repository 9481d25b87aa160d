"""Which values of a drawing are cells of the figure's CSV, so that the file, drawn again, is the figure.

A chart's data sets are the table itself, parts of it, or the table with what the drawing adds (where a label stands).
`links` says, data set by data set, which row and column each value came from. What is no cell of the table, such as
the place of a label, is the specification's own. The outlines of a map are offered as GeoJSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping

TYPES: dict[str, Callable[[str], object]] = {  # how a cell's text becomes the value that is drawn
    "integer": int,
    "number": float,
    "boolean": {"True": True, "False": False}.__getitem__,
    "date": lambda text: f"{text}T00:00:00" if text[4] == text[7] == "-" and len(text) == 10 else None,
    "string": str,
}


def links(text: str, datasets: Mapping[str, list]) -> dict[str, dict]:
    """Data set → `columns`, {field: [column of the CSV, its type]}, and `rows`, the row of the CSV for each of its
    own (from 0; null for one that is no row of it). Without `rows`, it has all rows in order."""
    table = _read(text)
    known = {
        (column, kind): [_text(value) for value in values]
        for column in table
        for kind in TYPES
        if (values := _typed(table[column], kind)) is not None
    }
    count, found = len(next(iter(table.values()))), {}
    for name, rows in datasets.items():
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            continue
        at = _rows(rows, known, count)
        columns = _columns(rows, at, known) if at else {}
        if columns:
            found[name] = {"columns": columns} | ({} if at == list(range(count)) else {"rows": at})
    return found


def outlines(datasets: Mapping[str, list]) -> dict | None:
    """The outlines of a map as GeoJSON, each with its data set's name as the property `layer`; None without any.

    By RFC 7946 exteriors run counterclockwise; the drawing has them clockwise.
    """
    features = [
        {
            "type": "Feature",
            "properties": {"layer": name} | {k: v for k, v in row.items() if k not in ("type", "geometry")},
            "geometry": _turned(row["geometry"]),
        }
        for name, rows in datasets.items()
        if isinstance(rows, list)
        for row in rows
        if isinstance(row, dict) and row.get("type") == "Feature"
    ]
    return {"type": "FeatureCollection", "features": features} if features else None


def _turned(geometry: Mapping) -> dict:
    """A geometry, the rings of its polygons the other way round."""
    if geometry["type"] == "GeometryCollection":
        return {**geometry, "geometries": [_turned(part) for part in geometry["geometries"]]}
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        coordinates = [ring[::-1] for ring in coordinates]
    elif geometry["type"] == "MultiPolygon":
        coordinates = [[ring[::-1] for ring in part] for part in coordinates]
    return {**geometry, "coordinates": coordinates}


def _read(text: str) -> dict[str, list[str]]:
    head, *rows = csv.reader(io.StringIO(text))
    return {name: [row[n] for row in rows] for n, name in enumerate(head)}


def _typed(cells: Iterable[str], kind: str) -> list | None:
    """The values of a column, null for empty cells; None where the type is not theirs."""
    try:
        values = [TYPES[kind](cell) if cell else None for cell in cells]
    except (ValueError, KeyError, IndexError):
        return None
    return (
        None
        if kind == "date" and any(c and v is None for c, v in zip(cells, values, strict=True))
        else values
    )


def _rows(rows: list[dict], known: Mapping[tuple, list[str]], count: int) -> list[int | None]:
    """The row of the table for each of a data set's: by the values of the columns that bear the same names, or of
    any others; the n-th of equal rows for the n-th."""
    fields = dict.fromkeys(field for row in rows for field in row)
    key, other = {}, {}
    for field in fields:
        held = {_text(row.get(field)) for row in rows}
        for (column, kind), values in known.items():
            common = held.intersection(values)
            if column == field and (common == held or len(common) > len(held) / 2):
                key.setdefault(field, (column, kind))
            elif common == held and len(held) > 1:
                other.setdefault(field, (column, kind))
    key = key or other
    if not key:
        return []
    places: dict[tuple, list[int]] = {}
    for i in range(count):
        places.setdefault(tuple(known[way][i] for way in key.values()), []).append(i)
    seen: dict[tuple, int] = {}
    at: list[int | None] = []
    for row in rows:
        value = tuple(_text(row.get(field)) for field in key)
        here, n = places.get(value), seen.get(value, 0)
        seen[value] = n + 1
        at.append(here[min(n, len(here) - 1)] if here else None)
    return at if any(i is not None for i in at) else []


def _columns(
    rows: list[dict], at: list[int | None], known: Mapping[tuple, list[str]]
) -> dict[str, list[str]]:
    """The fields of a data set that are columns of the table in the rows found, the same name before another."""
    pairs = [(row, i) for row, i in zip(rows, at, strict=True) if i is not None]
    found: dict[str, list[str]] = {}
    for field in dict.fromkeys(field for row, _ in pairs for field in row):
        drawn = [_text(row.get(field)) for row, _ in pairs]
        for column, kind in sorted(known, key=lambda way: way[0] != field):
            if column != field and len(set(drawn)) < 2:
                continue
            if drawn == [known[column, kind][i] for _, i in pairs]:
                found[field] = [column, kind]
                break
    return found


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
