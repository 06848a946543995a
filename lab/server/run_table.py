"""The runs of a server by their tokens. Many threads use it, so nobody else holds the table or iterates over it."""

from __future__ import annotations

import threading

from lab.protocol.errors import Fallen, Gone
from lab.server.run_record import RunRecord

MAX_FALLEN = 1000  # runs that were given up and whose visitors may still ask


class RunTable:
    """Each method is atomic; hold `lock` where several belong together."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._records: dict[str, RunRecord] = {}
        self._fallen: dict[str, str] = {}  # token -> the sentence for its visitor

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, token: object) -> bool:
        return token in self._records

    def __getitem__(self, token: str) -> RunRecord:
        """Raises Gone, and Fallen for a run that was given up."""
        with self.lock:
            if record := self._records.get(token):
                return record
            if token in self._fallen:
                raise Fallen(self._fallen[token])
            raise Gone

    def get(self, token: str) -> RunRecord | None:
        return self._records.get(token)

    def items(self) -> list[tuple[str, RunRecord]]:
        """As they are now; later changes do not show."""
        with self.lock:
            return list(self._records.items())

    def records(self) -> list[RunRecord]:
        return [record for _, record in self.items()]

    def add(self, token: str, record: RunRecord) -> None:
        with self.lock:
            self._records[token] = record

    def remove(self, token: str) -> RunRecord | None:
        """What is removed, once: a second call finds nothing."""
        with self.lock:
            return self._records.pop(token, None)

    def give_up(self, token: str, sentence: str) -> None:
        """Remove a run and remember why."""
        with self.lock:
            self.remove(token)
            self._fallen[token] = sentence
            for oldest in list(self._fallen)[:-MAX_FALLEN]:
                del self._fallen[oldest]

    @property
    def given_up(self) -> int:
        return len(self._fallen)
