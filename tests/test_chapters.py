"""Every chapter, rerun over what its parameters allow."""

import json

import pytest

from roxham import tables
from roxham.publish.chapters import book, find
from roxham.publish.runs import Run, execute
from roxham.publish.site import figures_of
from roxham.publish.warm import WarmKernel


@pytest.fixture(scope="module")
def kernel():
    warm = WarmKernel()
    yield warm
    warm.stop()


def reruns():
    for chapter in book():
        yield chapter, {}
        for parameter in chapter.parameters.values():
            if parameter.unit == "value":
                values = (
                    parameter.allowed
                    if len(parameter.allowed) > 1 and isinstance(parameter.default, str)
                    else (parameter.allowed[0], parameter.allowed[-1])
                )
                yield from ((chapter, {parameter.name: v}) for v in values)
        for first, last in [("start", "end")]:
            if {first, last} <= set(chapter.parameters):
                months = chapter.parameters[first].allowed
                yield chapter, {first: months[-1], last: months[-1]}
                yield chapter, {first: months[0], last: months[0]}
        if "sector" in chapter.parameters:  # every month zero, and a single encounter
            yield chapter, {"sector": "Houlton", "start": "2021-02", "end": "2021-03"}
            yield chapter, {"sector": "Havre", "start": "2021-01", "end": "2021-01"}
        elif {"province", "end"} <= set(chapter.parameters):
            yield chapter, {"province": "Saskatchewan", "start": "2023-04", "end": "2023-05"}
        if "year" in chapter.parameters and chapter.parameters["year"].unit == "year":
            yield from ((chapter, {"year": y}) for y in chapter.parameters["year"].allowed[::3])


RERUNS = list(reruns())
IDS = [f"{c.name.rpartition('/')[2]} {' '.join(f'{k}={v}' for k, v in p.items())}" for c, p in RERUNS]


def glued(notebook: str) -> dict[str, str]:
    """What the notebook's sentences are made of."""
    return {
        output["metadata"]["scrapbook"]["name"]: "".join(
            output["data"]["application/papermill.record/text/plain"]
        ).strip("'\"")
        for cell in json.loads(notebook)["cells"]
        for output in cell.get("outputs", [])
        if "scrapbook" in output.get("metadata", {})
    }


@pytest.mark.parametrize(("chapter", "values"), RERUNS, ids=IDS)
def test_a_chapter_reads_well_for_every_value(kernel, chapter, values):
    result = execute(Run(chapter.name, chapter.source, values), kernel)
    assert result.error is None, result.error
    figures = figures_of(result.notebook)
    assert figures
    for text in [
        *(f["title"] for f in figures),
        *(f["alt"] for f in figures),
        *glued(result.notebook).values(),
    ]:
        assert text.strip()
        assert not {"nan", "NaT", "None", "<NA>", "inf"} & set(text.replace(",", " ").split()), text
    said = json.dumps([glued(result.notebook), figures], ensure_ascii=False)
    for value in values.values():
        if str(value).isalpha():
            assert str(value) in said


def test_the_op_eds_two_numbers_are_on_the_front_page_and_in_the_count(kernel):
    for name in ("index", "the-count"):
        chapter = find(name)
        facts = glued(execute(Run(chapter.name, chapter.source), kernel).notebook)
        assert (facts["quebec_2022"], facts["rest_2022"]) == ("39,171", "369")


def test_the_text_uses_every_fact_and_only_facts_that_exist(kernel):
    for chapter in book():
        facts = glued(execute(Run(chapter.name, chapter.source), kernel).notebook)
        text = chapter.source.decode()
        used = {part.split("`")[1] for part in text.split("{glue:text}")[1:]}
        assert used == set(facts), chapter.name


def test_the_pages_first_number_agrees_with_a_sum_made_by_hand():
    with (tables.DATA / "tables/interceptions.csv").open() as file:
        rows = [line.split(",") for line in file]
    quebec = sum(int(r[2]) for r in rows if r[0].startswith("2022-") and r[1] == "Quebec")
    rest = sum(int(r[2]) for r in rows if r[0].startswith("2022-") and r[1] != "Quebec")
    assert (quebec, rest) == (39171, 369)
