"""Nonsense in the address bar: refused field by field with a sentence, shown as plain text, and the page is alive."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from lab.experiment.experiment import Experiment
from ui.session.view import VIEW

pytestmark = pytest.mark.browser

SOME = ("dataset", "hidden", "activations", "features", "seed", "device")
FIELDS = (*Experiment.model_fields, *VIEW)
IMAGE = '<img id="planted" src="x" onerror="window.planted = 1">'
SCRIPT = '<script id="planted">window.planted = 1</script>'
MARKDOWN = "[planted](javascript:alert(1)) ![planted](x) **planted** $planted$ :red[planted]"
NONSENSE = {
    "a script tag": (dict.fromkeys(FIELDS, SCRIPT), SCRIPT[:40]),
    "an image with a handler": (dict.fromkeys(FIELDS, IMAGE), IMAGE[:40]),
    "Markdown": (dict.fromkeys(FIELDS, MARKDOWN), "[planted](javascript:alert(1))"),
    "5000 characters": (dict.fromkeys(SOME, "9" * 5000), "9" * 40 + "..."),
    "a huge number": (dict.fromkeys(FIELDS, "1e308"), "1e308"),
    "no number": (dict.fromkeys(FIELDS, "nan"), "nan"),
    "control characters": (dict.fromkeys(FIELDS, "\x00\x07\r\n\u202e"), ""),
    "nothing": (dict.fromkeys(FIELDS, ""), ""),
}
SENSIBLE = {  # what is nonsense elsewhere and means something there
    "nothing": {"hidden", "activations", "conv", "formula", "points", "own", "hide", "lock"},  # none of them
    "a huge number": {"formula"},  # a constant is a formula
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_in_every_field_is_refused_with_a_sentence_for_each(playground, kind):
    query, quoted = NONSENSE[kind]
    playground.page.on("dialog", fail := lambda dialog: (playground.errors.append(dialog.message), dialog.dismiss()))
    playground.open(urlencode(query))
    alert = playground.page.get_by_role("alert")
    sentences = alert.locator("li").all_inner_texts()
    refused = {sentence.partition(":")[0] for sentence in sentences}
    assert refused == set(query) - SENSIBLE.get(kind, set())
    assert len(sentences) == len(refused)
    assert all("allowed: " in sentence for sentence in sentences)
    assert quoted in alert.inner_text()
    assert alert.locator("a, img, script, strong, em, code, .katex, span[style]").count() == 0
    assert playground.page.locator("#planted").count() == 0
    assert playground.page.evaluate("window.planted === undefined")
    playground.page.remove_listener("dialog", fail)


def test_refused_fields_keep_their_defaults_and_the_rest_of_the_link_counts(playground):
    playground.open(
        "dataset=xor&learning_rate=-1&hidden=4,x&seed=1.5&noise=0.2&speed=warp&show_test=maybe"
        "&hide=data,everything&lock=diagram"
    )
    alert = playground.page.get_by_role("alert").inner_text()
    for sentence in (
        "learning_rate: -1 is not allowed; allowed: a number above 0 up to 10.",
        "seed: 1.5 is not allowed; allowed: a whole number from 0 to 999,999.",
        "speed: warp is not allowed; allowed: one of slow, batch, epoch, fast, max.",
        "show_test: maybe is not allowed; allowed: one of true, false.",
        "hidden: ",
        "hide: data,everything is not allowed; allowed: a list out of transport, speed",
        "lock: diagram is not allowed",
    ):
        assert sentence in alert
    refused = dict.fromkeys(("learning_rate", "hidden", "seed", "speed", "show_test", "hide", "lock"))
    playground.linked(dataset="xor", noise="0.2", **refused)
    assert playground.page.get_by_role("combobox", name="Data set", exact=True).is_enabled()
    playground.play()
    playground.until("facts.epoch > 3 && facts.learningRate === '0.03'")


def test_choices_that_do_not_fit_together_are_named_and_left_out(playground):
    playground.open("dataset=plane&output=softmax&loss=hinge&hidden=1024,1024,1024,1024")
    alert = playground.page.get_by_role("alert").inner_text()
    assert "output: softmax does not fit; allowed: with this data set" in alert
    assert "hidden: 1024,1024,1024,1024 does not fit; allowed: layers with at most" in alert
    playground.linked(dataset="plane", output=None, loss=None, hidden=None)
    playground.step(1)


def test_fields_that_nobody_knows_are_named_and_ignored_and_of_one_that_stands_twice_the_last_counts(playground):
    unknown = {"colour": SCRIPT, "__proto__": "1", "constructor": "x" * 5000, IMAGE: "", "shape": "4,2", "a": "b"}
    playground.open(urlencode({**unknown, "utm_source": "mail", "seed": "3"}) + "&seed=4")
    alert = playground.page.get_by_role("alert")
    named = f"colour, __proto__, constructor, {IMAGE[:40]}..., shape and 1 more: no field of a link, and ignored;"
    assert named in alert.inner_text()
    assert alert.locator("li").count() == 1
    assert alert.locator("img, strong").count() == 0
    playground.linked(seed="4", colour=None, constructor=None)
    assert playground.link == {"seed": "4"}
    assert playground.page.get_by_role("spinbutton", name="Seed", exact=True).input_value() == "4"
    playground.step(1)


def test_a_page_that_does_not_exist_leads_to_the_playground_without_a_trace_of_code(playground):
    playground.page.goto(f"{playground.url}nowhere?dataset=xor")
    playground.until("facts.frame > 0", 30)
    playground.errors.clear()  # the browser itself reports the missing page
    assert "Traceback" not in playground.page.locator("body").inner_text()


def test_a_network_without_a_hidden_layer_has_a_link_of_its_own(playground):
    playground.open("hidden=8")
    playground.unfold("Layer sizes")
    playground.press("Remove layer")
    playground.linked(hidden="")
    playground.fold()
    first = playground.step(1)
    again = playground.open(playground.page.url.partition("?")[2])
    assert again.step(1)["trainLoss"] == first["trainLoss"]
    assert again.page.get_by_role("button", name="Neuron 1 of layer 1", exact=True).count() == 0
