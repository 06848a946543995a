"""Escaping of text that comes from outside."""


def escape_markdown(text: str) -> str:
    """The text with everything escaped that has a meaning in Markdown or HTML."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
