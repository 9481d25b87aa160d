"""Measure the book beside its peers: the same chapters, the same machine, one run. `make bench`.

    python scripts/bench.py            both parts
    python scripts/bench.py builds     whole commands, timed from outside: `_build/bench/builds.csv`
    python scripts/bench.py pages      one page in a browser: `_build/bench/pages.csv`

*builds*: copies of the checkout keep the runs apart; each row is a median of several. Both print the same chapters
and the pages of their figures; ours executes and prints the briefs too, which stock knows nothing of, but for the row
of the chapters alone.

*pages*: a chapter of our site beside the same chapter built by stock Jupyter Book with stock Altair output, both
with the whole book's table of contents. One server on this machine serves both, compressed, to headless Chromium with
an empty cache and a processor slowed down four times, first as fast as the machine can, then over the network of a
slow phone; the runs take turns. Stock's scripts of a CDN are fetched once
by npm, from the packages that the CDN serves, and come from the same server: stock pays for no other network.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import http.server
import json
import mimetypes
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "_build" / "bench"
BIN = Path(sys.executable).parent
ROXHAM = [sys.executable, "-m", "roxham.cli"]
STOCK = [BIN / "jupyter-book", "build", "."]
TIMES = 3  # whole commands
LOADS = 7  # of each page
SLOWER = 4  # the processor
# round trip (ms) and megabits a second; the second is what Lighthouse takes for a slow phone
NETWORKS = {"loopback": None, "150 ms, 1.6 Mbit/s": (150, 1.6)}
QUIET = 2_000  # ms without a long task or a request: the page is done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="builds|pages", help="both by default")
    parser.add_argument("--chapter", default="chapters/03-the-count", help="of the part `pages`")
    parser.add_argument("--loads", type=int, default=LOADS, help="of each page (default: %(default)s)")
    asked = parser.parse_args()
    known = {"builds": builds, "pages": lambda: pages(asked.chapter, asked.loads)}
    if unknown := set(asked.parts) - set(known):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    if not (ROOT / f"{asked.chapter}.md").is_file():
        parser.error(f"there is no chapter {asked.chapter}")
    OUT.mkdir(parents=True, exist_ok=True)
    for part in asked.parts or known:
        known[part]()


def copy(folder: Path) -> Path:
    """A copy of the checkout without anything built."""
    ignore = shutil.ignore_patterns("_build", ".venv", ".git", "__pycache__", "*.egg-info")
    return shutil.copytree(ROOT, folder, ignore=ignore)


def seconds(command: list, folder: Path) -> float:
    """How long a command takes, by the clock; one that fails ends the benchmark."""
    environment = os.environ | {"PYTHONPATH": str(folder / "scripts")}
    started = time.perf_counter()
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"bench: {command} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - started


# --- builds -------------------------------------------------------------------------------------------------

CHANGES = {  # one person more in Quebec in December 2022, and in every printed total that counts them
    "interceptions": {"2022-12,Quebec,4689,": "2022-12,Quebec,4690,"},
    "interceptions_totals": {
        "\n2022,Quebec,39171,": "\n2022,Quebec,39172,",
        "\n2022,Canada,39540,": "\n2022,Canada,39541,",
        "\n2022-12,Canada,4745,": "\n2022-12,Canada,4746,",
    },
}
AFTER = "39,172"


def one_person_more(folder: Path) -> None:
    """Change the record of a copy by one person, so that it stays valid."""
    for table, changes in CHANGES.items():
        path = folder / "data/tables" / f"{table}.csv"
        text = path.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1, (table, old)
            text = text.replace(old, new)
        path.write_text(text)


def without_briefs(folder: Path) -> Path:
    """The copy without the briefs, which stock does not print: the chapters that both do."""
    shutil.rmtree(folder / "chapters/briefs")
    (folder / "chapters/briefs.md").unlink()
    toc = folder / "_toc.yml"
    toc.write_text(toc.read_text().replace("- file: chapters/briefs\n", "", 1))
    return folder


def builds() -> None:
    chapter, asked = "chapters/03-the-count.md", ["-p", "province", "Manitoba"]
    rows: dict[str, list[float]] = {}

    def measure(name: str, command: list, folder: Path) -> None:
        rows.setdefault(name, []).append(seconds(command, folder))
        print(f"{name}: {rows[name][-1]:.2f} s", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(TIMES):
            alone = without_briefs(copy(Path(scratch) / f"alone-{turn}"))
            measure("cold build of the chapters alone: roxham build", [*ROXHAM, "build"], alone)
            shutil.rmtree(alone)
            ours, theirs = (copy(Path(scratch) / f"{who}-{turn}") for who in ("ours", "theirs"))
            measure("cold build: roxham build", [*ROXHAM, "build"], ours)
            measure("cold build: jupyter-book build", STOCK, theirs)
            measure("no change: roxham build", [*ROXHAM, "build"], ours)
            measure("no change: jupyter-book build", STOCK, theirs)
            measure("jupyter-book --version (its own start)", [BIN / "jupyter-book", "--version"], ours)
            for folder in (ours, theirs):
                path = folder / chapter
                path.write_text(path.read_text() + "\nOne sentence more.\n")
            measure("one sentence added: roxham build", [*ROXHAM, "build"], ours)
            measure("one sentence added: jupyter-book build", STOCK, theirs)
            for folder in (ours, theirs):
                path = folder / chapter
                path.write_text(path.read_text().replace("# The count\n", "# Count\n", 1))
            # the title stands in the navigation of every page
            measure("the title edited: roxham build", [*ROXHAM, "build"], ours)
            measure("the title edited: jupyter-book build", STOCK, theirs)
            for folder in (ours, theirs):
                path = folder / chapter
                path.write_text(path.read_text().replace("year = 2022  #", "year = 2021  #", 1))
            measure("one cell edited: roxham build", [*ROXHAM, "build"], ours)
            measure("one cell edited: jupyter-book build", STOCK, theirs)
            for folder, who, command in (
                (ours, "roxham build", [*ROXHAM, "build"]),
                (theirs, "jupyter-book build", STOCK),
            ):
                one_person_more(folder)
                taken = seconds(command, folder)
                page = (folder / "_build/html" / chapter).with_suffix(".html").read_text()
                said = "prints the new number" if AFTER in page else "prints the old number"
                rows.setdefault(f"one table changed: {who} ({said})", []).append(taken)
            measure("one rerun: roxham run", [*ROXHAM, "run", chapter, *asked], ours)
            recipe = (
                f"{BIN / 'jupytext'} --to ipynb --output - {chapter}"
                f" | {BIN / 'papermill'} - out.ipynb {' '.join(asked)}"
            )
            measure("one rerun: jupytext | papermill (no page)", ["bash", "-c", recipe], ours)
            for folder in (ours, theirs):
                shutil.rmtree(folder)

    target = OUT / "builds.csv"
    with target.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["what", "median_seconds", "lowest", "highest", "runs"])
        for name, times in rows.items():
            median = statistics.median(times)
            out.writerow([name, f"{median:.2f}", f"{min(times):.2f}", f"{max(times):.2f}", len(times)])
            print(f"{median:8.2f} s  ({min(times):.2f} to {max(times):.2f})  {name}")
    print(target.relative_to(ROOT))


# --- pages --------------------------------------------------------------------------------------------------

MEASURES = {
    "requests": "requests",
    "kilobytes": "compressed kB",
    "lcp": "largest contentful paint, ms",
    "tbt": "total blocking time, ms",
}
CDN = re.compile(r"https://cdn\.jsdelivr\.net/npm/(?P<name>(?:@[\w.-]+/)?[\w.-]+)@(?P<version>[\w.^-]+)")
COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg+xml")
OBSERVE = """
window.bench = { paint: 0, lcp: 0, tasks: [] };
new PerformanceObserver(list => { for (const e of list.getEntries())
  if (e.name === 'first-contentful-paint') bench.paint = e.startTime; }).observe({ type: 'paint', buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries()) bench.lcp = e.startTime; })
  .observe({ type: 'largest-contentful-paint', buffered: true });
new PerformanceObserver(list => { for (const e of list.getEntries()) bench.tasks.push([e.startTime, e.duration]); })
  .observe({ type: 'longtask', buffered: true });
"""
# what of each task is over 50 ms, from the first paint on
BLOCKED = """() => ({ lcp: bench.lcp, tbt: bench.tasks
  .map(([start, duration]) => Math.min(duration, start + duration - bench.paint))
  .reduce((sum, shown) => sum + Math.max(0, shown - 50), 0) })"""
LAST = "() => Math.max(0, ...bench.tasks.map(([start, duration]) => start + duration))"


def pages(chapter: str, loads: int) -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    import chromium
    from playwright.sync_api import sync_playwright

    seconds([*ROXHAM, "build"], ROOT)
    with tempfile.TemporaryDirectory() as scratch:
        theirs = stock(Path(scratch) / "book", chapter)
        sites = {"ours": ROOT / "_build" / "html", "stock": theirs / "_build" / "html", "cdn": OUT / "cdn"}
        text = (sites["stock"] / f"{chapter}.html").read_text()
        charts = (
            (sites["ours"] / f"{chapter}.html").read_text().count('class="rx-figure"'),
            text.count("vegaEmbed("),
        )
        for name, version in sorted(set(CDN.findall(text))):
            fetch(name, version)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), server_of(sites))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rows = {(network, who): [] for network in NETWORKS for who in ("ours", "stock")}
        flags = ["--no-sandbox", "--disable-gpu"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=flags)
            for turn in range(loads + 1):
                for network, who in rows:
                    address = f"http://127.0.0.1:{server.server_port}/{who}/{chapter}.html"
                    result = load(browser, address, NETWORKS[network])
                    if turn:  # the first warms the server and the browser
                        rows[network, who].append(result)
                        print(f"{network}, {who}: {result}", file=sys.stderr, flush=True)
            browser.close()
        server.shutdown()
    print(f"{chapter}: median of {loads} loads (lowest to highest), processor {SLOWER}× slower")
    with (OUT / "pages.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["chapter", "network", "measure", "whose", "median", "lowest", "highest", "loads"])
        for network in NETWORKS:
            print(f"{network:32}{'ours':>24}{'stock':>24}{'ratio':>8}")
            for key, name in MEASURES.items():
                medians, cells = [], []
                for who in ("ours", "stock"):
                    values = [result[key] for result in rows[network, who]]
                    middle, low, high = (
                        round(x) for x in (statistics.median(values), min(values), max(values))
                    )
                    out.writerow([chapter, network, name, who, middle, low, high, len(values)])
                    medians.append(middle)
                    cells.append(f"{middle} ({low} to {high})")
                ratio = f"{medians[0] / medians[1]:.2f}" if medians[1] else "–"
                print(f"{name:32}{cells[0]:>24}{cells[1]:>24}{ratio:>8}")
    print(f"figures on the page: ours {charts[0]}, stock {charts[1]}")
    print((OUT / "pages.csv").relative_to(ROOT))


def stock(folder: Path, chapter: str) -> Path:
    """The book as Jupyter Book builds it by its defaults, the chapter executed, its figures plain Altair charts."""
    copy(folder)
    config = yaml.safe_load((folder / "_config.yml").read_text())
    others = [
        p.relative_to(folder).as_posix() for p in folder.glob("chapters/*.md") if p.stem != Path(chapter).name
    ]
    kept = {key: config[key] for key in ("title", "author", "only_build_toc_files", "exclude_patterns")}
    kept["parse"] = {
        "myst_enable_extensions": config["parse"]["myst_enable_extensions"]
    }  # the text needs them
    kept["bibtex_bibfiles"] = config["bibtex_bibfiles"]
    kept["execute"] = {"execute_notebooks": "force", "timeout": 600, "exclude_patterns": others}
    (folder / "_config.yml").write_text(yaml.safe_dump(kept))
    path = folder / f"{chapter}.md"
    ours = "from roxham.figures import figure\n"
    plain = (
        "def figure(chart, **_):\n"
        "    return chart if isinstance(chart, alt.TopLevelMixin) else chart(charts.WIDE)\n"
    )
    text = path.read_text()
    if text.count(ours) != 1:
        sys.exit(f"bench: {chapter}.md does not import `figure` in a line of its own")
    path.write_text(text.replace(ours, plain))
    seconds(STOCK, folder)
    return folder


def fetch(name: str, version: str) -> None:
    """A script as the CDN gives it: the file that its npm package names, put where the server looks for it."""
    folder = OUT / "cdn" / "npm" / f"{name}@{version}"
    if folder.is_dir() and any(folder.iterdir()):
        return
    if not shutil.which("npm"):
        sys.exit(f"bench: npm is needed once, for {name}@{version}, which stock Altair loads from a CDN")
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            ["npm", "pack", "--silent", f"{name}@{version}"], cwd=scratch, capture_output=True, text=True
        )
        found = list(Path(scratch).glob("*.tgz"))
        if done.returncode or not found:
            sys.exit(f"bench: npm could not fetch {name}@{version}: {done.stderr.strip()}")
        with tarfile.open(found[0]) as package:
            about = json.load(package.extractfile("package/package.json"))
            script = package.extractfile(f"package/{about['jsdelivr']}").read()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.js").write_bytes(script)
        print(f"npm: {name}@{version} is {about['version']}, {about['jsdelivr']}", file=sys.stderr)


def server_of(sites: dict[str, Path]):
    """A server of /ours/…, /stock/… and /cdn/…, compressed; addresses of the CDN become its own."""

    @cache
    def content(address: str) -> tuple[bytes, str, bool] | None:
        who, _, rest = unquote(urlsplit(address).path).lstrip("/").partition("/")
        path = sites[who] / rest if who in sites else Path("/nowhere")
        if who == "cdn":
            path = path / "index.js"
        if not path.is_file():
            return None
        kind = "application/javascript" if path.suffix == ".js" else mimetypes.guess_type(path)[0] or ""
        data = path.read_bytes()
        if who == "stock" and path.suffix == ".html":
            data = data.replace(b"https://cdn.jsdelivr.net/", b"/cdn/")
        packed = kind.startswith(COMPRESSED)
        return (gzip.compress(data, 6) if packed else data), kind, packed

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            found = content(self.path)
            body, kind, packed = found or (b"", "text/plain", False)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", kind or "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_): ...

    return Handler


def load(browser, address: str, network: tuple[float, float] | None) -> dict[str, float]:
    """One load with an empty cache, until nothing happens any more."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    sizes, foreign = [], []
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    if network:
        speed = network[1] * 1e6 / 8
        slow = {"latency": network[0], "downloadThroughput": speed, "uploadThroughput": speed / 2}
        devtools.send("Network.emulateNetworkConditions", {"offline": False} | slow)
    devtools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    asked = set()
    page.on("request", lambda r: r.url.startswith("http") and asked.add(r.url))
    page.on("requestfailed", lambda r: foreign.append(r.url))
    page.on("response", lambda r: r.status >= 400 and foreign.append(r.url))
    page.add_init_script(OBSERVE)
    page.goto(address, wait_until="load", timeout=120_000)
    while True:
        before = len(asked)
        page.wait_for_timeout(QUIET)
        if before == len(asked) and page.evaluate("performance.now()") - page.evaluate(LAST) > QUIET:
            break
    result = page.evaluate(BLOCKED) | {"requests": len(asked), "kilobytes": sum(sizes) / 1000}
    if foreign:
        print(f"bench: {address} asked in vain for {', '.join(sorted(set(foreign)))}", file=sys.stderr)
    context.close()
    return {key: round(result[key], 1) for key in MEASURES}


if __name__ == "__main__":
    main()
