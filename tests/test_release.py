"""The archive of a version: whole, described, checked, and the same wherever its commit is built."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml
from project import Project

WHO = {
    f"GIT_{who}_{what}": "test@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
WHEN = {"GIT_AUTHOR_DATE": "2026-03-01T23:30:00-05:00", "GIT_COMMITTER_DATE": "2026-03-01T23:30:00-05:00"}


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", folder, "-c", "init.defaultBranch=main", *words]
    done = subprocess.run(command, env=os.environ | WHO | WHEN, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def checkout(small, tmp_path_factory) -> Project:
    """The small book as a commit; its site is built before there is one."""
    copy = small.copy(tmp_path_factory.mktemp("release") / "book")
    git(copy.root, "init", "-q")
    git(copy.root, "add", "-A")
    git(copy.root, "commit", "-q", "-m", "one")
    return copy


@pytest.fixture(scope="module")
def archive(checkout) -> Path:
    """The release of that commit, whose site offers the book as EPUB."""
    assert checkout.roxham("epub").returncode == 0
    done = checkout.roxham("release")
    assert done.returncode == 0, done.stderr
    path = checkout.root / done.stdout.strip()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in done.stderr
    return path


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory) -> Path:
    """The one folder that the archive holds."""
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        opened.extractall(folder)
    (only,) = folder.iterdir()
    assert only.name == archive.stem
    return only


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_it_holds_the_source_the_site_the_notebooks_and_the_editions(checkout, unpacked):
    tracked = set(git(checkout.root, "ls-files").splitlines())
    site = {f"site/{name}" for name in checkout.files()}
    notebooks = {f"notebooks/{chapter}.ipynb" for chapter in checkout.chapters}
    own = {"ro-crate-metadata.json", "SHA256SUMS"}
    assert "site/editions/roxham-road.epub" in site
    assert files(unpacked) == tracked | site | notebooks | own
    for name in tracked - {"CITATION.cff"}:
        assert (unpacked / name).read_bytes() == (checkout.root / name).read_bytes(), name
    for name, content in checkout.files().items():
        assert (unpacked / "site" / name).read_bytes() == content, name


def test_its_notebooks_are_executed_and_lead_to_each_other(unpacked):
    for path in (unpacked / "notebooks").iterdir():
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code), path.name
        assert ".md)" not in "".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    text = (unpacked / "notebooks/03-the-count.ipynb").read_text()
    assert "39,171" in text and text.count("<style>") == 1


def test_sha256sum_finds_every_file_as_it_was(unpacked):
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=unpacked, capture_output=True)
    assert done.returncode == 0, done.stdout
    listed = [line.split("  ", 1)[1] for line in (unpacked / "SHA256SUMS").read_text().splitlines()]
    assert listed == sorted(files(unpacked) - {"SHA256SUMS"})


def test_its_citation_names_this_version(checkout, unpacked):
    cited = yaml.safe_load((unpacked / "CITATION.cff").read_text())
    commit = git(checkout.root, "rev-parse", "HEAD")
    assert cited["commit"] == commit and cited["version"] == commit[:10]
    assert cited["date-released"] == "2026-03-01"
    stored = yaml.safe_load((checkout.root / "CITATION.cff").read_text())
    dated = {"version": cited["version"], "date-released": "2026-03-01"}
    preferred = stored["preferred-citation"] | dated | {"year": 2026}
    assert cited == stored | dated | {"commit": commit, "preferred-citation": preferred}


def test_unpacked_and_without_git_it_is_the_same_edition(checkout, unpacked):
    """The site is printed from the source, the environment and this: see `site._publish`."""
    ask = "import json; from roxham.publish.edition import edition; print(json.dumps(edition().as_dict()))"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=checkout.environment | {"PYTHONPATH": str(unpacked / "scripts")},
        capture_output=True,
        text=True,
    )
    index = json.loads((unpacked / "site/figures/figures.json").read_text())
    assert json.loads(done.stdout) == index["edition"]


def test_its_metadata_keep_the_rules_of_ro_crate(unpacked):
    """The MUSTs of RO-Crate 1.1, sections "Root Data Entity" and "Data Entities"."""
    document = json.loads((unpacked / "ro-crate-metadata.json").read_text())
    assert document["@context"] == "https://w3id.org/ro/crate/1.1/context"
    graph = document["@graph"]
    assert [i for i, n in Counter(e["@id"] for e in graph).items() if n > 1] == []
    entities = {entity["@id"]: entity for entity in graph}
    descriptor = entities["ro-crate-metadata.json"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = entities[descriptor["about"]["@id"]]
    assert root["@type"] == "Dataset" and root["datePublished"] == "2026-03-01"
    assert root["name"] and root["description"] and root["license"] and root["author"]
    parts = {part["@id"] for part in root["hasPart"]}
    for id, entity in entities.items():
        assert entity["@type"], id
        for value in entity.values():
            for item in value if isinstance(value, list) else [value]:
                assert not isinstance(item, dict) or set(item) == {"@id"}, (id, item)
                assert not isinstance(item, dict) or item["@id"] in entities or "://" in item["@id"], (
                    id,
                    item,
                )
        kinds = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
        if "File" in kinds:
            assert id in parts and int(entity["contentSize"]) == (unpacked / id).stat().st_size
        elif "Dataset" in kinds and entity is not root:
            assert id in parts and id.endswith("/") and (unpacked / id).is_dir()


def test_every_table_figure_and_notebook_is_described_with_its_licence(unpacked):
    graph = json.loads((unpacked / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    for table in (unpacked / "data/tables").glob("*.csv"):
        entity = entities[f"data/tables/{table.name}"]
        assert (
            entity["name"]
            and {"@id": "https://open.canada.ca/en/open-government-licence-canada"} in entity["license"]
        )
    figures = json.loads((unpacked / "site/figures/figures.json").read_text())["figures"]
    assert len(figures) >= 4
    for figure in figures:
        entity = entities[f"site/figures/{figure['id']}/{figure['id']}.svg"]
        assert "ImageObject" in entity["@type"]
        assert (entity["name"], entity["description"]) == (figure["title"], figure["alt"])
        assert entity["license"] == {"@id": "https://creativecommons.org/licenses/by/4.0/"}
        cited = entity["citation"] if isinstance(entity["citation"], list) else [entity["citation"]]
        assert [entities[c["@id"]]["url"] for c in cited] == [s["url"] for s in figure["sources"]]
        assert all((unpacked / part["@id"]).is_file() for part in entity["isBasedOn"])
    assert entities["scripts/"]["license"] == {"@id": "https://opensource.org/license/mit"}
    for id in {"@id": 0, **entities["./"]}["license"]:
        assert urlsplit(id["@id"]).scheme == "https" and entities[id["@id"]]["name"]


def test_another_clone_in_another_folder_makes_the_same_bytes(checkout, archive, tmp_path):
    other = Project(tmp_path / "some" / "where else")
    git(checkout.root, "clone", "-q", "--depth", "1", checkout.root.as_uri(), str(other.root))
    assert other.roxham("epub").returncode == 0
    os.chmod(other.root / "README.md", 0o600)
    done = other.roxham("release", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "out").iterdir()
    assert made.name == archive.name
    if made.read_bytes() != archive.read_bytes():
        with zipfile.ZipFile(made) as a, zipfile.ZipFile(archive) as b:
            states = [{(i.filename, i.CRC, i.date_time) for i in z.infolist()} for z in (a, b)]
        raise AssertionError(sorted(states[0] ^ states[1])[:20] or "the containers differ")


def test_only_a_commit_is_released(checkout, archive, tmp_path):
    text = (checkout.root / "README.md").read_text()
    (checkout.root / "README.md").write_text(text + "\n")
    (checkout.root / "data/new.txt").write_text("new")
    try:
        done = checkout.roxham("release", "--out", tmp_path)
    finally:
        (checkout.root / "README.md").write_text(text)
        (checkout.root / "data/new.txt").unlink()
    assert done.returncode == 1 and list(tmp_path.iterdir()) == []
    said = "README.md, data/new.txt: not as committed; a release is made of a commit; nothing was written"
    assert done.stderr.strip() == f"roxham release: {said}"


def test_a_folder_that_is_no_checkout_is_refused(project):
    done = project.roxham("release")
    assert done.returncode == 1
    assert "no git checkout; nothing was written" in done.stderr and "Traceback" not in done.stderr
    assert not (project.root / "_build/release").exists()
