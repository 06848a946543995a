"""Visitors for the browser tests. Each test ends with the question whether the page reported an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.browser.playground import Playground


@pytest.fixture(scope="session")
def browsers() -> Iterator[list[tuple[dict, Playground]]]:
    """Browsers whose visitors have left, with their settings: the next of the same kind need not compile all anew."""
    idle: list[tuple[dict, Playground]] = []
    yield idle
    for _, visitor in idle:
        visitor.close()


@pytest.fixture
def visit(chromium, browsers, server) -> Iterator[Callable[..., Playground]]:
    """`visit(url)`: one more visitor with a browser context of their own, who leaves when the test ends."""
    visitors: list[tuple[dict, Playground]] = []

    def arrive(url: str, **context) -> Playground:
        kind = {**context, "url": url}
        alike = sorted((each for each in browsers if each[0] == kind), key=lambda each: each[1].page.is_closed())
        found = alike[0] if alike else None
        if found:
            browsers.remove(found)
            found[1].come_back()
        visitors.append(found or (kind, Playground(chromium, url, **context)))
        return visitors[-1][1]

    yield arrive
    errors = [error for _, visitor in visitors for error in visitor.errors]
    for _, visitor in visitors:
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
