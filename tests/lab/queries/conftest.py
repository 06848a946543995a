"""Runs that answer questions, in this process and in a worker."""

from __future__ import annotations

import pytest

from lab.server.pool import WorkerPool
from lab.worker.local_pool import LocalPool


@pytest.fixture(scope="module", params=[LocalPool, WorkerPool], ids=["here", "worker"])
def pool(request):
    if request.param is LocalPool:
        yield LocalPool()
    else:
        workers = WorkerPool(1)
        workers.start()
        yield workers
        workers.stop()
