"""Visitors for the browser tests. Each test ends with the question whether the page reported an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.browser.playground import Playground


@pytest.fixture
def visit(chromium) -> Iterator[Callable[..., Playground]]:
    """`visit(url)`: one more visitor with a browser context of their own, who leaves when the test ends."""
    visitors: list[Playground] = []

    def arrive(url: str, **context) -> Playground:
        visitors.append(Playground(chromium, url, **context))
        return visitors[-1]

    yield arrive
    errors = [error for visitor in visitors for error in visitor.errors]
    for visitor in visitors:
        visitor.close()
    assert errors == []


@pytest.fixture(scope="session")
def regular(chromium, server) -> Iterator[Playground]:
    """A visitor who comes again and again: the browser keeps the scripts, every opened link is a new session."""
    visitor = Playground(chromium, server.url)
    yield visitor
    visitor.close()


@pytest.fixture
def playground(regular: Playground) -> Iterator[Playground]:
    """The usual visitor, who opens a link and leaves the page when the test ends."""
    regular.errors.clear()
    yield regular
    errors = list(regular.errors)
    regular.page.goto(f"{regular.url}healthz")  # of the same server: the browser keeps what it has compiled
    regular.context.clear_cookies()  # by which a run that was kept is found again
    assert errors == []
