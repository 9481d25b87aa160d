"""The chapter that describes the record leaves out no table, and what it offers can be downloaded and read."""

import zipfile

import frictionless
import pandas as pd
import pytest

from roxham import tables

PAGE = "chapters/16-the-record.html"


@pytest.fixture(scope="module")
def links(built, browser):
    """Where the page's links to data lead, name → file, by the browser's own reading of them."""
    page = browser.new_page()
    page.goto((built.html / PAGE).as_uri())
    found = page.locator('a[href^="../data/"]').evaluate_all(
        "all => all.map(a => decodeURI(new URL(a.href).pathname))"
    )
    page.close()
    return {path.rpartition("/")[2]: path for path in found}


def test_every_table_is_in_the_dictionary_with_every_field(built, browser):
    page = browser.new_page()
    page.goto((built.html / PAGE).as_uri())
    for name in tables.names():
        fields = page.locator(f"#table-{name} tbody th").all_text_contents()
        assert fields == list(tables.load(name).columns), name
    page.close()


def test_every_link_to_data_leads_to_a_file_and_every_table_has_two(links):
    with_names = {f"{name}.{kind}" for name in tables.names() for kind in ("csv", "parquet")}
    assert set(links) == {*with_names, "roxham-road-data.zip", "datapackage.json"}
    for path in links.values():
        with open(path, "rb") as file:
            assert file.read(1), path


def test_a_table_of_the_page_opens_to_its_description(built, browser):
    page = browser.new_page()
    page.goto((built.html / PAGE).as_uri())
    row = page.locator(".rx-table tr", has=page.locator('code:text-is("southbound")'))
    assert not row.get_by_text("eight northern sectors").is_visible()
    row.locator("summary").click()
    assert row.get_by_text("eight northern sectors").is_visible()
    page.close()


def test_the_zip_is_a_package_that_frictionless_and_pandas_read(links, tmp_path):
    with zipfile.ZipFile(links["roxham-road-data.zip"]) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    folder = tmp_path / "roxham-road-data"
    package = frictionless.Package(str(folder / "datapackage.json"))
    assert package.resource_names == tables.names()
    assert package.get_resource("interceptions").validate().valid
    assert (folder / "README.md").is_file() and (folder / "hand" / "glossary.yml").is_file()
    people = pd.read_csv(folder / "tables" / "interceptions.csv").query("province == 'Quebec'")
    assert people[people.month.str.startswith("2022")].people.sum() == 39_171


@pytest.mark.parametrize("name", tables.names())
def test_parquet_keeps_the_types_and_the_values(links, name):
    expected = tables.load(name)
    found = pd.read_parquet(links[f"{name}.parquet"])
    assert found.dtypes.to_dict() == expected.dtypes.to_dict()
    pd.testing.assert_frame_equal(found, expected)
