"""The chapters' text: each rule finds what it is for in a copy of a real chapter, and the real ones keep to all."""

import pytest
from project import Project

from roxham import tables
from roxham.publish import prose
from roxham.publish.chapters import Chapter, book

NAME = "chapters/16-the-record"
PLACE = "\n## Sources by tier\n"
SOURCED = "{glue:text}`rows`"
BOOK = book()
TWO = [chapter for chapter in BOOK if chapter.name in (NAME, "chapters/index")]
SOURCES = set(tables.load("sources").source_id)
TERMS = [entry["term"] for entry in tables.hand("glossary")]


def faults(chapters) -> list[prose.Fault]:
    return prose.check(chapters, SOURCES, TERMS)


def without_line(fault: prose.Fault) -> tuple[str, str]:
    return fault.file, fault.text


USUAL = set(map(without_line, faults(TWO)))  # the links to figures of the chapters left out


def found(text: str, old: str = PLACE) -> list[prose.Fault]:
    """The faults that a text adds when it is put into a real chapter before `old`."""
    return changed(old, f"\n{text}\n{old}")


def changed(old: str, new: str) -> list[prose.Fault]:
    """The faults that come when a text of a real chapter is replaced."""
    front, chapter = TWO
    source = chapter.source.decode()
    assert source.count(old) == 1, f"{chapter.name} has {old!r} {source.count(old)} times"
    copy = Chapter(chapter.name, source.replace(old, new).encode())
    return [fault for fault in faults([front, copy]) if without_line(fault) not in USUAL]


def line_of(text: str) -> int:
    """The line on which a text put before `PLACE` starts."""
    source = next(c.source.decode() for c in TWO if c.name == NAME)
    return source[: source.index(PLACE)].count("\n") + 2


@pytest.fixture(scope="module")
def book_faults():
    return faults(BOOK)


@pytest.mark.parametrize("chapter", [chapter.name for chapter in BOOK])
def test_the_chapter_keeps_to_every_rule(chapter, book_faults):
    assert not [str(fault) for fault in book_faults if fault.file == f"{chapter}.md"]


# --- a number is computed


TYPED = [
    *(
        "39,171",
        "369",
        "8",
        "24/7",
        "45%",
        "$5",
        "2,022",
        "1.1-billion",
        "99.07",
        "5th",
        "3.5",
        "2022%",
        "x2",
    ),
    *("$2023", "2023.5", "40,000", "18-year-olds", "1-800", "9/11", "−12"),
    *("U.S. 40", "in part 40", "45 May", "March 2,500", "c. 300", "chapter 3 or 40", "the 5th largest"),
]


@pytest.mark.parametrize("number", TYPED)
def test_a_typed_number_is_found(number):
    [fault] = found(f"In 2022 there\nwere {number} of {SOURCED}.")
    assert fault.line == line_of(NAME) + 1
    [*_, last] = (word for word in number.split() if any(map(str.isdigit, word)))
    assert f"the number {last} is typed" in fault.text


NAMES = [
    *("25 March 2023", "March 2023", "March 25, 2023", "on 25 March and 3 April", "before the 25th"),
    *("25–27 March", "25\nMarch"),
    *(
        "2022",
        "2007–2023",
        "2007-2023",
        "2023–24",
        "the 1990s",
        "January to\nNovember 2024",
        "mid-2023",
        "2019/20",
    ),
    *("FY2024", "fiscal year 2024", "2023-03-25", "2023-03", "Sept. 2024", "12:01 a.m. on 25 March"),
    *(
        "Bill C-12",
        "C-12",
        "Bill 21",
        "H.R. 1",
        "section 101",
        "section 101(1)(c.1)",
        "sections 101, 102 and 159.3",
    ),
    *("article 4", "Title 42", "§ 1158", "2020 FC 770", "2023 SCC 17", "2021 FCA 72", "[1985] 1 SCR 177"),
    *(
        "88 FR 18227",
        "8 U.S.C. § 1158(a)(2)",
        "42 CFR 71.40",
        "SOR/2023-58",
        "S.C. 2001, c. 27",
        "P.C. 2023-0267",
    ),
    *("Executive Order 14159", "IMM-2977-17", "COVID-19", "Highway 15", "I-87", "table 17-10-0121-01"),
    *("chapter 3", "chapters 3 and 7", "14 days", "the 14-day rule", "the 45th parallel", "the 21st century"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_date_or_a_name_may_be_typed(name):
    assert not found(f"It stands in {name}, or ({name}); see {name}: {SOURCED}.")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("## 8 sectors", 0),
        (f"- one {SOURCED}\n- and 8", 1),
        (f"| sector | count |\n|---|---|\n| {SOURCED} | 8 |", 2),
        (f":::{{note}}\n:class: tip\n\nIt says {SOURCED}.\n\n- at last 8\n:::", 5),
        (f":::{{admonition}} The 8 sectors\nIt says {SOURCED}.\n:::", 0),
        (f"```{{admonition}} Sectors\n{SOURCED} of 8\n```", 1),
        (f"> {SOURCED}\n> of 8", 1),
        (f"Sector\n: {SOURCED}, one of 8", 1),
        (f"**8** of {SOURCED}", 0),
        (f"[8 sectors](08-the-other-direction.md) and {SOURCED}", 0),
        (f"{SOURCED} of <b>8</b>", 0),
        (f"<p>8</p>\n\n{SOURCED}", 0),
        ("{term}`8 sectors <sector>` of {glue:text}`rows`", 0),
    ],
)
def test_a_typed_number_is_found_wherever_a_reader_sees_it(text, line):
    digits = [fault for fault in found(text) if "the number 8 is typed" in fault.text]
    assert [fault.line for fault in digits] == [line_of(NAME) + line]


@pytest.mark.parametrize(
    "text",
    [
        "`8 sectors` of {glue:text}`rows`",
        "[sectors](https://example.org/8) of {glue:text}`rows`",
        "% 8 sectors\n{glue:text}`rows`",
        "{glue:text}`rows` {cite}`fc-2020-770`",
        "```bash\nhead -n 8\n```",
        '<span title="8"></span>{glue:text}`rows`',
        "(sectors-8)=\n{glue:text}`rows`",
        "<!-- 8 sectors -->\n\n{glue:text}`rows`",
    ],
)
def test_what_is_not_text_may_hold_digits(text):
    assert not found(text)


# --- a statement has a source


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The road was closed by both.", "paragraph"),
        ("The road was closed, a [newspaper](https://example.org) says.", "paragraph"),
        ("The road was closed ([another chart](#fig-claims-by-door)).", "paragraph"),
        ("- The road.\n- It was closed.", "list"),
        ("1. The road.\n2. It was closed.", "list"),
        ("| a | b |\n|---|---|\n| c | d |", "table"),
        (":::{note}\nThe road was closed.\n:::", "note"),
        ("> The road was closed.", "blockquote"),
        ("<p>The road was closed.</p>", "HTML"),
    ],
)
def test_a_statement_without_a_source_is_found(text, kind):
    [fault] = found(text)
    assert fault.line == line_of(NAME)
    assert f"the {kind} “" in fault.text and "has no source" in fault.text


@pytest.mark.parametrize(
    "text",
    [
        "The road was closed {cite}`fc-2020-770`.",
        "The road was closed {cite}`fc-2020-770,scc-2023-17`.",
        "**The road was closed by {glue:text}`rows`.**",
        "The road was closed: see [the chart](#fig-record-coverage).",
        "- The road.\n- It was closed {cite}`fc-2020-770`.",
        ":::{note}\nThe road was closed {cite}`fc-2020-770`.\n:::",
        "% own: it says what this chapter does\nWe say that it was closed.",
        "% own: it says what\n% this chapter does\n- We say\n- that it was closed.",
        ":::{note}\n% own: it says what this chapter does\nWe say that it was closed.\n:::",
    ],
)
def test_a_statement_with_a_source_or_a_reason_is_let_through(text):
    assert not found(text)


def test_an_exemption_covers_the_next_line_only():
    text = "% own: it says what this chapter does\nWe say so.\n\nThe road was closed."
    [fault] = found(text)
    assert "“The road was closed.”" in fault.text


def test_an_exemption_apart_from_its_block_is_found():
    apart, sourceless = found("% own: it says what this chapter does\n\nWe say so.")
    assert "stands before no text" in apart.text and "has no source" in sourceless.text
    assert apart.line == line_of(NAME)


def test_an_exemption_without_a_reason_is_found():
    [fault] = found("% own:\nWe say so.")
    assert "gives no reason" in fault.text


# --- a figure is spoken of, a link leads to one


def test_a_figure_that_the_text_does_not_mention_is_found():
    [fault] = changed("(#fig-record-totals-gaps)", "(#the-totals)")
    source = next(c.source.decode() for c in TWO if c.name == NAME)
    before = source[: source.index('id="record-totals-gaps"')]
    assert fault.line == before.count("\n") + 1
    assert "never mentions the figure record-totals-gaps" in fault.text


def test_a_mention_in_another_chapter_is_not_enough():
    [fault] = changed("(#fig-record-totals-gaps)", "(index.md)")
    assert "record-totals-gaps" in fault.text


def test_a_link_to_no_figure_is_found_and_the_nearest_named():
    [fault] = found(f"{SOURCED}, [the chart](#fig-record-coverag).")
    assert fault.text == "#fig-record-coverag names no figure of the book; nearest: #fig-record-coverage"


def test_the_figures_of_other_chapters_can_be_linked():
    assert not found(f"{SOURCED}, [the chart](#fig-claims-by-door).")
    assert not found(f"{SOURCED}, [the chart](index.md#fig-claims-by-door).")


def test_a_computed_id_is_found():
    cell = "```{code-cell} ipython3\n:tags: [hide-input]\n\nfigure(chart, id=f'a-{b}', title='x')\n```"
    [fault] = found(cell)
    assert fault.line == line_of(NAME) + 3
    assert "id of a figure is computed" in fault.text


# --- words


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("illegal migrants", "asylum claimant"),
        ("Illegal\nimmigrant", "asylum claimant"),
        ("an illegal border crosser", "asylum claimant"),
        ("illegals", "asylum claimants"),
        ("illegal border crossings", "irregular crossing"),
        ("people who illegally crossed", "crossed between ports of entry"),
        ("bogus claims", "refused"),
        ("queue-jumpers", "asylum claimant"),
        ("a flood", "rise"),
        ("flooded", "rise"),
        ("an influx", "rise"),
        ("a wave of arrivals", "rise"),
        ("a surge of arrivals", "rise"),
        ("claims surged", "rise"),
        ("aliens", "foreign national"),
    ],
)
def test_a_ruled_out_term_is_found_in_text_and_in_a_figure(words, instead):
    [fault] = found(f"It was {SOURCED} of\n{words} then.")
    assert fault.line == line_of(NAME) + 1
    assert "is ruled out" in fault.text and f"use '{instead}" in fault.text
    words = " ".join(words.split())
    cell = f'```{{code-cell}} ipython3\ntitle = (\n    f"{{n(1)}} of "\n    f"{words} then {{x}}"\n)\n```'
    assert [fault.text for fault in found(cell)] == [fault.text]


@pytest.mark.parametrize(
    "words", ["the third wave", "microwaves", "irregular crossings", "floodlit", "alienated"]
)
def test_other_words_are_let_through(words):
    assert not found(f"It was {SOURCED} of {words}.")


def test_the_name_of_a_law_can_be_declared():
    text = f"The Alien Enemies\nAct, {SOURCED}."
    assert len(found(text)) == 1
    assert not found(f"% name: Alien Enemies Act\n\n{text}")
    [fault] = found(f"% name: Alien Enemies Act\n\n{text} Aliens?")
    assert "“Aliens”" in fault.text


def test_a_declared_name_that_nothing_uses_is_found():
    [fault] = found("% name: Alien Enemies Act")
    assert "excuses nothing" in fault.text


# --- sources, terms, parts


def test_a_citation_of_no_source_is_found_and_the_nearest_named():
    [fault] = found("It was so {cite}`fc-2020-770,\nfc-2020-771`.")
    assert "{cite}`fc-2020-771` is no source_id of data/tables/sources.csv; nearest: fc-2020-770" in str(
        fault
    )


def test_a_term_of_no_glossary_is_found_and_the_nearest_named():
    [fault] = found(f"The {{term}}`ports <port of entri>` of {SOURCED}.")
    assert "{term}`port of entri` is no term of data/hand/glossary.yml; nearest: port of entry" in str(fault)
    assert not found(f"The {{term}}`ports <port of entry>` and {{term}}`Port of entry`, {SOURCED}.")


def test_a_chapter_opens_with_its_answer_and_has_a_parameter():
    [fault] = changed(":::{admonition} In short", ":::{admonition} First")
    assert "no admonition “In short”" in fault.text
    [fault] = changed(":tags: [parameters, remove-cell]", ":tags: [remove-cell]")
    assert "no cell tagged parameters" in fault.text


def test_check_prints_one_line_a_fault_and_fails(tmp_path):
    copy = Project.of_checkout(tmp_path / "book")
    copy.edit(f"{NAME}.md", PLACE, f"\nIt was 39,171 then.\n{PLACE}")
    done = copy.roxham("check")
    assert done.returncode == 1
    lines = [
        line for line in done.stderr.splitlines() if line.startswith(f"{NAME}.md, line {line_of(NAME)}: ")
    ]
    assert len(lines) == 2 and "39,171" in lines[0] + lines[1]
    assert not done.stdout
