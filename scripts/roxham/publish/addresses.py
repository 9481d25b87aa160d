"""Whether the addresses that the book gives still answer: `roxham links`.

*Gone* is what its own host says is not there any more (404, 410), or a host whose name no longer exists while other
names do. Everything else that fails is only *unreachable*: no answer in time, a fault of the server, a page that
robots may not read, a machine without a network. A source is replaced when it is gone, never because a server had a
bad day.

Hosts are asked side by side, each of them one address at a time with a pause between. The report is written after
each answer, so a check that is stopped goes on where it was.
"""

from __future__ import annotations

import csv
import io
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from urllib.parse import urldefrag, urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from roxham import tables
from roxham.publish.cache import write_atomically

OK, GONE, UNREACHABLE = "ok", "gone", "unreachable"
HOSTS = 16  # asked side by side
ANSWERED_GONE = (404, 410)
ENOUGH = 2  # times that a host may fail to answer before it is left alone
NO_NAME = "no host has this name"


@dataclass(frozen=True)
class Answer:
    """A row of the report. status: of HTTP, 0 without an answer. checked: UTC, ISO 8601. places: where it stands."""

    url: str
    state: str
    status: int
    detail: str
    checked: str
    places: str = ""


def gathered(site: Path, base: str = "") -> dict[str, list[str]]:
    """Every outside address → where it stands: sources by ID, pages of the built `site` by path.

    Addresses below `base` are the book's own and are left out, as are fragments.
    """
    from lxml import html

    found: dict[str, list[str]] = defaultdict(list)
    for source in tables.load("sources").itertuples():
        if source.url:
            found[urldefrag(source.url).url].append(source.source_id)
    for page in sorted(site.rglob("*.html")):
        name = page.relative_to(site).as_posix()
        document = html.document_fromstring(page.read_bytes())
        for address in sorted({a for a in document.xpath("//a/@href | //img/@src") if a.startswith("http")}):
            url = urldefrag(address).url
            if not (base and url.startswith(base)):
                found[url].append(name)
    return dict(found)


def check(
    addresses: Mapping[str, Iterable[str]],
    report: Path,
    *,
    pause: float = 1.0,
    timeout: float = 20.0,
    keep: timedelta = timedelta(days=7),
    done: Callable[[Answer, int, int], None] = lambda *_: None,
) -> list[Answer]:
    """Ask for every address, and write the report (CSV); its rows, sorted by address.

    Answers of an earlier report that are younger than `keep` hold, except of what could not be reached. pause: in
    seconds, between two questions to one host. timeout: in seconds, for a connection and for each pause in an answer.
    """
    now = datetime.now(UTC)
    places = {url: " ".join(dict.fromkeys(where)) for url, where in addresses.items()}
    known = {
        a.url: replace(a, places=places[a.url])
        for a in read(report)
        if a.url in places and a.state != UNREACHABLE and datetime.fromisoformat(a.checked) > now - keep
    }
    hosts = defaultdict(list)
    for url in places:
        if url not in known:
            hosts[_host(url)].append(url)
    left = sum(map(len, hosts.values()))
    lock, stopped, heard = Lock(), Event(), []

    def take(answer: Answer) -> None:
        with lock:
            known[answer.url] = replace(answer, places=places[answer.url])
            heard.append(answer)
            write(report, known.values())
            done(answer, len(heard), left)

    with ThreadPoolExecutor(HOSTS) as pool:
        try:
            asked = [pool.submit(_ask_host, urls, pause, timeout, stopped, take) for urls in hosts.values()]
            for one in asked:
                one.result()
        except BaseException:  # do not wait out the pauses of what will not be asked
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not (
        any(a.status for a in heard)
        or _resolves(urlsplit(a.url).hostname for a in known.values() if a.status)
    ):
        for url, answer in known.items():  # if no name is found, it is the network that is missing
            if answer.detail == NO_NAME:
                known[url] = replace(answer, state=UNREACHABLE)
    write(report, known.values())
    return sorted(known.values(), key=lambda a: a.url)


def read(report: Path) -> list[Answer]:
    """The rows of an earlier report; none where it is not there or is of another form."""
    try:
        rows = list(csv.DictReader(io.StringIO(report.read_text(encoding="utf-8"))))
        return [Answer(**row | {"status": int(row["status"])}) for row in rows]
    except (FileNotFoundError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return []


def write(report: Path, answers: Iterable[Answer]) -> None:
    """The report, whole or not at all, sorted by address."""
    text = io.StringIO()
    out = csv.DictWriter(text, [f.name for f in fields(Answer)], lineterminator="\n")
    out.writeheader()
    out.writerows(asdict(a) for a in sorted(answers, key=lambda a: a.url))
    write_atomically(report, text.getvalue())


def _ask_host(urls: list[str], pause: float, timeout: float, stopped: Event, take) -> None:
    """One host's addresses, one after the other."""
    with requests.Session() as session:
        session.headers["User-Agent"] = "roxham-links (a link checker)"
        silent = 0
        for n, url in enumerate(urls):
            if n and stopped.wait(pause):
                return
            answer = _ask(session, url, timeout)
            silent = 0 if answer.status else silent + 1
            take(answer)
            if answer.status == 429 or (silent >= ENOUGH and answer.detail != NO_NAME):
                why = "the host asked for fewer questions" if answer.status == 429 else "the host is silent"
                for rest in urls[n + 1 :]:
                    take(_answer(rest, UNREACHABLE, 0, f"not asked: {why}"))
                return


def _ask(session: requests.Session, url: str, timeout: float) -> Answer:
    try:
        requests.Request("GET", url).prepare()
    except (requests.RequestException, ValueError) as error:
        return _answer(url, GONE, 0, f"not an address: {error}")
    try:
        # not HEAD, which some servers answer wrongly; the text itself is not fetched
        with session.get(url, timeout=timeout, stream=True) as response:
            status, reason = response.status_code, response.reason or ""
            moved = f"now {response.url}" if response.history and response.url != url else ""
    except (requests.RequestException, ValueError) as error:  # ValueError: a redirect to what is no address
        if _nameless(error):
            return _answer(url, GONE, 0, NO_NAME)
        return _answer(url, UNREACHABLE, 0, type(error).__name__)
    if response.ok:
        return _answer(url, OK, status, moved)
    state = GONE if status in ANSWERED_GONE else UNREACHABLE
    return _answer(url, state, status, " ".join(filter(None, (reason, moved))))


def _answer(url: str, state: str, status: int, detail: str) -> Answer:
    return Answer(url, state, status, detail, datetime.now(UTC).isoformat(timespec="seconds"))


def _nameless(error: Exception) -> bool:
    """Whether it failed because the host's name does not exist, and not because nobody could be asked for it."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    cause = reason.__cause__ if isinstance(reason, NameResolutionError) else None
    return isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_NONAME, _NODATA)


_NODATA = getattr(socket, "EAI_NODATA", socket.EAI_NONAME)


def _resolves(hosts: Iterable[str], most: int = 3) -> bool:
    """Whether some of the hosts that answered before can be found."""
    for host in sorted(set(hosts))[:most]:
        try:
            socket.getaddrinfo(host, None)
            return True
        except OSError:
            continue
    return False


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
