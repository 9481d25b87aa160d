"""What several tests ask of a browser: a server, a strict one, and the colours as it says them."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from roxham.charts import COLOURS

POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None: ...


class Strict(Quiet):
    """Sends a content security policy that allows the site alone, and no eval."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()


@contextmanager
def serving(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """The address of a folder on a server of this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def rgb(name: str, dark: bool) -> str:
    """A colour of the house as a browser computes it."""
    value = COLOURS[name][bool(dark)]
    return f"rgb({', '.join(str(int(value[i : i + 2], 16)) for i in (1, 3, 5))})"


def window(
    browser,
    width: int = 1280,
    scheme: str = "light",
    levels: tuple[str, ...] = ("error", "warning"),
    **options,
):
    """A window of its own; `.faults` is what its pages complained of or did not get, `.asked` what they requested.

    levels: of the console's messages. options: of Playwright's context.
    """
    size = {"width": width, "height": 900}
    tab = browser.new_context(viewport=size, color_scheme=scheme, **options).new_page()
    tab.faults, tab.asked = [], []

    def fault(text) -> None:
        tab.faults.append(f"{tab.url}: {text}")

    tab.on("console", lambda m: fault(m.text) if m.type in levels else None)
    tab.on("pageerror", fault)
    tab.on("requestfailed", lambda request: fault(f"failed: {request.url}"))
    tab.on("response", lambda r: fault(f"{r.status}: {r.url}") if r.status >= 400 else None)
    tab.on("request", lambda request: tab.asked.append(request.url))
    return tab


def opened(browser, url: str, width: int = 1280, **options):
    """A page in a window of its own (`window`)."""
    tab = window(browser, width, **options)
    tab.goto(url)
    return tab
