"""The base of errors whose text is shown to the user."""

from __future__ import annotations


class SentenceError(Exception):
    """An error whose `sentences` say what is wrong, what is allowed and what to do."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)
