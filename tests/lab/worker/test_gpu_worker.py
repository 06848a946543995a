"""A worker process whose graphics card breaks down: a package that stands in for CuPy lies on its path."""

from __future__ import annotations

import re
import shutil

import pytest

from engine.backend import CPU, Device
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, GetFrame, Play, Step
from lab.server.pool import WorkerPool
from tests.lab.helpers import SMALL, until

PRETENDED = """
import os
from tests.engine.gpu.fake_cupy import *
from tests.engine.gpu.fake_cupy import RawKernel as Kernel


class CUDARuntimeError(RuntimeError):
    status = 700


class RawKernel(Kernel):
    def __call__(self, *arguments):
        try:
            os.unlink({fault!r})
        except FileNotFoundError:
            return super().__call__(*arguments)
        raise CUDARuntimeError("cudaErrorIllegalAddress")
"""

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler to stand in for NVRTC")


def test_a_lost_card_restarts_its_worker_which_resumes_and_a_second_loss_sends_the_run_to_the_processor(
    tmp_path, monkeypatch
):
    fault = tmp_path / "fault"
    (tmp_path / "cupy.py").write_text(PRETENDED.format(fault=str(fault)), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("engine.backend._found", [CPU, Device("cuda:0", "GPU")])
    pool = WorkerPool(1)
    pool.start()
    try:
        on_card, beside = (pool.open(experiment, "epoch") for experiment in (SMALL.change(device="cuda:0"), SMALL))
        pool.do(on_card, Play())
        pool.do(beside, Step())

        def shown(token=on_card):
            return unpack(pool.frame(token))[0]

        until(lambda: (kept := pool.runs[beside].checkpoint) is not None and kept.state.epoch == 1)

        saved = 0
        for losses, device in ((0, "GPU 0"), (1, "GPU 0"), (2, "CPU")):
            until(lambda before=losses: pool.workers[0].restarts == before and pool.workers[0].alive)
            header = shown()
            assert (header["device"], header["status"]) == (device, "running")
            if losses:
                resumed = re.search(r"resumed from epoch (\d+)\.", header["notice"])
                assert resumed
                assert saved <= int(resumed[1]) <= header["epoch"]
                assert ("for the second time; this run continues on the CPU" in header["notice"]) == (losses == 2)
            if losses < 2:
                until(
                    lambda more=header["epoch"] + 1: (
                        shown()["epoch"] >= more <= pool.runs[on_card].checkpoint.state.epoch
                    )
                )
                saved = pool.runs[on_card].checkpoint.state.epoch
                pool.do(on_card, Change(SMALL.change(device="cuda:0", batch_size=7 + losses)))  # kernels are started
                fault.touch()
                until(lambda before=losses: asked(pool, on_card) and pool.workers[0].restarts > before)
        assert shown(beside)["epoch"] == 1  # who shared the process lost nothing
    finally:
        pool.stop()


def asked(pool, token):
    """Ask for a frame, so that it trains; while its worker is away there is none."""
    pool.submit(token, GetFrame()).result(60)
    return True
