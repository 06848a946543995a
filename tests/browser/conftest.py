"""Visitors for the browser tests. Each test fails if its page has reported an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Error

from tests.browser.playground import Playground


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the text of all open pages to the report of a failed test."""
    report = yield
    if report.when == "call" and report.failed and "chromium" in item.funcargs:
        for page in (page for context in item.funcargs["chromium"].contexts for page in context.pages):
            try:
                report.sections.append((page.url, page.locator("body").inner_text(timeout=5000)[:5000]))
            except Error as silent:
                report.sections.append((page.url, str(silent)))
    return report


@pytest.fixture(scope="session")
def browsers() -> Iterator[list[Playground]]:
    """Idle browsers: they keep the scripts that they have compiled for an address."""
    idle: list[Playground] = []
    yield idle
    for visitor in idle:
        visitor.close()


@pytest.fixture
def visit(chromium, browsers, server) -> Iterator[Callable[..., Playground]]:
    """`visit(url)`: one more visitor with a separate browser context, until the test ends."""
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
    assert not errors, "\n".join(errors)


@pytest.fixture
def playground(visit, server, request) -> Playground:
    """A visitor of the shared server, who leaves the page when the test ends; each opened link is a new session."""
    visitor = visit(server.url)
    if request.node.get_closest_marker("everything"):
        visitor.view["controls"] = "everything"
    return visitor
