"""A pool under all that visitors and accidents do to it, in any order: link, screen and run agree, nothing leaks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lab.experiment.errors import SentenceError
from lab.experiment.experiment import Experiment
from lab.protocol.errors import Full, Gone
from lab.protocol.messages import (
    Change,
    Close,
    GetFrame,
    Load,
    Pause,
    Play,
    Preview,
    Reply,
    Reset,
    RunState,
    Step,
)
from lab.server.memory_estimate import megabytes, need, together
from lab.server.pool import WorkerPool
from lab.server.run_record import PREVIEW_S
from tests.lab.server.fake_worker import HIGHEST_RATE, UNBUILDABLE_SEED, FakeWorker

SMALL = Experiment(samples=40, hidden=(4,))
LARGE = Experiment(samples=20_000, hidden=(200, 200), batch_norm=True)  # with a batch of all too much for one visitor
EXPERIMENTS = {
    "small": SMALL,
    "too fast": SMALL.change(learning_rate=5.0),
    "another network": SMALL.change(hidden=(5, 5)),
    "not to be built": SMALL.change(seed=UNBUILDABLE_SEED),
    "large": LARGE,
    "too large": LARGE.change(batch_size=20_000),
}
PREVIEWS = {
    "rate": ("learning_rate", 5.0), "all samples": ("batch_size", 20_000), "batch": ("batch_size", 20),
    "noise": ("noise", 0.3), "nonsense": ("noise", 7.0),
}  # fmt: skip
PRESSES = {"play": Play(), "pause": Pause(), "step": Step(), "reset": Reset()}
RUNS, WORKERS, VISITORS = 2, 2, 3
who, which_worker, experiments = (
    st.integers(0, VISITORS - 1),
    st.integers(0, WORKERS - 1),
    st.sampled_from([*EXPERIMENTS]),
)


@dataclass
class Page:
    """What a browser tab holds: the link, the last state that it was shown, and what it has asked for and not got."""

    link: Experiment = SMALL
    token: str = ""
    shown: RunState | None = None
    diverged: int = 0  # origin of a network that was shown as diverged
    asked: list[Future[Reply]] = field(default_factory=list)


class PoolMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = WorkerPool(WORKERS, start_worker=FakeWorker, clock=lambda: self.now)
        limits = self.pool.limits
        limits.runs, limits.run_mb, limits.memory_mb = RUNS, megabytes(LARGE) + 10, 2 * megabytes(LARGE) + 10
        self.pool.start()
        self.workers: list[FakeWorker] = self.pool.workers
        self.pages = [Page() for _ in range(VISITORS)]

    @initialize(names=st.tuples(experiments, experiments), plays=st.booleans())
    def two_have_arrived(self, names, plays):
        for number, name in enumerate(names):
            self.arrive(number, name)
            if plays and self.pages[number].token:
                self.press(number, "play")

    # What visitors do

    def attempt(self, page: Page, act: Callable[[], Reply | None]) -> bool:
        """As a script run does it: a run that is gone is forgotten, a refusal leaves everything as it was."""
        try:
            reply = act()
        except Gone:
            page.token, page.shown = "", None
            return False
        except SentenceError:
            return False
        if reply and reply.state:
            self.show(page, reply.state)
        return True

    def show(self, page: Page, state: RunState) -> None:
        if page.diverged == state.origin:
            assert state.status == "diverged", "a diverged run trains again"
        page.shown = state
        page.diverged = state.origin if state.status == "diverged" else 0

    @rule(number=who, name=experiments)
    def arrive(self, number, name):
        page, experiment = self.pages[number], EXPERIMENTS[name]
        if page.token:
            return
        with suppress(SentenceError):  # there is no slot, or it cannot be had
            page.token, page.link = self.pool.open(experiment, ticket=f"visitor {number}"), experiment

    @rule(number=who, name=experiments)
    def change(self, number, name):
        page, experiment = self.pages[number], EXPERIMENTS[name]
        if self.attempt(page, lambda: self.pool.do(page.token, Change(experiment))):
            page.link = experiment
            assert self.run_of(page).experiment == experiment

    def run_of(self, page: Page) -> RunState:
        """As the worker has it."""
        return self.pool.runs[page.token].worker.runs[page.token]

    @rule(number=who, name=st.sampled_from([*PREVIEWS]))
    def drag(self, number, name):
        page = self.pages[number]
        page.asked.append(self.pool.submit(page.token, Preview(*PREVIEWS[name])))

    @rule(number=who)
    def ask_for_a_frame(self, number):
        page = self.pages[number]
        page.asked.append(self.pool.submit(page.token, GetFrame()))

    @rule(number=who, name=st.sampled_from([*PRESSES]))
    def press(self, number, name):
        page = self.pages[number]
        self.attempt(page, lambda: self.pool.do(page.token, PRESSES[name]))

    @rule(number=who, name=st.sampled_from(["small", "large", "too large", "weights only"]))
    def upload(self, number, name):
        page, experiment = self.pages[number], EXPERIMENTS.get(name)
        command, arrays = Load({}, experiment), {"x": np.zeros(100_000, np.uint8)}
        if self.attempt(page, lambda: self.pool.do(page.token, command, arrays)):
            page.link = experiment or page.link

    @rule(number=who)
    def script_run(self, number):
        """The page is drawn: it follows what the run trains with, once no slider is being dragged."""
        page = self.pages[number]
        if page.token and self.attempt(page, lambda: self.pool.do(page.token, GetFrame())):
            assert page.shown is not None
            if not self.pool.is_previewing(page.token):
                page.link = page.shown.experiment
                assert page.link == self.run_of(page).experiment

    @rule(number=who)
    def leave(self, number):
        page = self.pages[number]
        self.attempt(page, lambda: self.pool.do(page.token, Close()))
        page.token, page.shown = "", None

    @rule(number=who, comes_back=st.booleans())
    def close_the_tab(self, number, comes_back):
        page = self.pages[number]
        self.pool.away(page.token, self.now)
        if comes_back:
            self.pool.back(page.token)
        self.now += 200
        self.pool.sweep(self.now, self.pool.limits.away_seconds)

    # What happens

    @rule(seconds=st.sampled_from([0.5, PREVIEW_S + 1, 20.0]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule(number=which_worker)
    def worker_reads(self, number):
        self.workers[number].read()

    @rule(number=which_worker)
    def worker_trains(self, number):
        if not self.workers[number].hanging:
            self.workers[number].train()

    @rule(number=which_worker)
    def worker_sends_checkpoints(self, number):
        if not self.workers[number].hanging:
            self.workers[number].send_checkpoints()

    @rule(number=which_worker, culprit=who)
    def worker_is_killed(self, number, culprit):
        token = self.pages[culprit].token
        worker = self.workers[number]
        worker.crash(token if token in worker.runs else "")

    @precondition(lambda self: not all(worker.hanging for worker in self.workers))
    @rule(number=which_worker)
    def worker_hangs(self, number):
        self.workers[number].hanging = True

    # What must be true

    @invariant()
    def no_more_than_allowed(self):
        limits, records = self.pool.limits, self.pool.runs.items()
        assert len(records) <= limits.runs
        runs = [(worker, state.experiment) for worker in self.workers for state in worker.runs.values()]
        assert all(megabytes(experiment) <= limits.run_mb for _, experiment in runs)
        assert together((worker, need(experiment)) for worker, experiment in runs) <= limits.memory_mb
        assert self.pool.occupied <= limits.memory_mb

    @invariant()
    def server_and_worker_agree_once_nothing_is_on_its_way(self):
        for worker in self.workers:
            if worker.inbox:
                continue
            records = {token: record for token, record in self.pool.runs.items() if record.worker is worker}
            assert records.keys() == worker.runs.keys()
            for token, record in records.items():
                state = worker.runs[token]
                assert record.on_the_way == 0
                assert record.wanted == record.state.experiment == state.experiment
                assert record.need == need(state.experiment)
                assert record.state.origin == state.origin or record.checkpoint is None
                if record.checkpoint:
                    assert record.checkpoint.state.origin == record.state.origin

    def teardown(self) -> None:
        for worker in self.workers:
            worker.hanging = False
            worker.read()
        self.now += PREVIEW_S + 1
        for number in range(VISITORS):
            self.script_run(number)
            page = self.pages[number]
            if page.token:
                record = self.pool.runs[page.token]
                assert page.link == record.state.experiment == self.run_of(page).experiment
            assert all(future.done() for future in page.asked), "a browser waits for ever"
            self.leave(number)
        assert self.pool.runs.items() == []
        assert [worker.runs for worker in self.workers] == [{}] * WORKERS
        assert self.pool.occupied == 0


PoolMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestPool = PoolMachine.TestCase


def test_what_the_machine_uses_is_what_it_says():
    assert megabytes(LARGE.change(batch_size=20_000)) > megabytes(LARGE) + 10 > 5 * megabytes(SMALL)
    assert 5.0 > HIGHEST_RATE > 0.5


# What once went wrong, step by step ----------------------------------------------------------------------------------


def with_one_worker() -> tuple[WorkerPool, FakeWorker]:
    pool = WorkerPool(1, start_worker=FakeWorker)
    pool.limits.run_mb = megabytes(LARGE) + 10
    pool.start()
    return pool, pool.workers[0]


def test_a_dragged_slider_is_admitted_like_any_other_change():
    pool, worker = with_one_worker()
    token = pool.open(LARGE)
    reply = pool.submit(token, Preview("batch_size", 20_000)).result()
    assert (reply.error, worker.runs[token].experiment) == ("refused", LARGE)
    assert "MB of memory; allowed" in reply.sentence
    assert pool.submit(token, Preview("batch_size", 20)).result().state == worker.runs[token]
    assert pool.runs[token].state.experiment == worker.runs[token].experiment == LARGE.change(batch_size=20)


def test_a_preview_without_a_change_is_undone():
    pool, worker = with_one_worker()
    now = [0.0]
    pool.clock = lambda: now[0]
    left, held, changed, swept = (pool.open(SMALL.change(seed=seed)) for seed in range(4))
    dragged = {"learning_rate": 0.5}
    for token in (left, held, changed, swept):
        pool.submit(token, Preview("learning_rate", 0.3)).result()
        pool.submit(token, Preview("learning_rate", 0.5)).result()
    now[0] = PREVIEW_S
    pool.submit(held, Preview("learning_rate", 0.5)).result()  # the pointer is still down
    pool.do(changed, Change(SMALL.change(seed=2, **dragged)))
    assert worker.runs[left].experiment == SMALL.change(seed=0, **dragged)
    now[0] += 0.1
    for token in (left, held, changed):
        pool.submit(token, GetFrame()).result()
    pool.sweep(now[0], 60)
    worker.read()
    rates = [worker.runs[token].experiment.learning_rate for token in (left, held, changed, swept)]
    assert rates == [SMALL.learning_rate, 0.5, 0.5, SMALL.learning_rate]
    assert [pool.state(token).experiment for token in (left, swept)] == [SMALL.change(seed=0), SMALL.change(seed=3)]


def test_a_refused_preview_leaves_nothing_to_undo():
    pool, worker = with_one_worker()
    now = [0.0]
    pool.clock = lambda: now[0]
    token = pool.open(LARGE)
    pool.submit(token, Preview("batch_size", 20_000)).result()
    now[0] = PREVIEW_S + 1
    pool.submit(token, GetFrame())
    assert len(worker.inbox) == 1


def test_a_diverged_run_stays_diverged_after_a_restart():
    pool, worker = with_one_worker()
    token = pool.open(SMALL.change(learning_rate=5.0))
    pool.do(token, Play())
    worker.send_checkpoints()  # while it was running
    worker.train()
    assert pool.state(token).status == "diverged"
    worker.crash()
    worker.train()
    assert pool.state(token).status == "diverged"


def test_a_divergence_that_nobody_has_seen_survives_by_the_next_checkpoint():
    pool, worker = with_one_worker()
    token = pool.open(SMALL.change(learning_rate=5.0))
    pool.do(token, Play())
    worker.train()
    worker.send_checkpoints()
    worker.crash()
    assert pool.state(token).status == "diverged"


def test_a_press_that_meets_a_hang_waits_for_the_restart_and_is_carried_out():
    pool, worker = with_one_worker()
    token = pool.open(SMALL)
    worker.hanging = True
    state = pool.do(token, Step()).state
    assert state is not None
    assert (worker.restarts, state.status, state.epoch) == (1, "paused", 1)


def test_a_run_that_its_worker_does_not_know_takes_no_slot():
    pool, worker = with_one_worker()
    token = pool.open(SMALL)
    worker.runs.clear()
    with pytest.raises(Gone):
        pool.do(token, Play())
    assert (len(pool.runs), pool.occupied) == (0, 0)


def test_a_late_frame_does_not_hold_the_run_of_a_page_that_is_gone():
    pool, _ = with_one_worker()
    now = [0.0]
    pool.clock = lambda: now[0]
    token = pool.open(SMALL)
    pool.away(token, 1.0)
    now[0] = 5.0
    pool.submit(token, GetFrame()).result()
    pool.sweep(64.0, grace=60)
    assert token in pool.runs
    pool.sweep(66.0, grace=60)
    assert token not in pool.runs


def test_a_full_server_gives_away_the_places_of_those_who_are_gone():
    pool, _ = with_one_worker()
    now = [100.0]
    pool.clock, pool.limits.runs = lambda: now[0], 2
    first, second = pool.open(SMALL), pool.open(SMALL)
    pool.away(second, 100.0)
    now[0] = 105.0  # perhaps it comes back
    with pytest.raises(Full):
        pool.open(SMALL)
    now[0] = 111.0
    third = pool.open(SMALL)
    assert [token in pool.runs for token in (first, second, third)] == [True, False, True]
    now[0] = 200.0
    with pytest.raises(Full):  # nobody is gone
        pool.open(SMALL)


def test_one_visitor_has_so_many_runs_and_no_more():
    pool, _ = with_one_worker()
    now = [0.0]
    pool.clock, pool.limits.runs_a_visitor = lambda: now[0], 3
    runs = []
    for number in range(3):
        now[0] += 1
        runs.append(pool.open(SMALL.change(seed=20 + number), visitor="me"))
    other = pool.open(SMALL, visitor="other")
    pool.away(runs[2], now[0])
    runs.append(pool.open(SMALL.change(seed=30), visitor="me"))  # whose page is gone goes first
    runs.append(pool.open(SMALL.change(seed=31), visitor="me"))  # then who was seen least
    assert [token in pool.runs for token in (*runs, other)] == [False, True, False, True, True, True]


# Many threads ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hurried():
    """Threads take turns after every few instructions."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


class EagerWorker(FakeWorker):
    """Answers within the call, so that many threads can use it."""

    def submit(self, run, command, arrays=None):
        future: Future[Reply] = Future()
        future.set_result(self._answer(run, command, arrays or {}))
        return future


@pytest.mark.usefixtures("hurried")
def test_a_class_that_comes_and_goes_at_once_finds_a_whole_table():
    pool = WorkerPool(2, start_worker=EagerWorker)
    pool.limits.runs = pool.limits.runs_a_visitor = 1000
    pool.start()

    def visit(number):
        token = pool.open(SMALL.change(seed=20 + number % 5), visitor=f"visitor {number % 7}")
        pool.do(token, Change(LARGE))
        pool.sweep(0.0, 1e9)
        assert pool.occupied > 0
        return token

    def leave(token):
        try:
            pool.close(token)
        except Gone:
            return 0
        return 1

    with ThreadPoolExecutor(12) as threads:
        tokens = list(threads.map(visit, range(150)))
        closed = sum(threads.map(leave, [*tokens, *tokens]))
    assert closed == len(set(tokens))
    assert (len(pool.runs), pool.occupied) == (0, 0)
