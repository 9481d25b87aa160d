"""Where work is done side by side: an embedded dask cluster, or any scheduler by its address."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster

WAIT = 10  # s, for a scheduler to answer


@contextmanager
def connected(workers: int, scheduler: str | None, *, processes: bool = False) -> Iterator[Client]:
    """A client of ``scheduler``, or of an embedded cluster that ends with the context.

    Threads suffice where the work is done in kernels, which are processes of their own; Python's own arithmetic
    needs ``processes``. Raises `ConnectionError` if the scheduler does not answer within 10 s.
    """
    dask.config.set({"distributed.comm.timeouts.connect": f"{WAIT}s"})
    # a run that is interrupted says so itself
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    cluster = None
    if scheduler is None:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=processes,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        )
    try:
        try:
            client = Client(cluster or scheduler, timeout=WAIT)
        except (OSError, TimeoutError) as error:
            raise ConnectionError(
                f"no dask scheduler answers at {scheduler} within {WAIT} s ({error})"
            ) from error
        with client:
            yield client
    finally:
        if cluster is not None:
            cluster.close()
