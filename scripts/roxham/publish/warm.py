"""A kernel kept warm for papermill.

Starting a kernel and importing pandas, Altair and GeoPandas costs a few seconds a notebook, and a new client
for it 0.2 s more. `WarmKernel` pays both once; `kernel.begin` makes it as new before each notebook.
"""

from __future__ import annotations

import ast
import asyncio
import atexit
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import suppress
from threading import Thread

import psutil
from nbclient.exceptions import CellExecutionError, DeadKernelError

SECONDS = 1200  # a notebook that takes longer hangs
MEMORY = 3_000  # MB; a kernel that holds more is given up
POLL = 0.25  # s
INSIDE = "__import__('roxham.publish.kernel', fromlist=['kernel'])"


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and close what it holds open."""
    try:
        loop.run_forever()
    finally:
        loop.close()


class KernelLost(RuntimeError):
    """The kernel died under a notebook, or had to be ended: it hung, or held too much memory."""


class WarmKernel:
    """One IPython kernel with its client; used by one thread at a time.

    It gives a notebook so many ``seconds`` and MB of ``memory``. Its event loop runs in a thread of its own, so
    that callers may have a loop running themselves.
    """

    def __init__(self, seconds: float = SECONDS, memory: float = MEMORY) -> None:
        self.seconds, self.memory = seconds, memory
        self.manager = self.client = self.loop = None
        self.ended = False

    def _run(self, coroutine: Coroutine):
        """The result of a coroutine on the kernel's loop."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            Thread(target=_serve, args=[self.loop], name="roxham-kernel", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def start(self) -> None:
        """Start the kernel if there is none, and import the libraries in it."""
        if self.manager is None:
            self._run(self._start())

    async def _start(self) -> None:
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager

        from roxham.publish.chapters import ROOT

        class ThisPython(KernelSpecManager):
            """Always this interpreter: a user's own kernel named python3 may be another environment's."""

            def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
                command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
                return KernelSpec(argv=[*command, "--HistoryManager.enabled=False"], language="python")

        # sockets in a private folder: no port to race for, none left behind
        self.folder = tempfile.TemporaryDirectory(prefix="roxham-")
        self.manager = AsyncKernelManager(
            kernel_spec_manager=ThisPython(),
            transport="ipc",
            ip=os.path.join(self.folder.name, "k"),
            connection_file=os.path.join(self.folder.name, "c.json"),
        )
        atexit.register(self.stop)
        environment = {"ROXHAM_CACHE": str(ROOT / "_build" / "cache")} | os.environ
        environment |= {"ROXHAM_FIGURES": "site", "PYTHONHASHSEED": "0"}
        environment.pop("JPY_SESSION_NAME", None)
        await self.manager.start_kernel(cwd=str(ROOT), env=environment)
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=60)
        self.client.allow_stdin = False
        await self._ask("warm()")

    async def _ask(self, call: str):
        """The value of a call into `roxham.publish.kernel`, made inside the kernel, unseen by the notebook."""
        reply = await self.client.execute_interactive(
            "", silent=True, user_expressions={"value": f"{INSIDE}.{call}"}, timeout=120
        )
        value = reply["content"]["user_expressions"]["value"]
        if value["status"] != "ok":
            raise RuntimeError(f"kernel.{call}: " + "\n".join(value["traceback"]))
        return ast.literal_eval(value["data"]["text/plain"])

    def held(self) -> float:
        """The memory that the kernel holds, in MB."""
        return psutil.Process(self.manager.provisioner.pid).memory_info().rss / 2**20

    def begin(self) -> None:
        """Make the kernel as new; one that cannot be made so, or has come to hold much, is replaced."""
        if self.manager is not None and not self._as_new():
            self.stop()
        if self.ended:
            raise KernelLost("the work was stopped")
        if self.manager is None:
            self.start()
            self._run(self._ask("begin()"))

    def _as_new(self) -> bool:
        try:
            if self.held() > self.memory / 2:
                return False
            self._run(self._ask("begin()"))
            return True
        except (psutil.Error, RuntimeError, TimeoutError):
            return False

    def dependencies(self) -> list[str]:
        """The project's files that the notebook just executed depends on, relative to the root."""
        return json.loads(self._run(self._ask("report()")))

    def execute(self, nb_man) -> None:
        """Execute the cells of papermill's managed notebook up to the first error, as papermill itself does.

        Raises `KernelLost`, with the kernel ended, if it dies, takes too long or holds too much memory.
        """
        from papermill.clientwrap import PapermillNotebookClient

        client = PapermillNotebookClient(nb_man, km=self.manager, kernel_name="python3")
        client.kc = self.client
        client.reset_execution_trackers()
        try:
            self._run(self._watched(self._cells(client, nb_man)))
        except (DeadKernelError, psutil.NoSuchProcess) as error:
            self.stop()
            raise KernelLost("the kernel died") from error
        except KernelLost:
            self.stop()
            raise

    async def _watched(self, cells: Coroutine) -> None:
        task, started = asyncio.ensure_future(cells), time.monotonic()
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # if given up, nobody asks
        try:
            while not (await asyncio.wait({task}, timeout=POLL))[0]:
                if time.monotonic() - started > self.seconds:
                    raise KernelLost(f"the notebook took more than {self.seconds:g} s")
                if (held := self.held()) > self.memory:
                    raise KernelLost(f"the kernel held {held:,.0f} MB; allowed are {self.memory:,.0f}")
            task.result()
        finally:
            task.cancel()

    @staticmethod
    async def _cells(client, nb_man) -> None:
        for index, cell in enumerate(nb_man.nb.cells):
            try:
                nb_man.cell_start(cell, index)
                await client.async_execute_cell(cell, index)
            except CellExecutionError as error:
                nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            finally:
                nb_man.cell_complete(cell, cell_index=index)

    def end(self) -> None:
        """End the kernel for good: whatever runs on it fails, and `begin` starts no other."""
        self.ended = True
        self.stop()

    def stop(self) -> None:
        """End the kernel and all that it started; the next `begin` starts another. May be called twice."""
        if self.manager is None:
            return
        manager, client, loop, self.manager, self.client = self.manager, self.client, self.loop, None, None
        atexit.unregister(self.stop)
        with suppress(ProcessLookupError, TypeError):
            os.killpg(manager.provisioner.pgid, signal.SIGKILL)
        if client is not None:
            loop.call_soon_threadsafe(client.stop_channels)
        self._run(self._shut(manager))
        self.loop = None
        loop.call_soon_threadsafe(loop.stop)
        self.folder.cleanup()

    @staticmethod
    async def _shut(manager) -> None:
        await manager.shutdown_kernel(now=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:  # whoever waits for one must not wait for ever
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
