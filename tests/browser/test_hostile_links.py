"""Nonsense in the address bar: each field is refused with a sentence in plain text, and the page works."""

from __future__ import annotations

from itertools import cycle
from urllib.parse import urlencode

import pytest

from lab.experiment.experiment import Experiment
from ui.session.view import VIEW

pytestmark = pytest.mark.browser

FIELDS = (*Experiment.model_fields, *VIEW)
IMAGE = '<img id="planted" src="x" onerror="window.planted = 1">'
SCRIPT = '<script id="planted">window.planted = 1</script>'
MARKDOWN = "[planted](javascript:alert(1)) ![planted](x) **planted** $planted$ :red[planted]"
NONSENSE = {
    SCRIPT: SCRIPT[:40],
    IMAGE: IMAGE[:40],
    MARKDOWN: MARKDOWN[:30],
    "9" * 200: "9" * 40 + "...",
    "\x00\r\u202e": "",
}
TEXTS = {"title", "task"}  # for which nonsense is allowed, and shown as it is
UNKNOWN = {"colour": SCRIPT, "__proto__": "1", "constructor": "x" * 500, IMAGE: "", "shape": "4,2", "a": "b"}


def test_nonsense_in_every_field_is_shown_as_plain_text(playground):
    playground.page.on("dialog", fail := lambda dialog: (playground.errors.append(dialog.message), dialog.dismiss()))
    nonsense = dict(zip(FIELDS, cycle(NONSENSE), strict=False)) | {"title": MARKDOWN, "task": IMAGE}
    playground.open(urlencode({**nonsense, **UNKNOWN, "utm_source": "mail"}))
    alert = playground.page.get_by_role("alert")
    *sentences, last = alert.locator("li").all_inner_texts()
    assert {sentence.partition(":")[0] for sentence in sentences} == set(FIELDS) - TEXTS
    assert len(sentences) == len(FIELDS) - len(TEXTS)
    banner = playground.page.locator(".st-key-task")
    assert MARKDOWN in banner.inner_text()
    assert banner.locator("a, img, script, em, code, .katex, span[style]").count() == 0
    assert all("allowed: " in sentence for sentence in sentences)
    assert last.startswith(
        f"colour, __proto__, constructor, {IMAGE[:40]}..., shape and 1 more: unknown settings in the link"
    )
    assert all(quoted in alert.inner_text() for quoted in NONSENSE.values())
    assert alert.locator("a, img, script, strong, em, code, .katex, span[style]").count() == 0
    assert playground.page.locator("#planted").count() == 0
    assert playground.page.evaluate("window.planted === undefined")
    playground.page.remove_listener("dialog", fail)


def test_refused_fields_keep_their_defaults_and_the_rest_counts(playground):
    playground.open(
        "dataset=xor&learning_rate=-1&hidden=4,x&seed=1.5&noise=0.1&noise=0.2&hidden_layers=3&speed=warp&show_test=maybe"
        "&hide=data,everything&lock=diagram"
    )
    alert = playground.page.get_by_role("alert").inner_text()
    for sentence in (
        "learning_rate: -1 is not allowed; allowed: a number above 0 up to 10.",
        "seed: 1.5 is not allowed; allowed: a whole number from 0 to 999,999.",
        "speed: warp is not allowed; allowed: one of slow, batch, calm, epoch, fast, max, instant.",
        "show_test: maybe is not allowed; allowed: one of true, false.",
        "hidden: ",
        "hide: everything is ignored; allowed: names of parts",
        "lock: diagram is ignored",
    ):
        assert sentence in alert
    refused = dict.fromkeys(("learning_rate", "hidden", "seed", "speed", "show_test", "lock"))
    playground.linked(dataset="xor", noise="0.2", hide="data", **refused)
    assert playground.page.get_by_role("combobox", name="Data set", exact=True).count() == 0
    playground.play()
    playground.until("facts.epoch > 3 && facts.learningRate === '0.03'")


def test_an_unknown_page_leads_to_the_playground(playground):
    playground.page.goto(f"{playground.url}nowhere?dataset=xor")
    playground.until("facts.frame > 0", 30)
    playground.errors.clear()  # the browser itself reports the missing page
    assert "Traceback" not in playground.page.locator("body").inner_text()
