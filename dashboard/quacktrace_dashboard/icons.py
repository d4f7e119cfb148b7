"""Name our own icons; they are drawn by `assets/shell/91-icons.css` in the colour of the text around them."""

from __future__ import annotations

from dash import html

__all__ = ["icon"]


def icon(name: str, *, class_name: str = "") -> html.Span:
    """Return a decorative icon: whoever uses it also says in words what it means."""
    return html.Span(className=f"qt-icon qt-icon-{name} {class_name}".rstrip(), **{"aria-hidden": "true"})
