"""The server. `streamlit run app.py` starts the worker processes, serves the page and the live socket, and cleans up.

The page itself begins in ui/router.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy
sys.path.insert(0, str(Path(__file__).parent))

import pandas  # noqa: F401  imported here once: two visitors who import it at the same moment would break each other
import plotly.graph_objects  # noqa: F401  so that no visitor waits for it
import streamlit as st
from starlette.middleware import Middleware

import lab.worker.local_pool  # noqa: F401  with all that pages need of it; no visitor waits for that either
from lab.devices import search
from lab.experiment import own_data
from lab.server import pool
from lab.server.checkpoint_store import Store, claimed, usual_folder
from lab.server.descriptors import descriptors, raise_limit
from lab.server.limits import limits
from lab.server.log import log
from lab.store import shared
from lab.store.address import StoreError
from ui.server import log_lines
from ui.server.gate import Gate
from ui.server.headers import Headers
from ui.server.preloads import Preloads
from ui.server.routes import ROUTES
from ui.server.static_assets import CachedStreamlitAssets
from ui.streamlit_compat import downloads, server

STORE_PERIOD_S = 3600.0  # between two looks for kept runs that are too old
SWEEP_PERIOD_S = 10.0  # between two sweeps, which free abandoned runs and save new checkpoints


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[dict[str, object]]:
    bounds, most_files = limits(), raise_limit()
    log_lines.install()
    # The folder of uploads is there before the workers start, which find it by its environment variable.
    with own_data.new_folder(), claimed(usual_folder()) if bounds.saved_mb else contextlib.nullcontext(False) as saves:
        store = Store(usual_folder(), bounds.saved_mb, bounds.saved_hours) if saves else None
        pool.SERVER = workers = pool.WorkerPool(store=store)
        workers.start()
        search.search()
        gc.collect()
        gc.freeze()  # all of this stays; without this every collection stops the server for 24 ms
        opening = asyncio.create_task(asyncio.to_thread(_care_for_store))  # no visitor waits for it
        sweeper = asyncio.create_task(_sweep(workers, most_files))
        try:
            yield {}
        finally:
            sweeper.cancel()
            pool.SERVER = None
            await asyncio.gather(opening, asyncio.to_thread(workers.stop))
            shared.close()


def _care_for_store() -> None:
    """Remove kept runs that are too old. Without the store the server does all the rest."""
    try:
        if shared.exists():
            shared.shared().prune()
    except StoreError as problem:
        log("no store of kept runs", reason=str(problem))


async def _sweep(workers: pool.WorkerPool, most_files: int) -> None:
    cared = time.monotonic()
    while True:
        await asyncio.sleep(min(SWEEP_PERIOD_S, workers.limits.away_seconds))
        if time.monotonic() - cared > STORE_PERIOD_S:
            cared = time.monotonic()
            await asyncio.to_thread(_care_for_store)
        await asyncio.to_thread(workers.sweep, time.monotonic(), workers.limits.away_seconds)
        await asyncio.to_thread(workers.save)
        own_data.UPLOADS.sweep(workers.uses())
        server.end_old_sessions()
        if (files := descriptors(most_files)).scarce:
            log("few file descriptors left", open=files.open, limit=files.limit)
        gc.collect()  # what sessions that have ended leave behind


server.install()
downloads.install()
app = st.App(
    "ui/router.py",
    lifespan=lifespan,
    routes=ROUTES,
    middleware=[Middleware(Gate), Middleware(Headers), Middleware(CachedStreamlitAssets), Middleware(Preloads)],
)
