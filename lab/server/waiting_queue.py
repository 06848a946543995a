"""The waiting queue of a full server: first come, first served. Who stops asking has left it."""

from __future__ import annotations

ASK_WITHIN_S = 15.0  # after which a place in the queue is given up: a page asks every two seconds


class WaitingQueue:
    """Tickets in the order of their arrival. Times are the caller's, in seconds."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._seen: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def ask(self, ticket: str, free: int, now: float) -> int | None:
        """How many are before this ticket, or None: it gets a slot. -1: the queue itself is full.

        free: how many slots there are.
        """
        self._seen = {name: seen for name, seen in self._seen.items() if now - seen <= ASK_WITHIN_S}
        before = list(self._seen).index(ticket) if ticket in self._seen else len(self._seen)
        if before < free:
            self._seen.pop(ticket, None)
            return None
        if ticket not in self._seen and before >= self.longest:
            return -1
        self._seen[ticket] = now
        return before

    def leave(self, ticket: str) -> None:
        self._seen.pop(ticket, None)
