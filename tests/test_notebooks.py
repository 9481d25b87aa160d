"""Each chapter as a notebook to download: it runs where the book is installed, with nothing beside it."""

import json

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from roxham.publish.chapters import book


def test_every_page_offers_its_notebook_light_and_as_it_is_stored(built):
    chapters = {chapter.path.stem: chapter for chapter in book()}
    assert {p.name for p in (built.html / "notebooks").iterdir()} == {
        f"{stem}.{kind}" for stem in chapters for kind in ("ipynb", "md")
    }
    for stem, chapter in chapters.items():
        text = (built.html / f"notebooks/{stem}.ipynb").read_text()
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert len(text) < 100_000 and not any(c.get("outputs") for c in notebook.cells)
        given = [(c.cell_type, c.source) for c in chapter.notebook.cells]
        assert [(c.cell_type, c.source) for c in notebook.cells] == given
        assert (built.html / f"notebooks/{stem}.md").read_bytes() == chapter.source
        block = BeautifulSoup(built.page(stem), "lxml").select(".rx-notebook")
        assert len(block) == 1 and len(str(block[0])) < 6_000
        assert [a["href"] for a in block[0].select("a")] == [
            f"../notebooks/{stem}.{k}" for k in ("ipynb", "md")
        ]
        terms = [t.get_text() for t in block[0].select("dt")]
        assert terms == [f"{p.name} = {p.default!r}" for p in chapter.parameters.values()]
        for parameter, said in zip(chapter.parameters.values(), block[0].select("dd"), strict=True):
            assert parameter.describe() in said.get_text()


@pytest.mark.parametrize("stem", ["03-the-count", "glossary"])
def test_a_notebook_runs_as_downloaded_in_an_empty_folder(small, tmp_path, monkeypatch, stem):
    monkeypatch.setenv("PYTHONPATH", str(small.root / "scripts"))
    monkeypatch.setenv("ROXHAM_FIGURES", "site")
    monkeypatch.delenv("ROXHAM_CACHE", raising=False)
    file = tmp_path / f"{stem}.ipynb"
    file.write_bytes((small.html / "notebooks" / file.name).read_bytes())
    notebook = nbformat.read(file, as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=120).execute()
    drawn = [
        output.metadata["roxham"]["id"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "id" in output.get("metadata", {}).get("roxham", {})
    ]
    listed = json.loads((small.html / "figures/figures.json").read_text())["figures"]
    assert drawn == [f["id"] for f in listed if f["page"] == f"chapters/{stem}.html"]


def test_the_command_that_a_page_gives_runs_and_one_line_of_it_is_printed(small, browser, tmp_path):
    page = browser.new_page()
    page.goto((small.html / "chapters/03-the-count.html").as_uri())
    block = page.locator(".rx-notebook")
    assert not block.locator(".rx-again").is_visible()
    block.locator("summary").click()
    command = block.locator("pre").inner_text().strip()
    page.emulate_media(media="print")
    assert block.inner_text().strip() == f"Run again: {command}"
    page.close()
    name, *words = command.split()
    done = small.roxham(*words, "--out", tmp_path / "again")
    assert name == "roxham" and done.returncode == 0, done.stderr
    assert (tmp_path / "again/03-the-count.ipynb").is_file()
