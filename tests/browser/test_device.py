"""The Device page: available devices and their comparison."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from engine.backend import available_devices

pytestmark = pytest.mark.browser


def test_a_comparison_of_devices_can_be_stopped(playground):
    page = playground.open_page("Device").page
    page.get_by_role("listitem").filter(has_text="CPU").wait_for()
    listed = page.get_by_role("listitem").all_inner_texts()
    for device in available_devices():
        (line,) = [line for line in listed if line.startswith(device.label)]
        assert (": available." in line) == device.usable
        assert device.reason in line
        assert device.fix in line

    playground.press("Measure")
    page.get_by_text(re.compile(r"[1-9]\d* of \d+ measured")).wait_for()
    page.get_by_text("On the CPU an epoch of 60,000 images takes from").wait_for()
    playground.press("Stop measuring")
    playground.button("Measure").wait_for()
    page.get_by_test_id("stDataFrame").wait_for()
    assert page.get_by_text(re.compile(r"\d+ of \d+ measured")).count() == 0
    page.locator(".charts[data-name=device_times] .main-svg").first.wait_for()

    playground.press("Measure")
    page.get_by_text(re.compile(r"[1-9]\d* of \d+ measured")).wait_for()
    playground.button("Measure").wait_for(timeout=90_000)
    lines = page.locator(".charts[data-name=device_times] .legendtext")
    expect(lines).to_have_count(4 * sum(device.usable for device in available_devices()))
