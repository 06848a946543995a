"""What can go wrong between a page and its run; each error says so in a sentence for the person."""

from __future__ import annotations

from lab.experiment.errors import SentenceError


class BadMessage(SentenceError, ValueError):
    """A message that is not one of the protocol."""


class Gone(SentenceError):
    """The run is no longer known: it was closed, or the server was restarted."""

    def __init__(self, sentence: str = "This run is gone.") -> None:
        super().__init__(sentence)


class Fallen(Gone):
    """The run ended its training process too often and was given up."""


class Unreachable(SentenceError):
    """The training process does not answer."""


class Full(SentenceError):
    """No slot is free. before: how many people wait ahead; -1: the waiting queue is full, too."""

    def __init__(self, before: int) -> None:
        super().__init__("The playground is full.")
        self.before = before
