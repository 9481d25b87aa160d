"""What a chapter's text must keep to: computed numbers, named sources, figures that are spoken of, official words.

`check` reads every chapter as the printer does (MyST tokens for the text, Python's `ast` for the cells) and
returns its faults. It sees digits; a data value written as a word ("twenty-one") it cannot tell from prose.

Two MyST comments, which no reader sees, declare an exception where it is made::

    % own: it says only what this chapter does
    The paragraph (list, table, admonition) on the very next line needs no source.

    % name: Alien Enemies Act
    The law's own name may then stand anywhere in this chapter, though it holds a ruled-out term.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain

import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.tree import SyntaxTreeNode
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.mdit import create_md_parser

from roxham.publish.chapters import Chapter
from roxham.publish.parameters import nearest

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?)"
)
_DAY = r"(?:[12]?\d|3[01])(?:st|nd|rd|th)?"
_PART = r"\d+[A-Z]?(?:\.\d+)*(?:\([\da-z.]+\))*"  # 101(1)(c.1)
_UNIT = (
    r"(?:(?i:section|subsection|paragraph|clause|article|chapter|regulation)|Part|Title|Schedule|Annex|Rule)"
)

# The digits that may be typed. Each rule is taken out of the text in turn; a digit that is left is a fault.
TYPED = {
    name: re.compile(pattern)
    for name, pattern in {
        # 2020 FC 770, 2023 CSC 17, [1985] 1 SCR 177, 2021 QCCS 4321
        "court citation": r"\b\d{4}\s+(?:[A-Z]{2}C[AS]|S?CC|FCA?|CSC|C[AF]F?|CanLII)\s+\d+\b"
        r"|\[\d{4}\]\s+\d\s+[A-Z.]+\s+\d+\b",
        # 88 FR 18227, 8 U.S.C. § 1158, 42 CFR 71.40, 594 U.S. 1
        "United States citation": r"\b\d+\s+(?:FR|Fed\.\s+Reg\.|C\.?F\.?R\.?|U\.?S\.?C\.?|U\.S\.)"
        r"\s+(?:§+\s*)?\d[\d,]*(?:\.\d+)*(?:\([\da-z]+\))*",
        # SOR/2023-58, S.C. 2001, c. 27, P.C. 2023-0267, table 17-10-0121-01
        "number of a statute, order or table": r"\b(?:SOR|SI|DORS)/\d{2,4}-\d+|\bP\.?C\.?\s+\d{4}-\d+"
        r"|\b[RS]\.?S?\.?C\.?,?\s+\d{4},?\s+c\.?\s+[A-Z]?-?\d[\d.]*|\b\d\d-\d\d-\d{4}(?:-\d\d)?\b",
        # section 101(1)(c.1), sections 101 and 102, § 1158, s. 7, Title 42, chapters 3 to 5
        "section or chapter": rf"\b{_UNIT}\s+{_PART}"
        rf"|\b{_UNIT}s\s+{_PART}(?:(?:,|\s+and|\s+or|\s+to|–|-)\s*{_PART})*|§+\s*{_PART}|\b(?:ss?|art)\.\s*{_PART}",
        # Bill C-12, C-12, Bill 21, H.R. 1, S. 685, Executive Order 14159, COVID-19, IMM-2977-17, I-87
        "name of a bill, order, case, road or illness": r"\b[A-Z]{1,5}-\d+[A-Z]?(?:-\d+)*\b"
        r"|\b(?:Bill|Law|Loi|Proclamation|(?:Executive\s+)?Order|Directive|Resolution|Public\s+Law|Form"
        r"|Route|Highway|Autoroute|Interstate|Exit)\s+(?:No\.\s*)?\d[\d-]*\b|\bH\.\s?R\.\s?\d+|(?<![.\w])S\.\s?\d+"
        r"|\bG(?:7|20)\b",
        # 14 days, the name of the rule; 45th parallel; 19th century
        "14-day rule": r"\b14[-\s]days?\b",
        "parallel or century": r"\b\d\d(?:st|nd|rd|th)[-\s](?:parallel|century)\b",
        # 2023-03-25, 25 March, 25–27 March, March 25, before the 25th, 12:01 a.m.
        "date": r"\b(?:1[89]|20)\d\d-\d\d(?:-\d\d)?\b"
        rf"|\bthe\s+{_DAY}(?<=[a-z])(?=\s*(?:[.,;:)\ufffc]|$|(?:and|are|is|to|was|were)\b))"
        rf"|\b{_DAY}(?:\s*(?:–|-|to|and|or)\s*{_DAY})?\s+(?:of\s+)?{_MONTH}(?!\w)"
        rf"|\b{_MONTH}\s+{_DAY}(?:[–-]{_DAY})?(?![\d,]*\d)|\b\d{{1,2}}:\d\d\s+[ap]\.?m\b",
        # 2022, 2007–2023, 2023–24, 1990s, FY2024
        "year": r"(?<![\w$.,])(?:FY\s?)?(?:1[89]|20)\d\d(?:s|\s?[–/-]\s?(?:\d\d){1,2})?(?![\w%$]|[.,]\d)",
    }.items()
}
ALLOWED = "dates, years, names of laws, sections and cases, chapter numbers and “14 days”"


@dataclass(frozen=True)
class Term:
    """Words that are ruled out, as a pattern, and the official ones in their place."""

    pattern: re.Pattern
    instead: str


RULED_OUT = [
    Term(re.compile(rf"\b{pattern}\b".replace(" ", r"[\s-]+"), re.IGNORECASE), instead)
    for pattern, instead in [
        (
            r"illegal (?:migrant|immigrant|alien|crosser|border crosser)s?",
            "asylum claimant' or 'person who crossed between ports of entry",
        ),
        (r"illegals", "asylum claimants' or 'people who crossed between ports of entry"),
        (r"illegal (?:border )?crossings?", "irregular crossing"),
        (r"illegally cross(?:ed|es|ing)?", "crossed between ports of entry"),
        (r"cross(?:ed|es|ing)? illegally", "crossed between ports of entry"),
        (r"bogus", "refused' or 'rejected', of a claim"),
        (r"queue jump(?:er|ers|ing)", "asylum claimant"),
        (r"flood(?:s|ed|ing)?", "rise' or 'many"),
        (r"influx(?:es)?", "rise' or 'arrivals"),
        (r"waves? of", "rise in"),
        (r"surg(?:e|es|ed|ing)", "rise"),
        (r"aliens?", "foreign national' or 'non-citizen"),
    ]
]

CODE = {
    "code",
    "code-block",
    "literalinclude",
    "include",
    "math",
    "raw",
    "mermaid",
    "toctree",
    "tableofcontents",
}
MADE = {"bibliography", "glossary", "include"}  # their text comes from the record
EXTENSIONS = ("attrs_inline", "colon_fence", "deflist")  # MyST's, as in _config.yml
WITHOUT_CELLS = {"briefs", "glossary", "references"}
_HOLE = "\ufffc"  # stands in the text for what is computed, cited or code


@dataclass(frozen=True)
class Fault:
    """One thing wrong in a chapter: its file, the line counted from 1, and what was found and is allowed."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.text}"


@dataclass(frozen=True)
class Passage:
    """Text as the reader sees it; what is computed, cited or code is a hole. Broken into lines as its source is."""

    line: int
    text: str

    def at(self, position: int) -> int:
        """The line of the source on which a character of the text stands."""
        return self.line + self.text.count("\n", 0, position)


@dataclass
class Block:
    """A paragraph, list, table, admonition: what is said in one go and needs a source, if it is not a heading."""

    kind: str
    line: int
    passages: list[Passage] = field(default_factory=list)
    roles: list[tuple[int, str, str]] = field(default_factory=list)  # line, name, content
    links: list[tuple[int, str]] = field(default_factory=list)
    title: str = ""
    own: str | None = None


@dataclass(frozen=True)
class Cell:
    """A code cell: where its code starts, its tags, and what of its syntax tree is looked at."""

    line: int
    tags: tuple[str, ...]
    tree: ast.Module | None  # None if it is not Python
    figures: list[tuple[int, str | None]] = field(default_factory=list)  # line and id; None if it is computed
    texts: list[Passage] = field(
        default_factory=list
    )  # every text constant, the fixed parts of f-strings included


@dataclass
class Page:
    """A chapter taken apart."""

    file: str
    blocks: list[Block] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    names: list[tuple[int, str]] = field(default_factory=list)  # what `% name:` declares
    stray: list[int] = field(default_factory=list)  # lines of `% own:` that stand before no text

    @property
    def stem(self) -> str:
        return self.file.rpartition("/")[2].removesuffix(".md")

    @property
    def figures(self) -> list[tuple[int, str | None]]:
        """Line and id of each `figure(...)` in the cells; None for an id that is not a literal text."""
        return [found for cell in self.cells for found in cell.figures]


def check(
    chapters: Iterable[Chapter],
    sources: Collection[str],
    terms: Collection[str],
    extensions: Iterable[str] = EXTENSIONS,
) -> list[Fault]:
    """Every fault of the chapters' text, by file and line.

    sources: the known source ids. terms: the terms of the glossary. extensions: MyST's, as in ``_config.yml``.
    """
    pages = [read(f"{c.name}.md", c.source.decode(), tuple(extensions)) for c in chapters]
    known = {name for page in pages for _, name in page.figures if name}
    faults = chain.from_iterable(
        chain(
            typed_digits(page),
            without_source(page),
            figure_links(page, known),
            ruled_out(page),
            unknown_roles(page, sources, terms),
            parts_missing(page),
        )
        for page in pages
    )
    order = [page.file for page in pages]
    return sorted(faults, key=lambda fault: (order.index(fault.file), fault.line))


# --- the rules ----------------------------------------------------------------------------------------------


def typed_digits(page: Page) -> Iterator[Fault]:
    """A digit typed where a computed fact belongs."""
    for block in page.blocks:
        for passage in block.passages:
            left = passage.text
            for rule in TYPED.values():
                left = _blanked(rule, left)
            for found in re.finditer(r"[^\s\ufffc]*\d[^\s\ufffc]*", left):
                yield Fault(
                    page.file,
                    passage.at(found.start()),
                    f"the number {found[0].strip('.,;:()“”')} is typed; compute it in a cell, with facts(...), and "
                    f"write {{glue:text}}`its name` (typed may be {ALLOWED})",
                )


def without_source(page: Page) -> Iterator[Fault]:
    """A block that neither cites nor computes, points at no figure of its chapter, and declares no reason."""
    here = {f"#fig-{name}" for _, name in page.figures}
    for block in page.blocks:
        if block.own is not None and len(block.own) < 3:
            yield Fault(
                page.file, block.line - 1, "`% own:` gives no reason; write `% own: why no source is needed`"
            )
        if block.kind == "heading" or block.own is not None:
            continue
        sourced = any(name.split(":")[0] in ("cite", "glue") for _, name, _ in block.roles)
        if not sourced and not any(target in here for _, target in block.links):
            yield Fault(
                page.file,
                block.line,
                f"the {block.kind} “{_start(block)}” has no source; give it {{cite}}`source_id`, {{glue:text}}`fact` "
                "or a link to a #fig- of this chapter, or put `% own: why it needs none` on the line before it",
            )
    for line in page.stray:
        yield Fault(
            page.file, line, "`% own:` stands before no text; it goes on the line directly before its block"
        )


def figure_links(page: Page, known: Collection[str]) -> Iterator[Fault]:
    """A figure that its chapter never mentions, and a link to a figure that does not exist."""
    links = [
        (line, to.partition("#fig-")[2]) for block in page.blocks for line, to in block.links if "#fig-" in to
    ]
    mentioned = {name for _, name in links}
    for line, name in page.figures:
        if name is None:
            yield Fault(
                page.file, line, "the id of a figure is computed; it must be a literal text, such as id='a-b'"
            )
        elif name not in mentioned:
            yield Fault(
                page.file,
                line,
                f"the text never mentions the figure {name}; link it, as in [the chart of …](#fig-{name})",
            )
    for line, name in links:
        if name not in known:
            near = nearest(name, sorted(known))
            yield Fault(
                page.file, line, f"#fig-{name} names no figure of the book{near.replace(': ', ': #fig-')}"
            )


def ruled_out(page: Page) -> Iterator[Fault]:
    """A term that the house rules out, in the text or in any text of a cell (titles, captions, alts, notes)."""
    said = [passage for block in page.blocks for passage in block.passages]
    said += [text for cell in page.cells for text in cell.texts]
    unused = dict.fromkeys(name for _, name in page.names)
    for passage in said:
        text = passage.text
        for _, name in page.names:
            pattern = re.compile(r"\s+".join(map(re.escape, name.split())), re.IGNORECASE)
            if any(term.pattern.search(name) for term in RULED_OUT) and pattern.search(text):
                unused.pop(name, None)
                text = _blanked(pattern, text)
        for term in RULED_OUT:
            for found in term.pattern.finditer(text):
                yield Fault(
                    page.file,
                    passage.at(found.start()),
                    f"the term “{' '.join(found[0].split())}” is ruled out; use '{term.instead}' (the own name of a "
                    "law or a document is declared by a line `% name: …`)",
                )
    for line, name in page.names:
        if name in unused:
            yield Fault(page.file, line, f"`% name: {name}` excuses nothing in this chapter")


def unknown_roles(page: Page, sources: Collection[str], terms: Collection[str]) -> Iterator[Fault]:
    """A citation of no source, a term of no glossary."""
    sources = sorted(sources)
    spelled = {term.lower() for term in terms}
    for block in page.blocks:
        for line, name, content in block.roles:
            if name.split(":")[0] == "cite":
                for key in (key.strip() for key in content.split(",")):
                    if key not in sources:
                        near = nearest(key, sources)
                        yield Fault(
                            page.file,
                            line,
                            f"{{cite}}`{key}` is no source_id of data/tables/sources.csv{near}",
                        )
            elif name == "term":
                term = _words_and_target(content)[1]
                if term.lower() not in spelled:
                    near = nearest(term, sorted(terms))
                    yield Fault(
                        page.file, line, f"{{term}}`{term}` is no term of data/hand/glossary.yml{near}"
                    )


def parts_missing(page: Page) -> Iterator[Fault]:
    """A chapter that does not open with its answer, or cannot be rerun; a cell that is not Python."""
    for cell in page.cells:
        if cell.tree is None:
            yield Fault(page.file, cell.line, "the code cell is not Python that can be read")
    if page.stem in WITHOUT_CELLS:
        return
    if not any(block.kind == "admonition" and block.title.startswith("In short") for block in page.blocks):
        yield Fault(page.file, 1, "no admonition “In short”; a chapter opens with its answer")
    given = [c for c in page.cells if "parameters" in c.tags and c.tree]
    if page.stem != "index" and not any(isinstance(node, ast.Assign) for c in given for node in c.tree.body):
        yield Fault(
            page.file, 1, "no cell tagged parameters with at least one parameter; a chapter can be rerun"
        )


# --- reading a chapter --------------------------------------------------------------------------------------


@lru_cache(64)
def read(file: str, text: str, extensions: tuple[str, ...] = EXTENSIONS) -> Page:
    """A chapter's source, taken apart."""
    page = Page(file)
    _blocks(page, page.blocks, _parser(extensions), text, 1)
    return page


@cache
def _parser(extensions: tuple[str, ...]) -> MarkdownIt:
    return create_md_parser(MdParserConfig(enable_extensions=set(extensions)), RendererHTML)


def _blocks(page: Page, into: list[Block], parser: MarkdownIt, text: str, first: int) -> None:
    """Add the blocks of a text, whose first line is `first`, to a list; cells and declarations to the page."""
    own: tuple[int, int, str] | None = None  # line, the line after it, reason
    for node in SyntaxTreeNode(parser.parse(text)).children:
        block = None
        if node.type == "myst_line_comment":
            if own:
                page.stray.append(own[0])
            own = _declarations(page, node, first)
            continue
        if node.type in ("fence", "colon_fence"):
            block = _directive(page, parser, node, first)
        elif node.type not in ("front_matter", "hr", "myst_target", "myst_block_break"):
            block = Block(_kind(node), first + node.map[0])
            _gather(page, block, parser, node, first)
            if node.type == "html_block" and not block.passages:
                block = None
        if own and block and own[1] == block.line:
            block.own = own[2]
        elif own:
            page.stray.append(own[0])
        own = None
        if block:
            into.append(block)
    if own:
        page.stray.append(own[0])


def _kind(node: SyntaxTreeNode) -> str:
    return {"bullet_list": "list", "ordered_list": "list", "dl": "list", "html_block": "HTML"}.get(
        node.type, node.type
    )


def _declarations(page: Page, node: SyntaxTreeNode, first: int) -> tuple[int, int, str] | None:
    """What a comment declares: names go to the page; the exemption is returned."""
    own = None
    for offset, line in enumerate(node.content.splitlines()):
        kind, colon, value = line.strip().partition(":")
        if colon and kind == "name":
            page.names.append((first + node.map[0] + offset, value.strip()))
        elif colon and kind == "own":
            own = (first + node.map[0] + offset, first + node.map[1], value.strip())
        elif own:
            own = (*own[:2], f"{own[2]} {line.strip()}")
    return own


def _directive(page: Page, parser: MarkdownIt, node: SyntaxTreeNode, first: int) -> Block | None:
    """An admonition or the like as one block; a code cell goes to the page; other code is no text."""
    found = re.fullmatch(r"\{([\w:.-]+)\}\s*(.*)", node.info.strip())
    if not found or found[1] in CODE | MADE:
        return None
    options, body = _options(node.content)
    start = first + node.map[0] + 1
    if found[1] == "code-cell":
        tags = options.get("tags") or ()
        page.cells.append(_cell(start, (tags,) if isinstance(tags, str) else tuple(tags), body))
        return None
    block = Block(found[1], first + node.map[0], title=found[2])
    inner: list[Block] = []
    _blocks(page, inner, parser, body, start)
    if found[2]:
        _inline(block, SyntaxTreeNode(parser.parseInline(found[2])).children[0], first + node.map[0])
    for part in inner:
        block.passages += part.passages
        block.roles += part.roles
        block.links += part.links
        block.own = part.own if block.own is None else block.own
    return block if block.passages else None


def _options(content: str) -> tuple[dict, str]:
    """A directive's options, and its body with their lines left empty."""
    lines = content.split("\n")
    if lines[0].strip() == "---" and "---" in (rest := [line.strip() for line in lines[1:]]):
        count = rest.index("---") + 2
        given = "\n".join(lines[1 : count - 1])
    else:
        count = next((i for i, line in enumerate(lines) if not re.match(r":[\w-]+:", line)), len(lines))
        given = "\n".join(line[1:] for line in lines[:count])
    options = yaml.safe_load(given) if given else {}
    return (options if isinstance(options, dict) else {}), "\n".join([""] * count + lines[count:])


@lru_cache(1024)
def _cell(line: int, tags: tuple[str, ...], code: str) -> Cell:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return Cell(line, tags, None)
    cell = Cell(line, tags, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            cell.texts.append(Passage(line + node.lineno - 1, node.value))
        elif isinstance(node, ast.Call) and "figure" in (
            getattr(node.func, "id", 0),
            getattr(node.func, "attr", 0),
        ):
            given = next((k.value for k in node.keywords if k.arg == "id"), None)
            literal = isinstance(given, ast.Constant) and isinstance(given.value, str)
            cell.figures.append((line + (given or node).lineno - 1, given.value if literal else None))
    cell.figures.sort(key=lambda found: found[0])
    return cell


def _gather(page: Page, block: Block, parser: MarkdownIt, node: SyntaxTreeNode, first: int) -> None:
    """Everything that is said below a node, into its block."""
    if node.type == "inline":
        _inline(block, node, first + (node.map[0] if node.map else block.line - first))
    elif node.type == "html_block":
        if said := BeautifulSoup(node.content, "lxml").get_text().strip():
            block.passages.append(Passage(first + node.map[0], said))
    elif node.type in ("fence", "colon_fence"):
        if inner := _directive(page, parser, node, first):
            block.passages += inner.passages
            block.roles += inner.roles
            block.links += inner.links
    elif node.type == "myst_line_comment":
        if own := _declarations(page, node, first):
            page.stray.append(own[0])
    else:
        for child in node.children:
            _gather(page, block, parser, child, first)


def _inline(block: Block, node: SyntaxTreeNode, line: int) -> None:
    """A line of text as the reader sees it, and the roles and links in it."""
    parts: list[str] = []

    def here() -> int:
        return line + "".join(parts).count("\n")

    def visit(part: SyntaxTreeNode) -> None:
        if part.type == "text":
            parts.append(part.content)
        elif part.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif part.type == "myst_role":
            name = part.meta["name"]
            block.roles.append((here(), name, " ".join(part.content.split())))
            parts.append(_words_and_target(part.content)[0] if name == "term" else _HOLE)
        elif part.type == "code_inline":
            parts.append(_HOLE)
        else:
            if part.type == "link":
                block.links.append((here(), str(part.attrs["href"])))
            for child in part.children:
                visit(child)

    for child in node.children:
        visit(child)
    if text := "".join(parts):
        block.passages.append(Passage(line, text))


def _words_and_target(content: str) -> tuple[str, str]:
    """``words <target>`` taken apart; without a target the words are it."""
    found = re.fullmatch(r"(.*?)\s*<([^<>]+)>", content, re.DOTALL)
    words, target = (found[1], found[2]) if found else (content, content)
    return words, " ".join(target.split())


def _blanked(pattern: re.Pattern, text: str) -> str:
    """The text with what matches made blank, line breaks kept, so that every position stays."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def _start(block: Block) -> str:
    """The first words of a block."""
    words = " ".join(" ".join(p.text for p in block.passages).replace(_HOLE, "…").split())
    return words if len(words) <= 50 else words[:50].rpartition(" ")[0] + " …"
