"""What a pool remembers of a run, so that it survives its worker, and the command that brings it back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf

from lab.experiment.experiment import Experiment
from lab.protocol.messages import Arrays, Checkpoint, Command, Query, Resume, RunState
from lab.server.admission import with_device_info
from lab.server.memory_estimate import NOTHING, Need, need
from lab.server.worker_handle import WorkerHandle

RESUMED = "The training process stopped and was restarted; this run was resumed from epoch {}."
ON_CPU = "The training process stopped for the second time; this run continues on the CPU, resumed from epoch {}."
STOPPED = "This run ended its training process {} times in a row and was stopped; {} is kept. Choose a smaller network."
GROUP_S = 10.0  # after the latest question about a group; by then its trainers are gone
PREVIEW_S = 3.0  # after the last word of a dragged slider, in which the change must come or the preview is undone


@dataclass
class RunRecord:
    """One run. `state` is what its worker last said; nothing else is ever taken for it."""

    worker: WorkerHandle
    state: RunState
    wanted: Experiment = field(init=False)  # what it will be once the changes on their way have arrived
    need: Need = field(init=False)  # the memory that is set aside for it
    checkpoint: Checkpoint | None = None
    saved: Checkpoint | None = None  # the one on disk
    on_the_way: int = 0  # changes that the worker has not answered yet
    previewed: float | None = None  # when a dragged slider was last heard of
    settled: Experiment = field(init=False)  # what the page and the link say while a slider is dragged
    faults: int = 0  # times that a worker ended while this run trained on a GPU
    away_since: float | None = None  # when its visitor's session was last seen to disconnect
    seen: float = 0.0  # when a frame was last asked for
    deaths: list[float] = field(default_factory=list)  # when it ended its process, as far as that still counts
    visitor: str = ""  # under which name it is kept on disk; nothing: it is not
    fetched: bool = False  # from disk, and no page has looked at it yet
    group_question: Query | None = None  # the latest one, which a restarted worker is asked again
    group_need: Need = NOTHING  # the memory that is set aside for groups and response curves
    group_asked: float = -inf
    restarts_before: int = 0  # restarts of the worker when the run came to it

    def __post_init__(self) -> None:
        self.wanted = self.settled = self.state.experiment
        self.need = need(self.wanted)

    @property
    def last_sign(self) -> float:
        """When its visitor's page was last known to be there: late frames count, but do not bring the page back."""
        return max(self.seen, self.away_since or 0.0)

    def has_groups(self, now: float) -> bool:
        """Whether groups or response curves train beside it."""
        return now - self.group_asked <= GROUP_S

    def needs(self, now: float) -> list[Need]:
        return [self.need, self.group_need] if self.has_groups(now) else [self.need]

    def note_groups(self, command: Command, need: Need, now: float) -> None:
        """A page asks for a group, or for response curves."""
        self.group_question = command if isinstance(command, Query) else None
        self.group_need, self.group_asked = need, now

    def preview(self, now: float) -> None:
        """A slider is being dragged."""
        if self.previewed is None:
            self.settled = self.wanted
        self.previewed = now

    def is_previewing(self, now: float) -> bool:
        return self.previewed is not None and now - self.previewed <= PREVIEW_S

    def expect(self, experiment: Experiment) -> None:
        """A change to this experiment is on its way."""
        self.wanted, self.on_the_way = experiment, self.on_the_way + 1
        self.need = max(self.need, need(experiment), key=lambda n: n.own + n.data)

    def arrived(self) -> None:
        """A change has been answered, whatever the answer was."""
        self.on_the_way -= 1
        if not self.on_the_way:
            self.wanted = self.state.experiment
            self.need = need(self.wanted)

    def note(self, state: RunState) -> None:
        """Its worker says how it is."""
        if self.checkpoint and self.checkpoint.state.origin != state.origin:
            self.checkpoint = None  # of a network that is gone
        before, now = self.state.experiment, state.experiment
        if now is not before and not before.allows_live_change(now):
            self.deaths = []
        self.state = state
        if not self.on_the_way and self.wanted != now:  # a run that is repeated changes its experiment by itself
            self.wanted = now
            self.need = need(now)

    def note_checkpoint(self, checkpoint: Checkpoint) -> None:
        self.note(checkpoint.state)
        if checkpoint.arrays:
            self.checkpoint = checkpoint

    def record_crash(self, now: float, forgiven_s: float) -> int:
        """It has ended its process: how often in a row. forgiven_s: after which a crash no longer counts."""
        self.deaths = [when for when in self.deaths if now - when < forgiven_s] + [now]
        return len(self.deaths)

    def recovery_command(self, stop: bool = False) -> tuple[Resume, Arrays]:
        """What gives it back to its restarted worker; with `stop` it comes back stopped."""
        device, sentence = None, RESUMED
        if self.state.experiment.device != "cpu" and self.worker.restarts > self.restarts_before:
            self.faults += 1
            if self.faults >= 2:  # whatever it is, it is not by chance
                device, sentence = "cpu", ON_CPU
        state, epoch = self.state, self.checkpoint.state.epoch if self.checkpoint else 0
        notice = sentence.format(epoch) if self.checkpoint else ""
        if state.status == "diverged":
            notice = state.notice
        if stop:
            state = replace(state, status="stopped")
            notice = STOPPED.format(len(self.deaths), f"the network of epoch {epoch}")
        command = with_device_info(Resume(state, notice, stop, device))
        assert isinstance(command, Resume)
        return command, self.checkpoint.arrays if self.checkpoint else {}
