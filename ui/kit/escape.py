"""Text from outside on a page."""


def plain(text: str) -> str:
    """Text without any meaning to Markdown or HTML."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>~$:&" else c for c in text)
