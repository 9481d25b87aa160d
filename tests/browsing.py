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


def opened(
    browser,
    url: str,
    width: int = 1280,
    javascript: bool = True,
    scheme: str = "light",
    levels: tuple[str, ...] = ("error", "warning"),
):
    """A page in a window of its own; `.faults` and `.asked` are what it complained of and what it requested."""
    size = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, java_script_enabled=javascript, color_scheme=scheme)
    tab = context.new_page()
    tab.faults, tab.asked = [], []
    tab.on("console", lambda m: tab.faults.append(m.text) if m.type in levels else None)
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(url)
    return tab
