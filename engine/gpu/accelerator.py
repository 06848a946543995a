"""A trainer's twin on another device: the same layers, formulas and settings, with arrays that stay there.

The data go up once, the order of the samples once an epoch. A step sends nothing back and waits for nothing; the host
network is brought up to date only when somebody looks at it, and the twin only when somebody has changed that.

The first step with each batch size is done operation by operation, as the formulas say. Later ones run as a program
(program.py), which has to prove on this very device that it leaves the same; where there is none, as the first did.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.backend import Backend
from engine.formulas.metrics import Scores
from engine.formulas.optimizers import Optimizer
from engine.formulas.regularizers import REGULARIZERS
from engine.gpu.cuda_graph import Program
from engine.gpu.epoch_score_buffer import Ring, made
from engine.gpu.quantized_inputs import inputs_on
from engine.gpu.verify_program import trusted
from engine.network.network import Network
from engine.training.gradient import differentiate
from engine.training.update import update

if TYPE_CHECKING:
    from engine.training.trainer import Trainer

BUFFERS = 10  # arrays as large as the layers' outputs: eight while formulas run one by one, some that a program keeps
SIZES = 4  # batch sizes whose memory and programs are kept
AHEAD = 0.002  # seconds of work that the device may have waiting while others want their turn
AT_ONCE = 1 << 28  # numbers that samples may hold at a time on the device: 1 GB in float32


class Accelerator:
    """Trains for `trainer` on the backend's device. `ahead`: the host does not know the latest steps."""

    def __init__(self, backend: Backend, trainer: Trainer, network: Network, optimizer: Optimizer) -> None:
        self.backend, self.trainer, self.host, self.optimizer_of_host = backend, trainer, network, optimizer
        with backend.device:
            self.network = self.host.elsewhere(backend.send)
            self.optimizer = self._moved(optimizer)
            self.inputs = inputs_on(backend, trainer.x_train, trainer.x_test)
            self.shades = self.inputs.shades
            self.whole = self.inputs.parts[0], backend.send(trainer.t_train)
            self.tests = self.inputs.parts[1], backend.send(trainer.t_test)
            self.positions = backend.send(trainer.order)
        self.network.at_once = max(1, AT_ONCE // self.host.workspace)
        self.order = trainer.order
        self.memory: dict[int, tuple[Any, Any]] = {}  # batch size -> where its samples and targets are gathered
        self.programs: dict[int, Program | None] = {}  # batch size -> what was found for it
        self.sizes: list[int] = []  # of both, the latest last
        self.rules: tuple = ()  # that these programs apply
        self.running: Program | None = None  # that may have steps waiting
        self.why = ""  # a program could not be had
        self.ring: Ring | Literal[False] | None = False  # False: nobody has tried yet
        self.ahead, self.behind = False, True
        self.started, self.lead, self.since = 0, 1, 0.0  # steps since the last wait; how many may be; their beginning

    def _moved(self, optimizer: Any) -> Any:
        """The optimiser with its slots on the device. Its numbers come from the host and go along with the calls."""
        moved = copy(optimizer)
        moved.slots = {name: self.backend.send(slot) for name, slot in optimizer.slots.items()}
        moved.decays = None if optimizer.decays is None else self.backend.send(optimizer.decays)
        moved.block = self.host.parameters.size
        numbers = [name for name, value in vars(optimizer).items() if isinstance(value, np.ndarray) and value.ndim == 0]

        def advance() -> None:
            optimizer.advance()
            for name in numbers:
                setattr(moved, name, getattr(optimizer, name)[()])

        moved.advance = advance
        return moved

    @staticmethod
    def needs(network: Network, optimizer: Optimizer, samples: int, batch: int, targets: int) -> int:
        """Bytes that training will take on the device, about: data, parameters, and what a batch leaves in the layers.

        samples: training and test samples together; targets: numbers of one.
        """
        widths = sum(network.widths)
        data = samples * (int(np.prod(network.inputs)) + targets)
        flat = network.parameters.size * (4 + len(optimizer.slots))
        passing = max(BUFFERS * batch * widths, 3 * min(AT_ONCE, samples * network.workspace))
        return (data + flat + passing) * network.dtype.itemsize

    # Training --------------------------------------------------------------------------------------------------------

    def record(self, learn: Callable[[Any, Any], None], batch: np.ndarray) -> Callable[[np.ndarray], None]:
        """A step on this batch (N,) of the trainer's order; returns what makes one on the next N samples.

        Stands where Batches.record stands, but keeps no tape: `learn` works on the host and is not called.
        """
        self.learn(batch)
        return self.repeat

    def learn(self, batch: np.ndarray) -> None:
        """One step, operation by operation. Returns before the device has done it."""
        with self.backend.device:
            self._prepare(len(batch))
            self._flush()
            self._keep(len(batch))
            self.operate(len(batch))
        self.ahead = True

    def _keep(self, size: int) -> None:
        """This batch size among the latest; what belongs to older ones goes."""
        self.sizes = [*[other for other in self.sizes if other != size][1 - SIZES :], size]
        for known in (self.memory, self.programs):
            for old in known.keys() - set(self.sizes):
                del known[old]
        self.running = None

    def repeat(self, batch: np.ndarray) -> None:
        """One step, if possible as part of a program. Returns before the device has done it, or even got it."""
        with self.backend.device:
            self._prepare(len(batch))
            program = self._program(len(batch))
            if program is not self.running:
                self._flush()
                self.running = program
            if program:
                program.step(self.trainer.position)
            else:
                self.operate(len(batch))
        self.ahead = True

    def operate(self, size: int) -> None:
        self.differentiate(size)
        strengths = {name: strength[()] for name, strength in self.trainer.strengths.items()}
        update(self.network, self.optimizer, self.trainer.settings, strengths, self.whole[0])

    def differentiate(self, size: int) -> None:
        """Fill the gradients, operation by operation, from so many samples at the trainer's position."""
        start, place = self.trainer.position, self.place(size)
        if place is not self.whole:
            for source, part in zip(self.whole, place, strict=True):
                self.backend.xp.take(source, self.positions[start : start + size], axis=0, out=part)
        differentiate(self.network, self.trainer.objective, self.numbers(place[0]), place[1])

    def numbers(self, x: Any) -> Any:
        """Samples as the formulas take them."""
        return x if self.shades is None else self.backend.xp.take(self.shades, x, axis=0)

    def place(self, size: int) -> tuple[Any, Any]:
        """Where the samples and targets of a step stand. A full batch stays where it is: its order does not matter."""
        x, t = self.whole
        if size == len(x):
            return self.whole
        if size not in self.memory:
            empty = self.backend.xp.empty
            self.memory[size] = empty((size, *x.shape[1:]), x.dtype), empty((size, *t.shape[1:]), t.dtype)
        return self.memory[size]

    def _prepare(self, size: int) -> None:
        """The order of the samples, where it matters, and what has been changed on the host."""
        if size < len(self.whole[0]) and self.order is not self.trainer.order:
            self._flush()
            self.order = self.trainer.order
            self.backend.write(self.positions, self.order)
        self._catch_up()

    def _flush(self) -> None:
        """Hand over the steps that wait to be launched together."""
        if self.running:
            self.running.launch()

    def _catch_up(self) -> None:
        """Take over what has been changed on the host."""
        if self.behind:
            self._flush()
            self.ahead = self.behind = False
            for there, here in self.pairs():
                self.backend.write(there, here)

    # Programs --------------------------------------------------------------------------------------------------------

    def _program(self, size: int) -> Program | None:
        """For steps with so many samples under the rules of now; None if there is none that can be trusted."""
        s = self.trainer.settings
        rules = (*(bool(getattr(s, name)) for name in REGULARIZERS), s.clip_value, s.clip_norm)
        if rules != self.rules:
            self._flush()
            self.rules, self.programs, self.running = rules, {}, None
        if size not in self.programs:
            self._flush()
            self.programs[size], self.why = trusted(self, size)
        return self.programs[size]

    @property
    def kernels(self) -> str:
        """In words, for measurements: how many kernels a step takes, or why it runs operation by operation."""
        found = [f"{len(p.launches)} kernels for {size} samples" for size, p in self.programs.items() if p]
        return "; ".join([*found, *([self.why] if self.why else [])]) or "no step has been repeated yet"

    # The host --------------------------------------------------------------------------------------------------------

    def pairs(self) -> list[tuple[Any, np.ndarray]]:
        """(array on the device, the same on the host) for all that training changes."""
        there, here = self.network.state, self.host.state
        slots = self.optimizer_of_host.slots
        return [
            (self.network.parameters, self.host.parameters),
            *((there[name], here[name]) for name in here),
            *((self.optimizer.slots[name], slots[name]) for name in slots),
        ]

    def fetch(self) -> None:
        """Bring the host up to date, if it is not."""
        if self.ahead:
            self.ahead = False
            with self.backend.device:
                self._flush()
                for there, here in self.pairs():
                    here[...] = self.backend.fetch(there)

    def wait(self) -> None:
        """Until the device has done all that it was told."""
        with self.backend.device:
            self._flush()
            self.backend.wait()
        self.started = 0

    def keep_up(self, clock: Callable[[], float]) -> None:
        """After a step, which is started sooner than done: wait if the device has as much to do as it may."""
        if not self.started:
            self.since = clock()
        self.started += 1
        if self.started >= self.lead:
            self.wait()
            took = clock() - self.since
            self.lead = max(1, self.lead // 2) if took > AHEAD else 2 * self.lead if took < AHEAD / 2 else self.lead

    # Looking ---------------------------------------------------------------------------------------------------------

    def part(self, number: int) -> tuple[Any, Any]:
        """Samples and targets: 0 what is shown of the training samples, 1 the test samples."""
        shown = len(self.trainer.parts()[number][0])
        x, t = self.tests if number else self.whole
        return x[:shown], t[:shown]

    def look(self, number: int) -> tuple[np.ndarray, float]:
        """Logits (N, O) and mean loss of a part."""
        with self.backend.device:
            self._catch_up()
            self._flush()
            x, t = self.part(number)
            z = self.network.forward(self.numbers(x))
            loss = self.trainer.objective.value(z, t)
            return self.backend.fetch(z), float(self.backend.fetch(loss))

    def note(self, epoch: int, steps: int) -> bool:
        """Whether the device itself writes down how the network of now does; nobody waits for it."""
        with self.backend.device:
            self._catch_up()
            self._flush()
            if self.ring is False:
                self.ring = made(self, self.trainer.evaluate())
            if self.ring is None or self.ring.full:
                return False
            self.ring.note(epoch, steps)
        return True

    def noted(self) -> list[tuple[int, int, Scores]]:
        """(epoch, steps, scores) of what the device has written down and nobody has read."""
        if not self.ring:
            return []
        with self.backend.device:
            return self.ring.read()

    def forget(self) -> None:
        """What was noted is not wanted any more, and what the host holds is new."""
        self.behind = True
        if self.ring:
            self.ring.waiting = []
