"""The site on this machine, built again when a file changes."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from roxham.publish.chapters import BUILD, ROOT

WATCHED = ("chapters", "data", "scripts", "_config.yml", "_toc.yml", "requirements.txt")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_) -> None: ...


def serve(port: int, say: Callable[[str], None]) -> None:
    """Serve ``_build/html`` on the loopback address until interrupted. Raises `OSError` if the port is taken."""
    from watchfiles import watch

    handler = functools.partial(_Quiet, directory=str(BUILD / "html"))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        _build()
        say(f"http://127.0.0.1:{server.server_port}/ — Ctrl-C ends")
        # a build of its own each time: it must run the code as it is now
        for _ in watch(*(ROOT / w for w in WATCHED), raise_interrupt=False):
            _build()


def _build() -> None:
    subprocess.run([sys.executable, "-m", "roxham.cli", "build"], check=False)
