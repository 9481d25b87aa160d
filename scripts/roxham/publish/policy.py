"""The content security policy of every page: it may use what is in the site, and nothing else.

It stands in the page, because a site of plain files has no server of its own to send it. `file:` is beside `'self'`
for a page opened from disk, where Firefox holds every file for an origin of its own; a page from a server may not
load files of the disk, whatever its policy says. A page may be embedded anywhere: `frame-ancestors` has no effect
in a page.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path

from sphinx.errors import ExtensionError

from roxham.publish.lean import MODE

SITE = "'self' file:"
_INLINE = re.compile(
    r"<script(?![^>]*\b(?:src|type)=)[^>]*>(.*?)</script>", re.S
)  # one with a type holds data
_STYLES = re.compile(r"<style[^>]*>(.*?)</style>", re.S)
_FIRST = re.compile(r'<meta charset="utf-8"\s*/?>\n?', re.I)
_ATTRIBUTE = re.compile(r'<[a-zA-Z][^<>]*?\s((?:style|on[a-z]+)="[^"]*")')
_MARK = '<meta http-equiv="Content-Security-Policy"'
# Said again by the style sheets of the site; a notebook, which has none, needs them.
_SAID = (
    (re.compile(r'(<div class="rx-narrow"[^>]*?) style="display:none"'), r"\1 hidden"),
    (re.compile(r'(<svg [^>]*?) style="max-width:100%;height:auto"'), r"\1"),
    (re.compile(r'(<div class="rx-table"[^>]*?) style="overflow-x:auto"'), r"\1"),
    (re.compile(r'(<table) style="width: 100%"( class="indextable)'), r"\1\2"),
    (re.compile(r'(<td) style="width: 33%; vertical-align: top;"'), r"\1"),
)


def write(site: Path) -> None:
    """Put the policy first in every page of a site.

    Raises `ExtensionError`, one line a page, where a page holds what its own policy would refuse: a script in the
    page (write it in a file), an event handler, a style attribute (give the element a class).
    """
    wrong = []
    for path in sorted(site.rglob("*.html")):
        text = path.read_text("utf-8")
        if _MARK in text or "</head>" not in text:
            continue
        for said, rest in _SAID:
            text = said.sub(rest, text)
        found = [s for s in _INLINE.findall(text) if s != MODE] + _ATTRIBUTE.findall(text)
        wrong += [
            f"ERROR: {path.relative_to(site)}: the page's policy refuses {s.strip()[:80]}" for s in found[:1]
        ]
        text = _FIRST.sub(lambda m: m[0].rstrip() + "\n" + tag(text) + "\n", text, count=1)  # noqa: B023
        path.write_text(text, "utf-8")
    if wrong:
        raise ExtensionError("\n".join([*wrong, "ERROR: write scripts and styles in the files of assets/"]))


def tag(text: str) -> str:
    """The policy of a page, given its HTML, as its tag: the one script and the style that stand in it, by hash."""
    scripts = [SITE, *map(_hash, dict.fromkeys(s for s in _INLINE.findall(text) if s == MODE))]
    styles = [SITE, *map(_hash, dict.fromkeys(_STYLES.findall(text)))]
    policy = (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src {' '.join(styles)}; "
        f"img-src {SITE} data:; connect-src 'self'; form-action {SITE}; base-uri 'none'"
    )
    return f'{_MARK} content="{escape(policy, quote=False)}">'


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
