"""The base of every error whose text is meant for the person at the screen."""

from __future__ import annotations


class SentenceError(Exception):
    """Says in `sentences` what is wrong, what is allowed and what to do."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)
