"""Runs on a graphics card: the stand-in for CuPy plays the card, and its faults."""

from __future__ import annotations

import gc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from engine import backend
from engine.backend import CPU, Device
from engine.network.network import Network
from lab.experiment.experiment import ExperimentError
from lab.protocol.frames import unpack
from lab.protocol.messages import Change, Close, GetFrame, Open, Step
from lab.server.pool import WorkerPool, frame_bytes, settled
from lab.server.run_record import RunRecord
from lab.training.build import MEMORY_FULL, backend_named, build
from lab.worker.scheduler import Scheduler
from tests.engine.gpu.fake_backend import FakeBackend
from tests.engine.gpu.fake_cupy import CARD
from tests.lab.helpers import SMALL, look, losses, train

ON_CARD = SMALL.change(device="cuda:0")


@pytest.fixture
def card(monkeypatch):
    """A card that this machine seems to have."""
    gc.collect()
    CARD.reset()
    backend = FakeBackend()
    monkeypatch.setattr("engine.backend._found", [CPU, Device("cuda:0", "GPU")])
    monkeypatch.setattr("lab.training.build.backend_named", lambda name: backend)
    yield CARD
    CARD.memory = 1 << 40


def opened(host, name, experiment=ON_CARD):
    return host.answer(name, Open(experiment))


def shown(host, name):
    return unpack(frame_bytes(host.answer(name, GetFrame())))[0]


class Fault(RuntimeError):
    """As CuPy reports an illegal memory access: nothing on the card works after it."""

    status = 700


def test_a_run_on_the_card_gives_the_curve_of_the_processor(make, card):
    here, there = make(), make(ON_CARD)
    for run in (here, there):
        run.play()
        train(run, 12)
    np.testing.assert_allclose(losses(there), losses(here), rtol=1e-4)
    assert card.launches > 100
    assert (look(here)[0]["device"], look(there)[0]["device"]) == ("CPU", "GPU 0")


def test_a_weight_typed_by_hand_reaches_the_card(make, card):
    here, there = make(), make(ON_CARD)
    for run in (here, there):
        run.play()
        train(run, 3)
        run.edit(0, 0, 1, 2.5)
        train(run, 3)
    np.testing.assert_allclose(losses(there), losses(here), rtol=1e-4)


def test_what_does_not_fit_is_refused_before_any_of_it_is_taken(card):
    card.memory = 100_000
    with pytest.raises(ExperimentError, match=r"^device: this takes about .+ MB on the GPU, and .+ MB are free\. "):
        build(ON_CARD.change(hidden=(200, 200)))
    assert card.used == 0


def test_a_full_card_ends_only_the_run_that_filled_it(card):
    host = Scheduler()
    for name in ("one", "two"):
        assert not opened(host, name).error
    one, two = host.runs.values()
    for run in (one, two):
        run.play()
        train(run)
    card.memory = card.used  # from here on nothing new fits
    one.change(ON_CARD.change(batch_size=17))  # needs buffers of another size
    one.play()
    for name in ("one", "two"):
        shown(host, name)
    while host.work():
        pass
    assert (one.status, one.notice) == ("stopped", MEMORY_FULL)
    assert two.status == "running"
    assert two.trainer.epochs == 2


def test_what_a_run_has_left_behind_does_not_count_as_taken(card):
    built = build(ON_CARD)
    card.memory = int(2.2 * card.used)
    del built  # a trainer and its twin know each other: only a collection finds them
    assert build(ON_CARD).trainer.backend


@pytest.mark.parametrize("status", [2, 700])
def test_memory_that_a_library_of_the_card_finds_missing_is_called_so(card, monkeypatch, status):
    host = Scheduler()
    opened(host, "one")
    run = host.runs["one"]
    run.play()
    shown(host, "one")

    def break_down(*_, **__):
        raise type("CUDARuntimeError", (RuntimeError,), {"status": status})

    monkeypatch.setattr(Network, "forward", break_down)
    host.work()
    assert run.status == "stopped"
    assert run.notice == (MEMORY_FULL if status == 2 else "Training failed (CUDARuntimeError).")


def test_a_card_that_is_full_refuses_a_new_run_and_the_old_ones_go_on(card, monkeypatch):
    monkeypatch.setattr("lab.training.build._fits", lambda *_: None)  # an estimate may be wrong
    host = Scheduler()
    opened(host, "one")
    card.memory = card.used
    reply = opened(host, "two", ON_CARD.change(hidden=(64, 64)))
    assert (reply.error, reply.sentence) == ("refused", f"device: {MEMORY_FULL}")
    assert list(host.runs) == ["one"]


def test_closing_a_run_frees_its_memory(card):
    host = Scheduler()
    opened(host, "one")
    assert card.used > 0
    host.answer("one", Close())
    assert card.used == 0


@pytest.mark.parametrize("where", ["while it trains", "while it is looked at"])
def test_a_fault_that_the_card_does_not_survive_ends_the_process_of_a_worker(card, monkeypatch, where):
    worker, page = Scheduler(expendable=True), Scheduler()
    for host in (worker, page):
        opened(host, "one")
        host.runs["one"].play()
        shown(host, "one")

    def break_down(*_, **__):
        raise Fault("cudaErrorIllegalAddress")

    monkeypatch.setattr(Network, "forward", break_down)
    ask = Scheduler.work if where == "while it trains" else lambda host: shown_error(host)
    with pytest.raises(Fault):
        ask(worker)
    ask(page)  # there is no other process: the run ends, the program does not


def shown_error(host):
    host.runs["one"].trainer.parameters_changed()
    assert host.answer("one", GetFrame()).error == "failed"


def test_a_second_loss_of_the_worker_sends_its_run_to_the_processor_and_says_so(card):
    host, pool = Scheduler(), WorkerPool(1)
    opened(host, "one")
    host.runs["one"].play()
    shown(host, "one")
    host.work()
    (checkpoint,) = host.checkpoints(0.0)
    worker = SimpleNamespace(culprit="", restarts=1)
    pool.runs.add("one", RunRecord(worker, checkpoint.state, checkpoint=checkpoint))
    first, second = (next(iter(pool.recovery_commands(worker))) for _ in range(2))
    for number, (name, command, sent) in enumerate((first, second)):
        revived = Scheduler()
        assert not revived.answer(name, command, sent).error
        run = revived.runs["one"]
        assert run.trainer.steps == host.runs["one"].trainer.steps
        assert shown(revived, "one")["device"] == ("GPU 0", "CPU")[number]
        assert "stopped" in run.notice
        assert ("continues on the CPU" in run.notice) == (number == 1)
        run.change(ON_CARD.change(hidden=(5,)))
        assert shown(revived, "one")["device"] == ("GPU 0", "CPU")[number]  # a page may not know of it


def test_a_run_that_the_card_does_not_take_back_goes_on_on_the_processor_and_says_so(card, monkeypatch):
    host = Scheduler()
    opened(host, "one")
    train(host.runs["one"], 2)
    (checkpoint,) = host.checkpoints(0.0)
    record = RunRecord(SimpleNamespace(restarts=1), checkpoint.state, checkpoint=checkpoint)
    command, sent = record.recovery_command()
    monkeypatch.setattr("engine.backend._found", [CPU, Device("cuda:0", "GPU", "It fell off the bus.")])
    revived = Scheduler(expendable=True)
    assert not revived.answer("one", replace(command, devices=tuple(backend.known_devices())), sent).error
    run = revived.runs["one"]
    assert run.trainer.backend is None
    assert run.trainer.steps == host.runs["one"].trainer.steps
    assert run.notice.endswith("The GPU did not take it again; it continues on the CPU.")


def test_a_worker_is_told_what_the_server_has_found_and_makes_no_trial_of_its_own(card, monkeypatch):
    pool = WorkerPool(1)
    pool.workers = [FakeWorker()]
    monkeypatch.setattr("engine.backend.graphics_cards", None)
    sent, submit = [], FakeWorker.submit

    def elsewhere(worker, run, command, arrays=None):
        monkeypatch.setattr("engine.backend._found", [])  # another process knows nothing of it
        sent.append(command)
        return submit(worker, run, command, arrays)

    monkeypatch.setattr(FakeWorker, "submit", elsewhere)
    pool.open(ON_CARD)
    assert [device.name for device in sent[0].devices] == ["cpu", "cuda:0"]
    assert len(pool.workers[0].host.runs) == 1
    pool.open(SMALL)
    assert sent[1].devices == ()


class FakeWorker:
    """Answers at once, as a process with a host in it would."""

    restarts = 0

    def __init__(self):
        self.host = Scheduler()

    def submit(self, run, command, arrays=None):
        return settled(self.host.answer(run, command, arrays))

    def wait(self, seconds):
        pass


def epoch_after_step(pool, token, worker):
    """Press Step and let the worker train as long as it takes: the answer comes after STEP_BUDGET_S at the latest."""
    pool.do(token, Step())
    host = pool.workers[worker].host
    while host.work():
        pass
    return host.runs[token].trainer.epochs


def test_runs_on_the_card_live_in_one_process_and_move_there_when_they_change(card):
    pool = WorkerPool(3)
    pool.workers = [FakeWorker() for _ in range(3)]
    tokens = [pool.open(SMALL) for _ in range(3)]
    pool.open(ON_CARD)
    assert [len(worker.host.runs) for worker in pool.workers] == [2, 1, 1]
    for token in tokens:
        pool.do(token, Change(ON_CARD.change(hidden=(3,))))
    assert [len(worker.host.runs) for worker in pool.workers] == [4, 0, 0]
    assert epoch_after_step(pool, tokens[2], worker=0) == 1


def test_a_run_that_cannot_move_stays_as_it_was(monkeypatch):
    monkeypatch.setattr("engine.backend._found", [CPU, Device("cuda:0", "GPU", "It is unplugged.")])
    pool = WorkerPool(2)
    pool.workers = [FakeWorker() for _ in range(2)]
    pool.open(SMALL)
    token = pool.open(SMALL)
    epoch_after_step(pool, token, worker=1)
    with pytest.raises(ExperimentError, match="unplugged"):
        pool.do(token, Change(ON_CARD))
    assert pool.workers[1].host.runs[token].trainer.epochs == 1


def test_one_backend_serves_a_whole_process(monkeypatch):
    made = []
    monkeypatch.setattr("lab.training.build.Backend", lambda name: made.append(name) or object())
    backend_named.cache_clear()
    assert backend_named("cuda:0") is backend_named("cuda:0")
    backend_named.cache_clear()
    assert made == ["cuda:0"]
