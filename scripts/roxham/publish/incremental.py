"""What an incremental build owes a whole one: the same site, byte for byte.

Sphinx reads and writes again those pages whose sources have changed. But a page shows what others say, too: their
titles in its navigation, the labels that it refers to, the numbers of the sources. So a page is also written again
when what it takes from others has changed, and the search index keeps what Sphinx drops from it. It helps a plain
``jupyter-book build .`` as much as ours, which prints over its last printing wherever nothing but notebooks changed.
"""

from __future__ import annotations

from pathlib import Path

from roxham.publish.cache import digest, write_atomically

HELD = (
    "roxham.json"  # beside Sphinx's own environment: what the pages took from others when they were written
)


def connect(app) -> None:
    """Register with Sphinx."""
    app.connect("env-updated", _stale, priority=900)  # after whatever numbers and labels
    app.connect("write-started", _entries)


def _stale(app, env) -> list[str]:
    """All pages, if any may show of another what it did not show when it was written; Sphinx knows which it reads
    again."""
    held = _held(app)
    return sorted(env.found_docs) if held.is_file() and held.read_text() != _taken(env) else []


def finished(app) -> None:
    """Note what the pages have taken from others: to be called when all of them are written."""
    write_atomically(_held(app), _taken(app.env))


def _held(app) -> Path:
    return Path(app.doctreedir) / HELD


def _taken(env) -> str:
    """A digest of what any page may show of another."""
    std, cite = env.domaindata["std"], env.get_domain("cite")
    held = [
        ((name, title.pformat()) for name, title in env.titles.items()),
        *(held.items() for held in (env.toctree_includes, env.toc_secnumbers, env.toc_fignumbers)),
        *(std[kind].items() for kind in ("labels", "anonlabels", "objects", "terms")),
        ((c.citation_id, c.key, str(c.formatted_entry.label)) for c in cite.citations),
        map(tuple, cite.citation_refs),
    ]
    return digest(*(repr(sorted(map(repr, items))).encode() for items in held))


# --- the search ---------------------------------------------------------------------------------------------


def _entries(app, builder) -> None:
    """Keep the index entries of the last search index: Sphinx loads all of it but them."""
    builder.rx_entries = []
    name = getattr(builder, "searchindex_filename", None)
    path = Path(builder.outdir) / name if name else None
    if path and path.is_file():
        last = builder.indexer_format.loads(path.read_text("utf-8"))
        for entry, places in last["indexentries"].items():
            builder.rx_entries += [(entry, last["docnames"][at], *rest) for at, *rest in places]


def search_index(builder) -> dict:
    """Sphinx's search index as it would be if every page had been written now."""
    data = builder.indexer.freeze()
    number, entries = {name: n for n, name in enumerate(data["docnames"])}, data["indexentries"]
    written = builder.indexer._index_entries  # page → entries, of those fed to it in this build
    for entry, page, *rest in builder.rx_entries:
        if page in number and page not in written:
            entries.setdefault(entry, []).append((number[page], *rest))
    data["indexentries"] = {entry: sorted(map(list, places)) for entry, places in entries.items()}
    for kind in ("terms", "titleterms"):  # a word that stands nowhere any more
        data[kind] = {word: places for word, places in data[kind].items() if places != []}
    return data
