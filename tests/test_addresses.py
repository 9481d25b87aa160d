"""Outside addresses: what is gone is told from what only cannot be reached. On a server of this machine."""

import csv
import http.server
import socket
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import ClassVar
from urllib.parse import urldefrag

import pytest
from click.testing import CliRunner
from project import CHECKOUT

from roxham import cli
from roxham.publish import addresses


class Host(http.server.BaseHTTPRequestHandler):
    """/404 answers 404, and so on; /slow answers too late; /to-404 leads to /404."""

    asked: ClassVar[Counter] = Counter()
    at: ClassVar[list] = []

    def do_GET(self):
        Host.asked[self.path] += 1
        Host.at.append(time.monotonic())
        what = self.path.strip("/")
        if what == "slow":
            time.sleep(1)
        if what.startswith("to-"):
            self.send_response(301)
            self.send_header("Location", f"/{what[3:]}")
        else:
            self.send_response(int(what) if what.isdigit() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_): ...


@pytest.fixture
def host():
    Host.asked.clear()
    Host.at.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def no_such_name(monkeypatch):
    """A resolver that knows this machine, says that other names do not exist, and of `busy.example` not even that."""
    real = socket.getaddrinfo

    def resolve(name, *rest, **options):
        if name in ("127.0.0.1", "localhost"):
            return real(name, *rest, **options)
        raise socket.gaierror(socket.EAI_AGAIN if name == "busy.example" else socket.EAI_NONAME, "no")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def ask(tmp_path):
    def ask(*urls, **options):
        options = {"pause": 0, "timeout": 0.3} | options
        answers = addresses.check({u: ["here"] for u in urls}, tmp_path / "links.csv", **options)
        return {a.url: a for a in answers}

    return ask


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/200", "ok"),
        ("/to-200", "ok"),
        ("/404", "gone"),
        ("/410", "gone"),
        ("/to-404", "gone"),
        ("/401", "unreachable"),
        ("/403", "unreachable"),
        ("/429", "unreachable"),
        ("/500", "unreachable"),
        ("/503", "unreachable"),
        ("/slow", "unreachable"),
    ],
)
def test_gone_is_what_the_host_says_is_gone(host, ask, path, state):
    answer = ask(host + path)[host + path]
    assert answer.state == state
    assert answer.detail == "ReadTimeout" if path == "/slow" else answer.status == int(path[-3:])
    if path == "/to-200":
        assert answer.detail == f"now {host}/200"


def test_what_is_no_address_is_gone(ask):
    answer = ask("https://[x/")["https://[x/"]
    assert answer.state == "gone" and answer.detail.startswith("not an address")


def test_a_name_that_no_longer_exists_is_gone_only_while_others_are_found(host, ask, no_such_name):
    lost, busy, closed = "https://lost.example/a", "https://busy.example/a", "http://127.0.0.1:9/"
    assert {u: a.state for u, a in ask(lost, busy, closed).items()} == dict.fromkeys(
        (lost, busy, closed), "unreachable"
    )
    found = ask(lost, busy, closed, f"{host}/200")
    assert {u: a.state for u, a in found.items()} == {
        lost: "gone",
        busy: "unreachable",
        closed: "unreachable",
        f"{host}/200": "ok",
    }
    # an earlier answer of another host is kept, and shows that names are found
    again = ask(f"{host}/200", "https://new.example/")
    assert again["https://new.example/"].state == "gone"
    assert Host.asked["/200"] == 1


def test_a_second_check_asks_only_for_what_could_not_be_reached(host, ask):
    urls = [f"{host}/{what}" for what in ("200", "404", "503")]
    ask(*urls)
    ask(*urls)
    assert Host.asked == {"/200": 1, "/404": 1, "/503": 2}
    ask(*urls, keep=timedelta())
    assert Host.asked == {"/200": 2, "/404": 2, "/503": 3}
    assert set(ask(urls[0])) == {urls[0]}, "what the book no longer gives is dropped"


def test_a_check_that_is_stopped_keeps_its_answers(host, tmp_path):
    def stop(answer, n, total):
        if n == 2:
            raise KeyboardInterrupt

    urls = {f"{host}/{n}": ["here"] for n in ("200", "404", "410", "201")}
    with pytest.raises(KeyboardInterrupt):
        addresses.check(urls, tmp_path / "links.csv", pause=0, timeout=1, done=stop)
    assert len(addresses.read(tmp_path / "links.csv")) == 2
    assert len(addresses.check(urls, tmp_path / "links.csv", pause=0, timeout=1)) == 4
    assert set(Host.asked.values()) == {1}


def test_a_host_is_asked_politely(host, ask):
    ask(*(f"{host}/{n}" for n in ("200", "201", "202")), pause=0.2)
    assert all(after - before > 0.19 for before, after in zip(Host.at, Host.at[1:], strict=False))
    Host.asked.clear()
    answers = ask(f"{host}/429", f"{host}/204", f"{host}/205")
    assert Host.asked == {"/429": 1}
    assert answers[f"{host}/204"].detail == "not asked: the host asked for fewer questions"


def test_addresses_come_from_the_sources_and_from_every_page(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/one.html").write_text(
        '<a href="https://out.example/a#part">a</a><a href="https://own.example/book/x">own</a>'
        '<a href="../two.html">near</a><a href="mailto:a@out.example">mail</a><img src="https://out.example/b">'
    )
    (tmp_path / "two.html").write_text('<a href="https://out.example/a">a</a>')
    found = addresses.gathered(tmp_path, "https://own.example/book/")
    sources = {
        urldefrag(row["url"]).url for row in csv.DictReader((CHECKOUT / "data/tables/sources.csv").open())
    }
    assert set(found) == sources | {"https://out.example/a", "https://out.example/b"}
    assert found["https://out.example/a"] == ["chapters/one.html", "two.html"]
    assert found["https://angusreid.org/illegal-border-crossing/"] == ["angus-reid-2017-04-10-poll"]


def test_the_command_fails_only_for_what_is_gone(host, monkeypatch, tmp_path):
    from roxham.publish import chapters

    monkeypatch.setattr(chapters, "BUILD", tmp_path)
    assert "no site is built" in CliRunner().invoke(cli.main, ["links"]).stderr
    (tmp_path / "html/figures").mkdir(parents=True)
    (tmp_path / "html/figures/figures.json").write_text("{}")
    for paths, status in ((["/200", "/503"], 0), (["/404", "/200"], 1)):
        monkeypatch.setattr(addresses, "gathered", lambda *_, p=paths: {host + x: ["a-source"] for x in p})
        done = CliRunner().invoke(cli.main, ["links", "--pause", "0"])
        assert done.exit_code == status
        assert (f"gone: {host}/404 (404), in a-source" in done.stderr) == bool(status)
        rows = csv.DictReader((tmp_path / "links.csv").open())
        assert {r["url"] for r in rows} == {host + p for p in paths}
