"""Sharing: links with hidden and locked parts, the embedded page, and files of experiments."""

from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Locator, expect

from data.sources import hand_drawn
from lab.experiment.experiment import Experiment
from lab.experiment.link import expanded
from tests.browser.playground import WAIT_S, Playground, eventually, without_view
from ui.header.link_address import is_loopback

pytestmark = pytest.mark.browser


def share(playground: Playground) -> Locator:
    playground.press("Share")
    dialog = playground.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Save as file", exact=True).wait_for()
    return dialog


def written(dialog: Locator) -> tuple[str, str]:
    """The link and the frame as the dialog shows them."""
    dialog.get_by_test_id("stCode").nth(1).wait_for()
    link, frame = dialog.get_by_test_id("stCode").all_inner_texts()
    return link.strip(), frame.strip()


def tick(dialog: Locator, kind: str, name: str) -> None:
    dialog.locator(f".st-key-share_{kind}").get_by_role("button", name=name, exact=True).click()


def fields(link: str) -> dict[str, str]:
    return without_view(expanded(dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))))


@pytest.mark.everything
def test_ticked_parts_are_hidden_or_locked_in_the_link(playground):
    playground.open("dataset=xor&learning_rate=0.3")
    dialog = share(playground)
    assert eventually(lambda: fields(written(dialog)[0]) == playground.link, WAIT_S)
    tick(dialog, "hide", "Learning rate")
    tick(dialog, "hide", "Confusion matrix")
    for part in ("Data", "Features", "Hidden layers", "Weights by hand"):
        tick(dialog, "lock", part)
    expected = {**playground.link, "hide": "rate,confusion", "lock": "data,features,layers,weights"}
    assert eventually(lambda: fields(written(dialog)[0]) == expected, WAIT_S)
    link, _ = written(dialog)
    expect(dialog.get_by_role("link", name="Open the link")).to_have_attribute("href", link)
    assert not is_loopback(urlsplit(link).hostname or "") or dialog.get_by_text("Only this computer").is_visible()
    playground.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog.get_by_role("button", name="Copy the link", exact=True).click()
    dialog.get_by_role("status").filter(has_text="Copied.").wait_for()
    assert playground.page.evaluate("navigator.clipboard.readText()") == link
    dialog.get_by_role("button", name="QR code", exact=True).click()
    playground.page.get_by_role("img", name="QR code of the link").wait_for()
    playground.page.keyboard.press("Escape")
    playground.page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert playground.slider("Learning rate").is_visible()  # ticks are for the students' page, not for this one
    student = playground.open(urlsplit(link).query)
    assert student.link == expected
    assert student.slider("Learning rate").count() == 0
    assert not student.page.locator(".live-panel-confusion").is_visible()
    assert student.page.get_by_role("combobox", name="Data set", exact=True).is_disabled()
    assert student.page.get_by_role("combobox", name="Optimizer", exact=True).is_enabled()
    feature = student.page.locator(".live-feature").last
    assert feature.get_attribute("aria-disabled") == "true"
    feature.dispatch_event("click")
    for name in ("More hidden layers", "Fewer hidden layers", "More neurons in layer 1"):
        assert student.button(name).is_disabled()
    student.button("Bias of Output").click()
    student.step(1)
    assert student.page.locator(".live-editor").is_hidden()
    assert student.link == expected


def test_the_embedded_page_trains_in_another_page(playground, visit, server):
    playground.open("seed=3&epochs=50").play()
    playground.button("Pause").wait_for()
    dialog = share(playground)
    _, code = written(dialog)
    playground.until("facts.status === 'stopped'")
    playground.answers(2)
    assert dialog.is_visible()  # the end of a run does not close it
    host = visit(server.url)
    host.page.goto(f"{server.url}healthz")  # any other page
    host.page.set_content(code)
    frame = next(frame for frame in host.page.frames if frame.parent_frame)
    frame.wait_for_function("() => document.querySelector('[data-testid=live]')?.dataset.frame > 0", timeout=30_000)
    for gone in (".stAppHeader", ".st-key-tools", "[data-testid=stMainMenu]"):
        frame.locator(gone).wait_for(state="hidden")
    frame.get_by_role("button", name="Step", exact=True).click()
    frame.wait_for_function("() => document.querySelector('[data-testid=live]').dataset.epoch === '1'")
    frame.get_by_role("group", name="Learning rate", exact=True).get_by_role("slider").press("ArrowRight")
    expected = {"embed": "true", "seed": "3", "epochs": "50", "learning_rate": "0.1"}
    assert eventually(lambda: fields(frame.evaluate("location.href")) == expected, WAIT_S)
    assert frame.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_experiment_too_large_for_a_link_goes_by_file(playground, tmp_path):
    playground.open("seed=5").step(1)
    before = playground.facts["build"]
    dialog = share(playground)
    for content, sentence in (
        (json.dumps({"seed": -1}).encode(), "seed: -1 is not allowed; allowed: a whole number"),
        (b"\xff\xfe\x00", "This is not text."),
        (b'{"<img src=x onerror=window.planted=1>": 1}', "is no field of an experiment"),
    ):
        file = {"name": f"{len(content)}.json", "mimeType": "application/json", "buffer": content}
        dialog.locator("input[type=file]").set_input_files(file)
        dialog.get_by_role("alert").filter(has_text=sentence).wait_for()
    assert dialog.get_by_role("alert").locator("img").count() == 0
    assert (playground.facts["epoch"], playground.facts["build"]) == ("1", before)
    assert playground.link == {"seed": "5"}

    places = np.random.default_rng(1).uniform(-6, 6, (hand_drawn.MAX_POINTS, 2))
    points = [[x, y, number % 5] for number, (x, y) in enumerate(places.tolist())]
    experiment = Experiment(dataset="drawn", points=points, hidden=(4,))
    saved = tmp_path / "saved.json"
    saved.write_text(experiment.to_json())
    dialog.locator("input[type=file]").set_input_files(saved)
    dialog.wait_for(state="detached")
    playground.linked(dataset="drawn", hidden="4", points=None)
    dialog = share(playground)
    assert "A link cannot hold this many drawn points" in dialog.inner_text()
    with playground.page.expect_download() as download:
        dialog.get_by_role("button", name="Save as file", exact=True).click()
    assert Experiment.from_json(download.value.path().read_text()) == experiment


def test_an_embedded_lesson_has_no_empty_column(playground):
    playground.page.set_viewport_size({"width": 700, "height": 700})
    playground.open("embed=true&controls=simple&hide=data,seed,view,batch,penalties")
    left = "selector => document.querySelector(selector).getBoundingClientRect().left"
    playground.page.wait_for_function(f"() => ({left})('.live') === ({left})('.st-key-top')")


def test_a_lesson_is_written_held_and_found_again(playground):
    playground.open("dataset=xor")
    dialog = share(playground)
    for name, text in (("Title", "Find the rate"), ("Task", "Reach a test loss of 0.1.")):
        box = dialog.get_by_role("textbox", name=name, exact=True)
        box.fill(text)
        box.press("Tab")
        playground.settle()
    playground.choose("Lock everything except", "Learning rate")
    assert eventually(lambda: {"title", "task", "lock"} <= fields(written(dialog)[0]).keys(), WAIT_S)
    link = fields(written(dialog)[0])
    student = playground.open(urlencode(link))
    student.reads("Find the rate")
    assert student.page.get_by_role("combobox", name="Data set", exact=True).is_disabled()
    back = student.button("Back to the task")
    assert not back.count()
    student.slide("Learning rate", "ArrowRight")
    student.linked(learning_rate="0.1")
    back.wait_for()
    student.page.reload()
    back.wait_for()
    student.settle()
    student.go("Help")
    student.reads("Reach a test loss of 0.1.")
    back.click()
    student.linked(learning_rate=None, dataset="xor")
    back.wait_for(state="detached")
