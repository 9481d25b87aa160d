"""One archive of a version, ready for a repository such as Zenodo.

It is the book's source at one commit, with what was made of it beside: site/, with the editions that it offers,
and notebooks/. `ro-crate-metadata.json` describes it (RO-Crate 1.1, written by rocrate) and
SHA256SUMS lists every other file, for `sha256sum -c`.

The same commit makes the same bytes, given the locked environment and the same ROXHAM_BASE_URL: names are sorted,
dates are the commit's, permissions are fixed. So only a commit is released: a checkout whose files differ from it is
refused, because an archive that names a commit and holds something else could never be made again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from roxham import figures, tables
from roxham.publish import links, site
from roxham.publish.cache import Cache, fingerprints
from roxham.publish.chapters import ROOT, Chapter, book, settings
from roxham.publish.edition import Edition, edition
from roxham.publish.metadata import licences

NAME = "roxham-road"
CRATE, SUMS = "ro-crate-metadata.json", "SHA256SUMS"
OF = {"text": "text, charts, and the selection of the data", "code": "code"}
PARTS = {  # folder → its title, and of what kind it is
    "chapters/": ("The chapters as they are stored: MyST notebooks", "text"),
    "notebooks/": ("The chapters as executed notebooks, with their outputs", "text"),
    "site/": ("The site: open site/index.html", "text"),
    "site/editions/": ("The book as single files", "text"),
    "scripts/": ("The code that reads the record, draws the figures and prints the book", "code"),
    "tests/": ("Tests of the record, the code and the pages", "code"),
}
KINDS = {
    ".csv": "text/csv",
    ".epub": "application/epub+zip",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
}


class ReleaseError(Exception):
    """No release can be made; nothing was written."""


@dataclass(frozen=True)
class Commit:
    """hash: in full. moment: when it was committed, UTC. files: what it tracks."""

    hash: str
    moment: datetime
    files: list[str]


def release(out: Path | None, watcher: site.Watcher | None = None) -> Path:
    """Write the archive into the folder `out`, `_build/release` by default, and return its path.

    Builds the site unless it stands. Raises `ReleaseError` where the book is not a clean checkout, and what
    `site.build` raises.
    """
    commit = _commit()
    site.build(watcher=watcher)
    if _commit() != commit:
        raise ReleaseError("the checkout changed while the site was built")
    published = edition()
    name = f"{NAME}-{re.sub(r'[^0-9A-Za-z.]+', '-', published.version)}"
    files = _contents(commit, published)
    target = (out or site.BUILD / "release") / f"{name}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        _zip(part, name, files, commit.moment)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def checksum(path: Path) -> str:
    """SHA-256 of a file, as sha256sum prints it."""
    return sha256(path.read_bytes()).hexdigest()


def _commit() -> Commit:
    """The commit that the checkout is; raises `ReleaseError` where it is none, or differs from it."""

    def ask(*words: str) -> str:
        command = ["git", "-C", ROOT, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    if not (ROOT / ".git").exists():
        raise ReleaseError("a release is made of a commit, and this folder is no git checkout")
    try:
        changed = ask("status", "--porcelain", "--untracked-files=all").splitlines()
        if changed:
            more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
            names = ", ".join(line[3:] for line in changed[:3])
            raise ReleaseError(f"{names}{more}: not as committed; a release is made of a commit")
        revision, seconds = ask("log", "-1", "--format=%H %ct").split()
        tracked = [name for name in ask("ls-files", "-z").split("\0") if name]
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise ReleaseError(f"git could not say which commit this is: {said}") from error
    return Commit(revision, datetime.fromtimestamp(int(seconds), UTC), tracked)


def _contents(commit: Commit, published: Edition) -> dict[str, bytes | Path]:
    """Every file of the archive: its path there → its bytes, or where they are."""
    files: dict[str, bytes | Path] = {name: ROOT / name for name in commit.files}
    printed = (site.BUILD / "html").resolve()
    files |= {f"site/{p.relative_to(printed).as_posix()}": p for p in printed.rglob("*") if p.is_file()}
    files |= _notebooks()
    files["CITATION.cff"] = _citation(published, commit)
    files[CRATE] = _crate(files, published, commit)
    sums = (f"{sha256(_bytes(files[name])).hexdigest()}  {name}\n" for name in sorted(files))
    files[SUMS] = "".join(sums).encode()
    return files


def _notebooks() -> dict[str, bytes]:
    """The executed chapters; their links to each other work, and their figures have their style sheet."""
    chapters, cache = book(), Cache(site.BUILD / "cache" / "notebooks", fingerprints())
    stems = {Path(c.name).name for c in chapters}
    return {f"notebooks/{Path(c.name).name}.ipynb": _notebook(c, cache, stems) for c in chapters}


def _notebook(chapter: Chapter, cache: Cache, stems: set[str]) -> bytes:
    notebook = links.staged(json.loads(cache.get(Cache.key(chapter.source, {})).notebook), stems)
    drawn = (
        output["data"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "roxham" in output.get("metadata", {})
    )
    if first := next(drawn, None):
        first["text/html"] = f"<style>{figures.css()}</style>{''.join(first['text/html'])}"
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _citation(published: Edition, commit: Commit) -> bytes:
    """CITATION.cff of this version; from it the unpacked archive builds the same site, without git."""
    import yaml

    dated = {"version": published.version, "date-released": published.date}
    if published.base:
        dated["url"] = published.base
    cff = settings("CITATION.cff")
    cff |= dated | {"commit": commit.hash}
    cff["preferred-citation"] |= dated | {"year": int(published.date[:4])}
    return yaml.safe_dump(cff, sort_keys=False, allow_unicode=True).encode()


# --- what it says of itself ---------------------------------------------------------------------------------


def _crate(files: Mapping[str, bytes | Path], published: Edition, commit: Commit) -> bytes:
    """The archive as RO-Crate 1.1: authors, licences, sources, and every notebook, table and figure."""
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    package = json.loads(_bytes(files["data/datapackage.json"]))
    index = json.loads(_bytes(files["site/figures/figures.json"]))
    data = {licence["path"]: licence["title"] for licence in package["licenses"]}
    ours = licences()
    own = {ours[what]["path"]: f"{ours[what]['name']}: {of}" for what, of in OF.items()}
    text = ours["text"]["path"]
    for address, title in (data | own).items():
        crate.add_jsonld({"@id": address, "@type": "CreativeWork", "name": title, "url": address})
    people = []
    for n, given in enumerate(
        settings("CITATION.cff")["authors"]
    ):  # a person has a family name, a group a `name`
        kind = "Organization" if "name" in given else "Person"
        about = {"@id": f"#author-{n + 1}", "@type": kind, "name": published.authors[n]}
        if published.base and kind == "Organization":
            about["url"] = published.base
        people.append(crate.add_jsonld(about))
    authors = _single(people)

    root = crate.root_dataset
    root["name"] = f"{published.title} ({published.version})"
    root["description"] = (
        f"{package['description']} With the publication that reads it: its site, its executed notebooks, its code."
    )
    root["datePublished"] = published.date
    root["version"] = published.version
    root["identifier"] = commit.hash
    root["author"] = authors
    root["publisher"] = people[0]
    root["license"] = _refs(data | own)
    if published.base:
        root["url"] = published.base

    def file(path: str, properties: Mapping, kind: str | None = None) -> dict:
        entity = {"encodingFormat": KINDS[Path(path).suffix], "contentSize": str(len(_bytes(files[path])))}
        if kind:
            entity["@type"] = ["File", kind]
        return crate.add_file(dest_path=path, properties=entity | dict(properties))

    for folder, (title, kind) in PARTS.items():
        if any(path.startswith(folder) for path in files):
            crate.add_dataset(
                dest_path=folder, properties={"name": title, "license": {"@id": ours[kind]["path"]}}
            )
    crate.add_dataset(
        dest_path="data/",
        properties={
            "name": package["title"],
            "description": package["description"],
            "license": _refs(data),
        },
    )
    file("data/datapackage.json", {"name": "The tables, column by column: a Frictionless data package"})
    for table in package["resources"]:
        if table["path"].endswith(".csv"):
            about = {"name": table["title"], "description": table.get("description", table["title"])}
            file(f"data/{table['path']}", about | {"license": _refs(data)})
    for chapter in book():
        path = f"notebooks/{Path(chapter.name).name}.ipynb"
        file(path, {"name": chapter.title, "license": {"@id": text}}, "SoftwareSourceCode")
    for path in sorted(p for p in files if p.startswith("site/editions/")):
        file(path, {"name": f"{published.title}: {Path(path).suffix[1:].upper()}", "license": {"@id": text}})

    known = tables.load("sources").set_index("source_id")
    cited = sorted({source["id"] for figure in index["figures"] for source in figure["sources"]})
    for id in cited:
        source = known.loc[id]
        crate.add_jsonld(
            {
                "@id": f"#source-{id}",
                "@type": "CreativeWork",
                "name": source.title,
                "publisher": source.publisher,
                "datePublished": str(source.date),
                "url": source.url,
            }
        )
    for figure in index["figures"]:
        folder = f"site/figures/{figure['id']}/"
        about = {
            "name": figure["title"],
            "description": figure["alt"],
            "identifier": figure["id"],
            "license": {"@id": text},
            "author": authors,
            "citation": _refs(f"#source-{source['id']}" for source in figure["sources"]),
        }
        rows = file(
            f"{folder}{figure['id']}.csv",
            {"name": f"The rows of “{figure['title']}”", "license": _refs(data)},
        )
        chapter = f"notebooks/{Path(figure['page']).stem}.ipynb"
        made_of = {"isBasedOn": [rows, {"@id": chapter}], "caption": figure["caption"]}
        drawing = file(f"{folder}{figure['id']}.svg", about | made_of, "ImageObject")
        crate.add_dataset(dest_path=folder, properties={**about, "hasPart": [drawing, rows]})
    return (json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False) + "\n").encode()


def _refs(ids: Iterable[str]) -> dict | list[dict]:
    """References to other entities; JSON-LD wants a single one without its list."""
    return _single([{"@id": i} for i in ids])


def _single(many: list):
    return many[0] if len(many) == 1 else many


# --- the archive --------------------------------------------------------------------------------------------


def _bytes(content: bytes | Path) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()


def _zip(path: Path, name: str, files: Mapping[str, bytes | Path], moment: datetime) -> None:
    """All files in one folder `name`, sorted, of one date and one mode."""
    with zipfile.ZipFile(path, "w") as archive:
        for inside in sorted(files):
            entry = zipfile.ZipInfo(f"{name}/{inside}", moment.timetuple()[:6])
            packed = Path(inside).suffix in (".zip", ".png", ".woff2", ".parquet", ".epub")
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, _bytes(files[inside]))
