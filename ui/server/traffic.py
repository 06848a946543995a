"""How many pages watch at once, and how often each may: the rate falls for all alike before anybody is refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

FASTEST_MS, SLOWEST_MS = 16, 2000  # between two frames
SMOOTH = 10.0  # frames per second, at which training still looks continuous
STEP_MS = 10  # smaller changes are not worth a message
PRESENT_S = 2.0  # since its last request a socket counts: a hidden page asks nothing
RECOUNT_S = 0.5  # between two counts of all sockets
SLOW_FRAME_S = 0.1  # latency of a frame from which on everybody is asked to come less often


class Traffic:
    """Of this server as a whole."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.sockets: Counter[str] = Counter()  # by run
        self.asked: dict[int, float] = {}  # by socket, when it last asked
        self.latency = 0.0  # seconds, of the last frames
        self.turned_away = 0
        self._interval, self._looked = FASTEST_MS, -RECOUNT_S

    def enter(self, token: str, most: float) -> bool:
        """Whether one more socket of this run is let in."""
        if self.sockets[token] >= most:
            self.turned_away += 1
            return False
        self.sockets[token] += 1
        return True

    def leave(self, token: str, socket: int) -> None:
        self.asked.pop(socket, None)
        self.sockets[token] -= 1
        if self.sockets[token] <= 0:
            del self.sockets[token]

    def answered(self, socket: int, seconds: float) -> None:
        """A frame was sent, so many seconds after it was asked for."""
        self.asked[socket] = self.clock()
        self.latency += 0.05 * (seconds - self.latency)

    @property
    def present(self) -> int:
        """How many sockets asked lately."""
        now = self.clock()
        return sum(now - when <= PRESENT_S for when in self.asked.values())

    def interval(self, frames_a_second: float, crowd_frames_a_second: float) -> int:
        """ms that everybody should leave between two frames.

        Together they get `frames_a_second`; if that is less than SMOOTH for each, SMOOTH each, up to
        `crowd_frames_a_second` together.
        """
        if self.clock() - self._looked >= RECOUNT_S:
            self._looked = self.clock()
            wanted = 1000 * self.present / max(frames_a_second, min(SMOOTH * self.present, crowd_frames_a_second))
            if self.latency > SLOW_FRAME_S:
                wanted = max(wanted, 2000 * self.latency)
            self._interval = (
                min(SLOWEST_MS, -(-int(wanted) // STEP_MS) * STEP_MS) if wanted > FASTEST_MS else FASTEST_MS
            )
        return self._interval


TRAFFIC = Traffic()
