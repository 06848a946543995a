"""Escaping of text that comes from outside."""

import re

BEGINS_LINK = re.compile(r"www(?=\.)|https?:(?=//)|@", re.IGNORECASE)  # Streamlit makes links of these by itself
WORD_JOINER = "\u2060"  # invisible


def escape_markdown(text: str) -> str:
    """The text with everything escaped that has a meaning in Markdown or HTML, and without links."""
    text = BEGINS_LINK.sub(rf"\g<0>{WORD_JOINER}", text)
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
