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
import sys
import tempfile
from collections.abc import Coroutine
from threading import Thread

from nbclient.exceptions import CellExecutionError, DeadKernelError

INSIDE = "__import__('roxham.publish.kernel', fromlist=['kernel'])"


class WarmKernel:
    """One IPython kernel with its client; used by one thread at a time.

    Its event loop runs in a thread of its own, so that callers may have a loop running themselves.
    """

    def __init__(self) -> None:
        self.manager = self.client = self.loop = None

    def _run(self, coroutine: Coroutine):
        """The result of a coroutine on the kernel's loop."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
            Thread(target=self.loop.run_forever, name="roxham-kernel", daemon=True).start()
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

    def begin(self) -> None:
        """Make the kernel as new."""
        self.start()
        self._run(self._ask("begin()"))

    def dependencies(self) -> list[str]:
        """The project's files that the notebook just executed depends on, relative to the root."""
        return json.loads(self._run(self._ask("report()")))

    def execute(self, nb_man, **options) -> None:
        """Execute the cells of papermill's managed notebook up to the first error, as papermill itself does."""
        from papermill.clientwrap import PapermillNotebookClient

        client = PapermillNotebookClient(nb_man, km=self.manager, kernel_name="python3", **options)
        client.kc = self.client
        client.reset_execution_trackers()
        try:
            self._run(self._cells(client, nb_man))
        except DeadKernelError:
            self.stop()
            raise

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

    def stop(self) -> None:
        """End the kernel; the next `begin` starts another. May be called twice."""
        if self.manager is None:
            return
        manager, client, self.manager, self.client = self.manager, self.client, None, None
        atexit.unregister(self.stop)
        if client is not None:
            self.loop.call_soon_threadsafe(client.stop_channels)
        self._run(manager.shutdown_kernel(now=True))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.loop = None
        self.folder.cleanup()
