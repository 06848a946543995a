"""Visitors for the browser tests. Each test ends with the question whether the page reported an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.browser.playground import Playground


@pytest.fixture(scope="session")
def browsers() -> Iterator[list[Playground]]:
    """Browsers whose visitors have left: the next at the same address need not compile all anew."""
    idle: list[Playground] = []
    yield idle
    for visitor in idle:
        visitor.close()


@pytest.fixture
def visit(chromium, browsers, server) -> Iterator[Callable[..., Playground]]:
    """`visit(url)`: one more visitor with a browser context of their own, who leaves when the test ends."""
    visitors: list[Playground] = []

    def arrive(url: str) -> Playground:
        known = sorted((each for each in browsers if each.url == url), key=lambda each: each.page.is_closed())
        if known:
            browsers.remove(known[0])
        visitors.append(known[0].come_back() if known else Playground(chromium, url))
        return visitors[-1]

    yield arrive
    errors = [error for visitor in visitors for error in visitor.errors]
    for visitor in visitors:
        visitor.leave(server.url)
    browsers.extend(visitors)
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
    yield regular.come_back()
    errors = list(regular.errors)
    regular.leave(regular.url)
    assert errors == []
