"""Text from outside is shown as it is: no markup, no links."""

from __future__ import annotations

import pytest

from ui.kit.escape import WORD_JOINER, escape_markdown

LINKS = ["www.evil.example", "http://evil.example/a", "HTTPS://evil.example", "name@evil.example", "mailto:a@b.example"]


@pytest.mark.parametrize("text", ["plain words", "*bold*", "<b>", "[a](b)", "$x$", ":red[a]", "a_b", "# 1", "1. a"])
def test_everything_with_a_meaning_is_escaped(text):
    shown = escape_markdown(text)
    assert shown.replace("\\", "") == text
    assert all(shown[i - 1] == "\\" for i, c in enumerate(shown) if c in "*<>[]$:_#.")


@pytest.mark.parametrize("text", LINKS)
def test_what_streamlit_would_make_a_link_is_broken_invisibly(text):
    shown = escape_markdown(f"a {text} b")
    assert shown.replace("\\", "").replace(WORD_JOINER, "") == f"a {text} b"
    plain = shown.replace("\\", "").lower()
    assert not any(mark in plain for mark in ("www.", "http://", "https://", "@evil", "@b"))
