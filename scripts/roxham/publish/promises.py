"""The figures' list: every ID ever published, what took its place if it moved, and what each figure is about.

An ID is a promise to those who cite it, and a build is held to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from roxham.publish.cache import write_atomically
from roxham.publish.chapters import ROOT, BookError, settings
from roxham.publish.parameters import nearest

LIST = "chapters/figures.yml"
INDEX = "figures.json"  # of the figures of the site, below its figures/; what `roxham figures` reads
FILTERS = {"subjects": "Subject", "places": "Place"}


def promised() -> tuple[list[str], dict[str, str]]:
    """Every ID ever published, and old ID → the one that took its place. Raises `BookError` if the list is none."""
    held = settings(LIST)
    ids, moved = held.get("ids") or [], held.get("moved") or {}
    texts = (
        isinstance(ids, list)
        and isinstance(moved, dict)
        and all(isinstance(i, str) for i in [*ids, *moved, *moved.values()])
    )
    if not texts:
        raise BookError(f"{LIST}: it must be `ids:`, a list of figure IDs, and `moved:`, old ID: new ID")
    return ids, moved


def redirects(ids: Collection[str]) -> dict[str, str]:
    """Old ID → the figure that stands for it now, for a book that holds `ids`.

    Raises `BookError`, one line a figure, where an ID that was published leads nowhere.
    """
    published, moved = promised()
    wrong, found = [], {}
    for old in dict.fromkeys([*published, *moved]):
        if old in ids:
            if old in moved:
                wrong.append(
                    f"{LIST}: {old} has moved to {moved[old]}, but is in the book; drop one of the two"
                )
            continue
        new, seen = moved.get(old), {old}
        while new in moved and new not in seen:
            seen.add(new)
            new = moved[new]
        if new is None:
            wrong.append(
                f"figure {old}: it was published and is not in the book; bring it back, or name under `moved:` "
                f"in {LIST} what took its place"
            )
        elif new not in ids:
            wrong.append(f"{LIST}: {old} has moved to {new}, which is not in the book")
        else:
            found[old] = new
    if wrong:
        raise BookError("\n".join(wrong))
    return found


def unpromised(ids: Iterable[str]) -> list[str]:
    """The figures of the book that the list does not hold yet."""
    published, _ = promised()
    return [i for i in ids if i not in published]


def promise(ids: Iterable[str]) -> list[str]:
    """Add figures to the list; those that were added."""
    new = unpromised(ids)
    if new:
        path = ROOT / LIST
        text, mark = path.read_text(), "\nids:\n"
        head, _, rest = text.partition(mark)
        listed, gap, tail = rest.partition("\n\n")
        lines = sorted({*listed.strip("\n").splitlines(), *(f"- {i}" for i in new)})
        write_atomically(path, f"{head}{mark}" + "\n".join(lines) + (gap + tail or "\n"))
    return new


# --- what a figure is about ---------------------------------------------------------------------------------


def groups() -> dict[str, dict[str, list[str]]]:
    """ "subjects" and "places", each its names in order with the IDs of their figures. Raises `BookError`, a line a
    fault, where a promised figure has none, or an ID is none of them."""
    held = settings(LIST)
    ids, moved = promised()
    wrong, found = [], {}
    for kind, one in FILTERS.items():
        named = held.get(kind) or {}
        if not isinstance(named, dict) or not all(isinstance(v, list) for v in named.values()):
            raise BookError(f"{LIST}: {kind} must be names, each with a list of figure IDs")
        listed = [id for members in named.values() for id in members]
        wrong += [
            f"{LIST}: {kind}, {name}: no figure {id!r}{nearest(id, ids)}"
            for name, members in named.items()
            for id in members
            if id not in ids
        ]
        wrong += [
            f"{LIST}: {id} has no {one.lower()}; name it under one of: {', '.join(named)}"
            for id in ids
            if id not in listed and id not in moved
        ]
        found[kind] = named
    if wrong:
        raise BookError("\n".join(wrong))
    return found
