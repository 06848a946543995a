"""The playground as a person at a browser sees it: go somewhere, press something, read what the screen says."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

FACTS = "() => ({...document.querySelector('[data-testid=live]').dataset})"


class Playground:
    """One visitor with a browser of their own. Errors of the page are collected in `errors`."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        self.url = url
        self.context: BrowserContext = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **context})
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, query: str = "", path: str = "") -> Playground:
        self.page.goto(f"{self.url}{path}{'?' + query if query else ''}")
        self.until("facts.frame > 0")
        return self

    def until(self, condition: str, seconds: float = 30) -> dict[str, str]:
        """Wait until a condition on the live facts holds, such as "facts.epoch > 5"; return the facts."""
        self.page.wait_for_function(
            f"() => {{ const facts = document.querySelector('[data-testid=live]')?.dataset; return facts && ({condition}); }}", timeout=seconds * 1000
        )
        return self.facts

    @property
    def facts(self) -> dict[str, str]:
        return self.page.evaluate(FACTS)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    def choose(self, label: str, option: str) -> None:
        """Pick an option of a select box."""
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def close(self) -> None:
        self.context.close()
