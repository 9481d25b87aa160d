"""The papermill engine ``roxham``, which papermill itself loads by its entry point (import it by no other way)."""

from __future__ import annotations

from papermill.engines import Engine

from roxham.publish.warm import WarmKernel


class WarmEngine(Engine):
    """``papermill --engine roxham``: runs on the `kernel` it is handed, or on one kept for the process."""

    own: WarmKernel | None = None

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, kernel: WarmKernel | None = None, **options):
        if kernel is None:
            kernel = cls.own = cls.own or WarmKernel()
        kernel.begin()
        kernel.execute(nb_man)
