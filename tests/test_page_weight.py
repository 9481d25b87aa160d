"""What a page costs and whom it serves: its weight, and what an independent checker and a keyboard find on it."""

import gzip
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import axe_playwright_python
import pydata_sphinx_theme
import pytest
import sphinx_book_theme
import tinycss2
from browsing import opened, serving
from playwright.sync_api import expect
from project import EVERY

from roxham.publish.chapters import book

BYTES, REQUESTS = 250_000, 15  # of a page's first view, compressed, as a plain web server sends it
BRIEFS_SEEN = [
    f"chapters/briefs/{n}.html" for n in ("province-quebec", "province-nunavut")
]  # the most, the least
PAGES = [f"{chapter.name}.html" for chapter in book()] + BRIEFS_SEEN + ["genindex.html", "search.html"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PACKED = {".png", ".woff2", ".jpg", ".zip"}


@pytest.fixture(scope="module")
def served(built):
    """The address of the site on a server of this machine."""
    with serving(built.html) as address:
        yield address


@cache
def sent(path: Path) -> int:
    content = path.read_bytes()
    return len(content) if path.suffix in PACKED else len(gzip.compress(content, 6, mtime=0))


VIEWS = [(1280, "light"), (360, "dark"), (1280, "dark"), (360, "light")]
# by default one of each second page, in turn
SEEN = [(name, VIEWS if EVERY else [VIEWS[n // 2 % 4]][n % 2 :]) for n, name in enumerate(PAGES)]


@pytest.mark.parametrize(("name", "views"), SEEN, ids=PAGES)
def test_a_page_is_light_and_local_and_a_checker_finds_nothing(built, browser, served, dropped, name, views):
    page = opened(browser, f"{served}/{name}", reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    local = [url for url in dict.fromkeys(page.asked) if url.startswith(served)]
    assert [url for url in page.asked if urlsplit(url).scheme != "data" and url not in local] == []
    assert len(local) <= REQUESTS
    assert sum(sent(built.html.resolve() / urlsplit(url).path.lstrip("/")) for url in local) <= BYTES
    assert page.evaluate(MATCHING, dropped) == [], "rules that the style sheet should have kept"
    levels = page.evaluate(HEADINGS)
    assert levels[:1] == [1] and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.evaluate(NAMELESS) == []
    page.evaluate(AXE)
    found = []
    for width, scheme in views:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-theme='{scheme}']")
        page.wait_for_timeout(400)  # 0.2 s after its size changed, a page sees anew what can be scrolled
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert len(result["passes"]) > 15
        found += [
            (width, scheme, fault["id"], node["target"], node["html"][:200])
            for fault in result["violations"]
            for node in fault["nodes"]
        ]
    assert found == []
    assert page.faults == []
    page.context.close()


def test_nothing_is_shipped_that_no_page_asks_for(built):
    names = [p.relative_to(built.html.resolve()).as_posix() for p in built.html.resolve().rglob("*")]
    for unwanted in ("fontawesome", "bootstrap", "thebe", ".map", "locales", ".woff", "clipboard", "require"):
        assert not [n for n in names if unwanted in n.rpartition("/")[2] or f"/{unwanted}/" in n], unwanted
    for name in PAGES:
        text = (built.html / name).read_text()
        assert "fa-solid" not in text and "onclick" not in text and 'http-equiv="refresh"' not in text
        assert text.count('<link rel="stylesheet"') == 1


@pytest.fixture(scope="module")
def dropped(built) -> list[str]:
    """The selectors of the themes' style sheets that the site's own has no more."""
    bundle = (built.html / "_static/roxham-page.css").read_text()
    assert "carousel" not in bundle and "Awesome" not in bundle and "@import" not in bundle
    theirs = set()
    for package in (pydata_sphinx_theme, sphinx_book_theme):
        for sheet in (Path(package.__file__).parent / "theme").rglob("styles/*.css"):
            theirs |= selectors(tinycss2.parse_stylesheet(sheet.read_text(), True, True))
    gone = sorted(theirs - selectors(tinycss2.parse_stylesheet(bundle, True, True)))
    assert len(gone) > 3000
    return gone


HEADINGS = (  # the levels of those that are seen, in order
    "() => [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(h => h.checkVisibility())"
    ".map(h => +h.tagName[1])"
)
NAMELESS = (  # what can be pressed and says nothing
    "() => [...document.querySelectorAll('button, summary')].filter(b => b.checkVisibility() &&"
    " !(b.innerText.trim() || b.ariaLabel)).map(b => b.outerHTML.slice(0, 200))"
)
STATES = "before|after|hover|focus|active|focus-visible|focus-within|visited|checked|disabled"
MATCHING = (  # those selectors, states aside, that match an element
    "list => list.filter(one => { const bare = one.replace(/::?(" + STATES + ")(?![\\w-])/g, '')"
    ".replace(/::[-a-z]+/g, ''); if (!bare.trim() || /[>+~]\\s*$/.test(bare)) return false;"
    " try { return document.querySelector(bare); } catch { return false; } })"
)


def selectors(rules) -> set[str]:
    """Every selector of a style sheet, those inside media queries too."""
    found = set()
    for rule in rules:
        if rule.type == "qualified-rule":
            if {"Awesome", "--fa-font"} & set(
                re.findall(r"Awesome|--fa-font", tinycss2.serialize(rule.content))
            ):
                continue  # an icon of a font that is not shipped
            found |= {" ".join(s.split()) for s in tinycss2.serialize(rule.prelude).split(",")}
        elif rule.type == "at-rule" and rule.content and rule.lower_at_keyword in ("media", "supports"):
            found |= selectors(tinycss2.parse_rule_list(rule.content, True, True))
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_keyboard_skips_to_the_text_and_sees_where_it_is(built, browser, scheme):
    page = opened(browser, (built.html / "chapters/03-the-count.html").as_uri(), scheme=scheme)
    page.keyboard.press("Tab")
    skip = page.locator(".skip-link a")
    assert page.evaluate("document.activeElement.textContent") == skip.inner_text()
    expect(skip).to_be_in_viewport(ratio=1)  # it slides in
    for _ in range(60):
        seen = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return [e.outerHTML.slice(0, 120), s.outlineStyle, parseFloat(s.outlineWidth)]; }"""
        )
        assert seen[1] != "none" and seen[2] >= 2, seen
        page.keyboard.press("Tab")
    skip.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.context.close()


def test_nothing_moves_for_whoever_asked_for_no_motion(built, browser):
    page = opened(browser, (built.html / "chapters/03-the-count.html").as_uri(), reduced_motion="reduce")
    moving = page.evaluate(
        "() => [...document.querySelectorAll('*')].filter(e => { const s = getComputedStyle(e);"
        " return s.transitionDuration.split(',').some(t => parseFloat(t) > 0) || s.animationName !== 'none'"
        " || s.scrollBehavior !== 'auto'; }).map(e => e.outerHTML.slice(0, 80))"
    )
    assert moving == []
    page.context.close()


def test_on_a_phone_the_menus_open_as_dialogs_and_give_their_content_back(built, browser):
    page = opened(browser, (built.html / "chapters/03-the-count.html").as_uri(), 360)
    for kind, link in (("primary", "The rule"), ("secondary", "Month by month")):
        button = page.locator(f".{kind}-toggle")
        button.click()
        dialog = page.locator(f"#pst-{kind}-sidebar-modal")
        expect(dialog.get_by_role("link", name=link, exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert page.locator(f"#pst-{kind}-sidebar").get_by_text(link, exact=True).count() == 1
        assert button.evaluate("b => b === document.activeElement")
    page.locator(".search-button").click()
    page.locator("#pst-search-dialog input").fill("protocol")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=protocol")
    page.locator("#search-results li a").first.wait_for()
    assert page.faults == []
    page.context.close()


def test_the_colours_go_round_and_stay_on_the_next_page(built, browser, served):
    page = opened(browser, f"{served}/chapters/03-the-count.html")
    assert page.locator("html").get_attribute("data-theme") == "light"
    button = page.locator(".theme-switch-button")
    button.click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert button.get_attribute("aria-label") == "Colours: dark"
    page.goto(f"{served}/chapters/04-the-rule.html")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    button.click()
    button.click()
    assert button.get_attribute("aria-label").startswith("Colours: as the system")
    page.context.close()


def test_without_javascript_the_notebook_and_every_chapter_can_be_reached(built, browser):
    page = opened(
        browser, (built.html / "chapters/03-the-count.html").as_uri(), 360, java_script_enabled=False
    )
    menu = page.locator("details.dropdown-download-buttons")
    menu.locator("summary").click()
    assert menu.get_by_role("link", name=".ipynb").is_visible()
    chapter = page.get_by_role("complementary").get_by_role("link", name="The rule", exact=True)
    assert chapter.is_visible()
    assert not [b for b in page.locator("button").all() if b.is_visible()]
    page.context.close()


def test_the_live_view_asks_for_its_specification_and_for_nothing_foreign(built, browser, served):
    page = opened(browser, f"{served}/chapters/03-the-count.html")
    assert not [u for u in page.asked if "/specs/" in u]
    figure = page.locator("#fig-interceptions-monthly")
    figure.locator("button").first.click()
    figure.locator(".rx-live svg").wait_for(state="visible", timeout=20_000)
    assert (
        [u for u in page.asked if "/specs/" in u]
        == [u for u in page.asked if "/specs/interceptions-monthly.js" in u]
        != []
    )
    assert page.faults == []
    page.context.close()
