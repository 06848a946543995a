"""The page Save says before a download how far the exported code agrees."""

from __future__ import annotations

from tests.ui.opened import open_page, texts, view


def test_each_script_says_how_far_its_losses_agree():
    page = open_page("keep", dtype="float64", dropout="0.2")
    assert "differ from the playground's by at most 0.0001%" in texts(page)
    page = view(page, "code_for", "keras")
    assert "by at most 20% (the masks of dropout are drawn by Keras)" in texts(page)
    assert "0.002% of the largest one" in page.get("download_button")[-1].proto.help
