"""Fields of a link that do not belong to the playground."""

from __future__ import annotations

from ui.session.visitor import unknown


def test_a_valid_link_has_no_unknown_fields():
    assert unknown({"dataset": "xor", "hidden": "4", "speed": "max", "lock": "seed"}) == []


def test_tracking_parameters_of_a_link_are_ignored():
    assert unknown({"utm_source": "newsletter", "fbclid": "x" * 200, "seed": "1"}) == []


def test_an_old_or_mistyped_field_is_named_and_a_flood_of_them_counted():
    (sentence,) = unknown({"learningrate": "0.1", "seed": "1"})
    assert sentence == "learningrate: unknown settings in the link, ignored."
    (sentence,) = unknown({f"{i}{'x' * 5000}": "" for i in range(2000)})
    assert " and 1,995 more: " in sentence
    assert len(sentence) < 400
