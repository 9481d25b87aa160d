"""Where work is done side by side: an embedded dask cluster, or any scheduler by its address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from tempfile import TemporaryDirectory
from uuid import uuid4

import dask
from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker

from roxham.publish.cache import state

WAIT = 8  # s, for a scheduler to answer: with the start of the command, ten at most
AHEAD = (
    64  # pieces handed out beyond those at work: enough to keep workers busy, few enough to hold in memory
)


class Refused(ConnectionError):
    """The cluster cannot do this work: its workers have other code or tables, or none, or it went away."""


class Alike(WorkerPlugin):
    """Lets a worker take part only if its code, tables and environment are those of the caller.

    It is set up on the workers that are there and on each that joins later. Subclasses add what their work needs.
    """

    def __init__(self) -> None:
        self.name = f"roxham-{uuid4().hex}"  # two commands may use one scheduler
        self.expected = state()

    def setup(self, worker) -> None:
        if (here := state()) != self.expected:
            raise Refused(
                f"the worker {worker.address} has another version of the code, tables or environment: "
                f"{here}, not {self.expected}"
            )


def plugin(name: str) -> Alike:
    """On a worker: the plugin of the work under way."""
    return get_worker().plugins[name]


def side_by_side(
    work: Callable,
    items: Iterable,
    *,
    workers: int,
    scheduler: str | None,
    needs: Alike | None = None,
    processes: bool = False,
    notice: Callable[[str], None] = lambda text: None,
) -> Iterator[tuple[object, object]]:
    """Each item with what ``work(name of the plugin, item)`` made of it, or with its exception, as they come.

    What a lost worker had under way is done again by another (four times, then it is an exception). Only a few
    items are handed out at a time, and nothing is kept of those done. Raises `Refused` if the scheduler does not
    answer within 10 s or its workers are not of this version.
    """
    items = iter(items)
    with (
        connected(workers, scheduler, processes=processes) as client,
        _with(client, needs or Alike()) as name,
    ):
        if not client.nthreads():
            notice(f"no worker has joined {scheduler} yet; waiting for one")
        give = partial(client.submit, work, name, pure=False)
        given = {give(item): item for item in islice(items, AHEAD + 2 * sum(client.nthreads().values()))}
        coming = as_completed(given)
        try:
            for future in coming:
                item = given.pop(future)
                if future.status == "cancelled":
                    raise Refused(f"the connection to the scheduler {scheduler} was lost")
                outcome = future.result() if future.status == "finished" else future.exception()
                future.release()
                for following in islice(items, 1):
                    fresh = give(following)
                    given[fresh] = following
                    coming.add(fresh)
                yield item, outcome
        finally:
            if given:
                client.cancel(list(given))


@contextmanager
def _with(client: Client, needs: Alike) -> Iterator[str]:
    """The plugin on every worker, for as long as the context lasts."""
    try:
        client.register_plugin(needs)
        yield needs.name
    finally:
        try:
            client.unregister_worker_plugin(needs.name)
        except Exception:  # the scheduler is gone, and with it the workers
            logging.getLogger(__name__).debug("not unregistered", exc_info=True)


@contextmanager
def connected(workers: int, scheduler: str | None, *, processes: bool = False) -> Iterator[Client]:
    """A client of ``scheduler``, or of an embedded cluster that ends with the context.

    Threads suffice where the work is done in kernels, which are processes of their own; Python's own arithmetic
    needs ``processes``. Raises `Refused` if the scheduler does not answer within 10 s.
    """
    # a run that is interrupted says so itself
    for name in ("worker.state_machine", "worker", "client", "nanny"):
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    with ExitStack() as ends:
        scratch = ends.enter_context(TemporaryDirectory(prefix="roxham-"))  # dask would leave its own behind
        settings = {
            "distributed.comm.timeouts.connect": f"{WAIT}s",
            "temporary-directory": scratch,
            # what dask keeps for its dashboard, which nobody opens here, would grow with every piece of work
            "distributed.worker.profile.enabled": False,
            "distributed.admin.low-level-log-length": 50,
        }
        ends.enter_context(dask.config.set(settings))
        if scheduler is None:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=processes,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
            )
            scheduler = ends.enter_context(cluster)
        try:
            client = Client(scheduler, timeout=WAIT)
        except (OSError, TimeoutError, ValueError) as error:
            raise Refused(f"no dask scheduler answers at {scheduler} within 10 s ({error})") from error
        yield ends.enter_context(client)
