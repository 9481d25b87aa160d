"""The finish of the printed pages: what a reader needs to see one, and nothing else.

The theme's page asks for 28 files of 900 kB: two icon fonts, Bootstrap, the search index, scripts and style sheets
of extensions that no page uses. `finish` leaves one style sheet, of the rules that some page can use, and our own
short scripts. It gives the theme's icons as drawings, keeps the specification of each figure in a file of its own,
which the live view asks for, and mends what a screen reader stumbles over.
"""

from __future__ import annotations

import json
import re
import shutil
from hashlib import sha256
from html import escape
from pathlib import Path

import tinycss2
from sphinx.errors import ExtensionError

from roxham.publish.cache import drop_oldest, kept, made

SHEET, SCRIPT, SPECS = "roxham-page.css", "roxham-page.js", "specs"
SHEETS = 20  # kept from build to build
WORDS = {
    "chapters": "Chapters",
    "contents": "On this page",
    "book": "The book",
    "copy": "Copy",
    "copied": "Copied",
    "fullscreen": "Full screen",
    "print": "Print",
    "download": "Download this page",
    "auto": "Colours: as the system’s",
    "light": "Colours: light",
    "dark": "Colours: dark",
}

# What only the theme's own pages use. Scripts that are not named here stay on the page.
_DROPPED = (
    *("fontawesome", "bootstrap", "pydata-sphinx-theme", "sphinx-book-theme", "clipboard", "copybutton"),
    *("togglebutton", "design-tabs", "sphinx-thebe"),
)
_SEARCH = ("searchtools", "language_data", "searchindex")  # where one searches, and nowhere else
_LEFTOVERS = (
    *("clipboard.min.js", "copybutton*.js", "design-tabs.js", "sphinx-thebe.*", "togglebutton.js"),
    *("*.css", "styles", "vendor", "scripts", "locales", "images/logo_*", "*macros.html"),
    *("check-solid.svg", "copy-button.svg", "play-solid.svg", "file.png", "minus.png", "plus.png"),
)
_READ = (
    SCRIPT,
    "roxham-figures.js",
    "roxham-explorer.js",
    "doctools.js",
    "sphinx_highlight.js",
    "searchtools.js",
)
_KEPT = ("roxham-figures.css", SHEET)
MODE = (  # before anything is painted, so that a dark page never flashes white
    '((e,m)=>{try{m=localStorage.getItem("mode")}catch{}e.dataset.mode=m=m||"auto";'
    'e.dataset.theme=m=="auto"?matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light":m})'
    "(document.documentElement)"
)
_UNSCRIPTED = (  # the list of chapters, which a script shows on a narrow screen, at the end of the page
    "@media (max-width: 991.98px) { .bd-container__inner { flex-direction: column; } .bd-sidebar-primary "
    "{ visibility: visible !important; position: static !important; order: 2; margin: 0 !important; height: auto "
    "!important; width: 100% !important; max-width: none !important; max-height: none !important; } }"
)
_ICONS = {  # on a grid of 24, drawn as lines
    "angle-left": "M15 5l-7 7 7 7",
    "angle-right": "M9 5l7 7-7 7",
    "arrow-up": "M12 20V4M5 11l7-7 7 7",
    "bars": "M3 6h18M3 12h18M3 18h18",
    "circle-half-stroke": "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18zM12 3v18M15 4.6v14.8M18 6.5v11",
    "download": "M12 3v12M7 10l5 5 5-5M4 20h16",
    "expand": "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    "file": "M6 3h8l4 4v14H6zM14 3v4h4",
    "file-pdf": "M6 9V3h12v6M6 17H3V9h18v8h-3M6 14h12v7H6z",  # it prints
    "list": "M8 6h13M8 12h13M8 18h13M3 6h1M3 12h1M3 18h1",
    "magnifying-glass": "M10 4a6 6 0 1 0 0 12a6 6 0 0 0 0-12zM15 15l6 6",
    "moon": "M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z",
    "outdent": "M4 5h16M11 12h9M4 19h16M7 9l-3 3 3 3",
    "sun": "M12 8a4 4 0 1 0 0 8a4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
}
_ICON = re.compile(r'<(i|span) class="([^"]*\bfa-[^"]*)"([^>]*)>\s*</\1>')
_SHEETS = re.compile(r'<link\b[^>]*\bhref="([^"]*\.css)(?:\?[^"]*)?"[^>]*>\s*')
_SCRIPTS = re.compile(r'<script\b([^>]*)\bsrc="([^"]+)"([^>]*)></script>\s*')
_SPEC = re.compile(
    r'(<figure id="([\w-]+)" class="rx-figure")((?:(?!</figure>).)*?)'
    r'<script type="application/json" class="rx-spec">(.*?)</script>',
    re.S,
)
_READS = re.compile(r"var\(\s*(--[\w-]+)")
_WHOLE = ("font-face", "keyframes", "-webkit-keyframes", "page")
_LEADS = 'http-equiv="refresh"'  # a page that leads to another one has nothing to rewrite
_OWN = re.compile(rf'(/{re.escape(SHEET)}|/{re.escape(SCRIPT)})(?:\?v=\w*)?"')


def finish(site: Path, script: str) -> None:
    """Rewrite the pages of a printed site and their style sheets. Pages that were rewritten before stay as they
    are, so the site of an incremental build is that of a whole one."""
    static = site / "_static"
    pages = {
        path: path.read_text("utf-8") for path in sorted(site.rglob("*.html")) if static not in path.parents
    }
    fresh = [
        path
        for path, text in pages.items()
        if "</head>" in text and f"/{SCRIPT}" not in text and _LEADS not in text
    ]
    if not fresh:  # Sphinx had nothing to write, but has put its own files there again
        _sweep(static)
        return
    sheets = list(dict.fromkeys(sheet for path in fresh for sheet in _sheets(path, pages[path], static)))
    for path in fresh:
        root = "../" * len(path.relative_to(site).parent.parts)
        pages[path] = _page(pages[path], root, static, searches=path.name == "search.html")
    (static / SCRIPT).write_text(script, "utf-8")
    used = _words(pages.values(), [static / name for name in _READ])
    asked = set(re.findall(r"--[\w-]+", " ".join([*pages.values(), script])))
    (static / SHEET).write_bytes(_sheet([_loaded(sheet, static) for sheet in sheets], used, asked))
    marks = {f"/{name}": _mark((static / name).read_bytes()) for name in (SHEET, SCRIPT)}
    for path, text in pages.items():
        marked = _OWN.sub(lambda m: f'{m[1]}?v={marks[m[1]]}"', text)
        if path in fresh or marked != text:
            path.write_text(marked, "utf-8")
    _sweep(static)


def _sweep(static: Path) -> None:
    """Drop what no page of ours asks for."""
    for pattern in _LEFTOVERS:
        for path in static.glob(pattern):
            if path.name not in _KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in static.rglob("*.map"):
        path.unlink()


def _mark(content: bytes) -> str:
    return sha256(content).hexdigest()[:8]


# --- a page -------------------------------------------------------------------------------------------------


def _page(text: str, root: str, static: Path, searches: bool) -> str:
    head, body = text.split("</head>", 1)
    head = _head(head, root, searches)
    body = _SPEC.sub(lambda m: _apart(m, root, static), body)
    body = _SCRIPTS.sub(lambda m: "" if _is(m[2], _DROPPED) else m[0], body)
    body = _body(body)
    return f"{head}</head>{body}"


def _head(head: str, root: str, searches: bool) -> str:
    head = re.sub(r'<html([^>]*?) data-theme="[^"]*"', r'<html\1 data-theme="light"', head)
    head = re.sub(r"<script data-cfasync.*?</script>", lambda m: f"<script>{MODE}</script>", head, flags=re.S)
    head = re.sub(r'<link rel="preload"[^>]*>\s*', "", head)
    # Firefox would fetch the next chapter, unasked, which the policy of the page refuses
    head = re.sub(r'<link rel="(?:next|prev)"[^>]*>\s*', "", head)
    head = re.sub(r"<script>[^<]*\b(?:toggle\w+|DOCUMENTATION_OPTIONS)\b[^<]*</script>\s*", "", head)
    head = re.sub(r"<!--.*?-->\s*", "", head, flags=re.S)
    _, *more = re.findall(r'<meta name="viewport"[^>]*>\s*', head)
    for again in more:
        head = head[: (at := head.rindex(again))] + head[at + len(again) :]
    head = _SHEETS.sub("", head)
    head = re.sub(r"(<noscript>\s*<style>)", lambda m: m[1] + _UNSCRIPTED, head, count=1)

    def script(found: re.Match) -> str:
        if _is(found[2], _DROPPED) or (_is(found[2], _SEARCH) and not searches):
            return ""
        defer = "" if "defer" in found[1] + found[3] or "async" in found[1] + found[3] else "defer "
        return f'<script{found[1]}{defer}src="{found[2]}"{found[3]}></script>\n'

    head = _SCRIPTS.sub(script, head)
    head = re.sub(r"\s*\n\s*", "\n", head)
    own = f'<script defer src="{root}_static/{SCRIPT}"></script>\n'
    at = re.search(r"<script[^>]*documentation_options\.js[^>]*></script>\n", head)
    at = (
        at.end() if at else len(head)
    )  # before the search, which it tells what a page opened from disk may not read
    return f'{head[:at]}{own}{head[at:]}<link rel="stylesheet" href="{root}_static/{SHEET}">\n'


def _is(source: str, names: tuple[str, ...]) -> bool:
    name = source.partition("?")[0].rpartition("/")[2]
    return any(name.startswith(f"{n}.") for n in names)


def _apart(found: re.Match, root: str, static: Path) -> str:
    """The specification of a figure in a file: a script, because a page opened from disk may read nothing else."""
    name = f"{SPECS}/{found[2].removeprefix('fig-')}.js"
    (static / SPECS).mkdir(exist_ok=True)
    text = f'roxhamFigures.specs["{found[2]}"]={found[4]};\n'
    (static / name).write_text(text, "utf-8")
    return f'{found[1]} data-rx-spec="{root}_static/{name}?v={_mark(text.encode())}"{found[3]}'


def _body(body: str) -> str:
    w = {name: escape(word) for name, word in WORDS.items()}
    for gone in (
        r'<header id="pst-header".*?</header>',  # its fields and menus stand in the sidebar and over the article
        r'<div class="pst-async-banner-revealer.*?</aside>\s*</div>',
        r'<div class="sidebar-primary-items__end.*?data-ea-manual="true">\s*</div></div>\s*</div>',
        r'<div class="sidebar-header-items sidebar-primary__section">\s*</div>',
        r'<div class="footer-item">\s*</div>',
        r'<footer class="bd-footer">\s*</footer>',
        r'<script type="text/x-thebe-config">.*?</script>\s*<script>kernelName.*?</script>',
        r"<script>\s*// Activate the search field.*?</script>",  # of the dialog, which is closed
        r"<!-- (?!\[).*?-->",
    ):
        body = re.sub(gone, "", body, flags=re.S)
    body = re.sub(r' data-bs-(?:toggle="tooltip"|placement="\w*"|title="[^"]*")', "", body)
    body = re.sub(  # a part of the page that a screen reader can find
        r'<div id="pst-primary-sidebar" class="([^"]*)">(.*?)</div>(\s*<main )',
        rf'<aside id="pst-primary-sidebar" class="\1" aria-label="{w["book"]}">\2</aside>\3',
        body,
        flags=re.S,
    )
    body = re.sub(  # opens without a script
        r'<div class="dropdown dropdown-download-buttons">\s*<button [^>]*>(.*?)</button>(.*?</ul>)\s*</div>',
        rf'<details class="dropdown dropdown-download-buttons"><summary class="btn btn-sm" title="{w["download"]}"'
        rf' aria-label="{w["download"]}">\1</summary>\2</details>',
        body,
        flags=re.S,
    )
    for call, name, label in (
        ("window.print()", "print", w["print"]),
        ("toggleFullScreen()", "fullscreen", w["fullscreen"]),
    ):
        body = re.sub(
            rf'<button onclick="{re.escape(call)}"\s+class="([^"]*)"\s+title="[^"]*"',
            rf'<button type="button" class="\1 pst-js-only" data-rx-{name} title="{label}" aria-label="{label}"',
            body,
        )
    body = body.replace(
        '<span class="btn__text-container">.pdf<', f'<span class="btn__text-container">{w["print"]}<'
    )
    for kind, label in (("primary", w["chapters"]), ("secondary", w["contents"])):
        body = body.replace(
            f'title="Toggle {kind} sidebar"',
            f'title="{label}" aria-label="{label}" aria-controls="pst-{kind}-sidebar"',
        )
        body = re.sub(rf'class="(sidebar-toggle {kind}-toggle)', r'type="button" class="pst-js-only \1', body)
        body = body.replace(
            f'<dialog id="pst-{kind}-sidebar-modal">',
            f'<dialog id="pst-{kind}-sidebar-modal" aria-label="{label}">',
        )
    modes = " ".join(f'data-rx-{m}="{w[m]}"' for m in ("auto", "light", "dark"))
    body = body.replace('aria-label="Color mode"', f'type="button" aria-label="{w["auto"]}" {modes}')
    body = body.replace(
        '<dialog id="pst-search-dialog">', '<dialog id="pst-search-dialog" aria-label="Search">'
    )
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = body.replace(' role="doc-biblioentry"', ' role="listitem"')  # of a list, and deprecated by itself
    body = re.sub(
        r"(<body\b)", rf'\1 data-rx-copy="{w["copy"]}" data-rx-copied="{w["copied"]}"', body, count=1
    )
    return _ICON.sub(_icon, body)


def _icon(found: re.Match) -> str:
    name = next((n for n in re.findall(r"\bfa-([\w-]+)", found[2]) if n in _ICONS), None)
    if name is None:
        raise ExtensionError(f"the theme shows an icon without a drawing in publish/lean.py: {found[0]}")
    kept = " ".join(["rx-icon", *(c for c in found[2].split() if not c.startswith("fa"))])
    rest = re.sub(r' title="[^"]*"', "", found[3]).rstrip()
    return (
        f'<svg class="{kept}"{rest} viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        f'<path d="{_ICONS[name]}"/></svg>'
    )


# --- the style sheet ----------------------------------------------------------------------------------------


def _sheets(page: Path, text: str, static: Path) -> list[Path]:
    """The style sheets that a page links, in order; one of another site is an error."""
    found = []
    for href in _SHEETS.findall(text.split("</head>", 1)[0]):
        path = (page.parent / href).resolve()
        if not path.is_relative_to(static.resolve()):
            raise ExtensionError(f"{page.name} links a style sheet from elsewhere: {href}")
        found.append(path)
    return found


def _loaded(sheet: Path, static: Path) -> str:
    """A style sheet with those that it imports, its addresses seen from the folder of the bundle."""
    if not sheet.exists():
        return ""
    text = re.sub(r"\A@charset[^;]*;", "", sheet.read_text("utf-8"))

    def rebased(found: re.Match) -> str:
        target = (sheet.parent / found[2]).resolve().relative_to(static.resolve())
        return f"url({found[1]}{target.as_posix()}{found[1]})"

    text = re.sub(
        r'@import (?:url\()?"([^"]+)"\)?;', lambda m: _loaded((sheet.parent / m[1]).resolve(), static), text
    )
    return re.sub(r"url\((['\"]?)(\.{1,2}/[^)'\"?#]+)[^)]*\)", rebased, text)


def _sheet(sheets: list[str], used: set[str], asked: set[str]) -> bytes:
    """One style sheet of those rules that can match what is `used`, and of the properties that are `asked` for."""

    def make() -> bytes:
        return _without_idle("".join(_purged(sheet, used) for sheet in sheets), asked).encode()

    here = Path(__file__).read_text("utf-8")
    key = json.dumps([here, tinycss2.VERSION, sheets, sorted(used), sorted(asked)])
    data = kept("sheets", key, "css", make)
    drop_oldest(made("sheets"), SHEETS)
    return data


def _words(pages, scripts) -> set[str]:
    """Every class, id and element of the pages, and every word of the scripts, which may add some."""
    used = {"html", "body", "dialog"}
    for text in pages:
        used.update(re.findall(r"<([a-zA-Z][\w-]*)", text))
        for value in re.findall(r'\b(?:class|id)=["\']([^"\']*)["\']', text):
            used.update(value.split())
        used.update(re.findall(r"\bclass=([\w-]+)", text))
    for path in scripts:
        if path.exists():
            used.update(re.findall(r"[\w-]+", path.read_text("utf-8")))
    return used


def _purged(css: str, used: set[str]) -> str:
    return "".join(filter(None, (_rule(node, used) for node in tinycss2.parse_stylesheet(css, True, True))))


def _rule(node, used: set[str]) -> str:
    """A rule, with the selectors that can match; nothing where none can."""
    if node.type == "qualified-rule":
        kept = [s for s in _selectors(node.prelude) if _needs(s) <= used]
        body = _tight(tinycss2.serialize(node.content))
        if "Awesome" in body or "--fa-font" in body:  # an icon of a font that is not shipped
            return ""
        return f"{','.join(_tight(tinycss2.serialize(s)) for s in kept)}{{{body}}}\n" if kept and body else ""
    if node.type != "at-rule" or node.content is None or node.lower_at_keyword in _WHOLE:
        icons = node.type == "at-rule" and "Awesome" in tinycss2.serialize([node])
        return "" if node.type == "error" or icons else f"{node.serialize()}\n"
    inner = tinycss2.parse_rule_list(node.content, True, True)
    body = "".join(filter(None, (_rule(n, used) for n in inner)))
    return f"@{node.at_keyword}{tinycss2.serialize(node.prelude)}{{{body}}}\n" if body else ""


def _tight(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.S)).strip()


def _selectors(prelude: list) -> list[list]:
    parts: list[list] = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _needs(selector: list) -> set[str]:
    """The classes, ids and elements without which a selector matches nothing. What stands in :not(), :is() and the
    like is left out: too little is needed rather than too much."""
    needs, before = set(), None
    for token in selector:
        if token.type == "hash" or (token.type == "ident" and before != ":"):
            needs.add(token.value)
        before = token.value if token.type == "literal" else None
    return needs


def _without_idle(css: str, asked: set[str]) -> str:
    """The sheet without the custom properties that neither it nor a page asks for, and without idle motions."""
    while True:
        moved = set(re.findall(r"[\w-]+", " ".join(re.findall(r"animation(?:-name)?:([^;}]+)", css))))
        rules = [
            rule
            for rule in tinycss2.parse_stylesheet(css, True, True)
            if rule.type != "at-rule"
            or not rule.lower_at_keyword.endswith("keyframes")
            or tinycss2.serialize(rule.prelude).strip() in moved
        ]
        less = _idle(rules, asked | set(_READS.findall(css)))
        if less == css:
            return css
        css = less


def _idle(rules: list, read: set[str]) -> str:
    parts = []
    for rule in rules:
        if rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword not in _WHOLE:
            body = _idle(tinycss2.parse_rule_list(rule.content, True, True), read)
            if body:
                parts.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{body}}}\n")
        elif rule.type == "qualified-rule" and "--" in (body := tinycss2.serialize(rule.content)):
            lines = tinycss2.parse_blocks_contents(rule.content, True, True)
            kept = [
                d for d in lines if d.type != "declaration" or not d.name.startswith("--") or d.name in read
            ]
            if kept:
                body = ";".join(d.serialize().strip() for d in kept)
                parts.append(f"{tinycss2.serialize(rule.prelude)}{{{body}}}\n")
        else:
            parts.append(f"{rule.serialize()}\n")
    return "".join(parts)
