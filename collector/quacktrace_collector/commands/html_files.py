"""The OTLP JSON inside a trace that the dashboard saved as an HTML file."""

from __future__ import annotations

from typing import Final

__all__ = ["embedded_otlp", "is_html"]

_BEGIN: Final = b'<script type="application/json" id="otlp">'
_END: Final = b"</script>"


def is_html(head: bytes) -> bool:
    """Whether a file that begins so is an HTML page."""
    return head.lstrip().lower().startswith((b"<!doctype html", b"<html"))


def embedded_otlp(content: bytes) -> bytes | None:
    """The JSON of the page's block, in which `<` only stands escaped; None where the page is not one of ours."""
    _, begin, rest = content.partition(_BEGIN)
    block, end, _ = rest.partition(_END)
    return block if begin and end else None
