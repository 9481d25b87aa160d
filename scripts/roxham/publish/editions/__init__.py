"""The book whole, to keep and to carry: one tagged PDF and one EPUB, made from the pages of the built site.

`make` puts a file in ``_build/editions`` and offers it on the site. An edition belongs to the site that it was made
from: once a page would differ, the site is printed without it, until it is made again. So a link never leads to
nothing, nor to another text than the one around it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from filecmp import cmp
from pathlib import Path

from roxham.publish.cache import write_atomically
from roxham.publish.edition import edition

STEM = "roxham-road"
FOLDER = "editions"  # below _build, and below the site
KINDS = {"pdf": "The book as PDF", "epub": "The book as EPUB"}
_OFFERED = re.compile(r'<li class="toctree-l1 rx-edition">.*?</li>')
_PLACE = re.compile(r'(<nav class="[^"]*\brx-all-figures\b.*?)(</ul></nav>)', re.S)


class EditionError(Exception):
    """An edition could not be made; the old one, and the site, stand as they were."""


def make(kind: str, watcher) -> Path:
    """Make one of `KINDS` from the site as it stands, unless it is there, and offer it on the site; its path.

    watcher: as `site.build` has one. Raises `EditionError` where it cannot be made.
    """
    from roxham.publish import site

    with site.locked(watcher):
        identity = _read(site.BUILD / "html.json").get("identity")
        if not identity:
            raise EditionError("no site is built here; `roxham build` builds it")
        folder = site.BUILD / FOLDER
        path = folder / f"{STEM}.{kind}"
        if kind not in standing(folder, identity):
            from roxham.publish.editions import epub, pdf

            content = {"pdf": pdf.content, "epub": epub.content}[kind](site.BUILD / "html", edition())
            write_atomically(path, content)
            write_atomically(_mark(folder), json.dumps(_read(_mark(folder)) | {kind: identity}))
        _put_in_place(site, folder, identity)
    return path


def standing(folder: Path, identity: str) -> dict[str, Path]:
    """Kind → file of the editions in `folder` that were made from the site `identity` (in ``_build/html.json``)."""
    made = _read(_mark(folder))
    paths = {kind: folder / f"{STEM}.{kind}" for kind in KINDS if made.get(kind) == identity}
    return {kind: path for kind, path in paths.items() if path.is_file()}


def offer(pages: Path, folder: Path, identity: str) -> bool:
    """Put the editions of the site `identity` that are in `folder` into its `pages`, and link them from each page
    that lists the chapters. True if there is any."""
    made = standing(folder, identity)
    if not made:
        return False
    shutil.rmtree(pages / FOLDER, ignore_errors=True)
    (pages / FOLDER).mkdir()
    for path in made.values():
        shutil.copyfile(path, pages / FOLDER / path.name)
    for page in sorted(pages.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        up = "../" * len(page.relative_to(pages).parent.parts)
        links = "".join(
            f'<li class="toctree-l1 rx-edition"><a class="reference internal" href="{up}{FOLDER}/{path.name}">'
            f"{KINDS[kind]} ({path.stat().st_size / 1e6:.1f} MB)</a></li>"
            for kind, path in made.items()
        )
        linked = _PLACE.sub(lambda m, links=links: f"{m[1]}{links}{m[2]}", _OFFERED.sub("", text))
        if linked != text:
            page.unlink()  # it may be the same file as the old site's
            page.write_text(linked, encoding="utf-8")
    return True


def _mark(folder: Path) -> Path:
    """Where it is written from which site each edition was made."""
    return folder.with_suffix(".json")


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}


def _put_in_place(site, folder: Path, identity: str) -> None:
    """Swap in a copy of the site that offers its editions; the files that stay are the same files."""
    old = (site.BUILD / "html").resolve()
    made = standing(folder, identity).values()
    if all((old / FOLDER / p.name).is_file() and cmp(p, old / FOLDER / p.name, False) for p in made):
        return
    with tempfile.TemporaryDirectory(dir=site.BUILD, prefix=".work-") as work:
        fresh = Path(work) / "html"
        try:
            shutil.copytree(old, fresh, copy_function=os.link)
        except shutil.Error:  # a disk without such links
            shutil.rmtree(fresh)
            shutil.copytree(old, fresh)
        offer(fresh, folder, identity)
        site.put_in_place(fresh, site.BUILD / "html", identity)
