"""The headers that keep a page's text from becoming a page's code."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import flask
from dash import Dash

__all__ = ["content_security_policy", "install_security_headers"]


def install_security_headers(app: Dash, *, inline_scripts: Sequence[str]) -> None:
    """Set the headers on every answer; `inline_scripts` are all that a page has."""
    policy = content_security_policy([*map(_hash_source, inline_scripts)])

    @app.server.after_request
    def add_headers(response: flask.Response) -> flask.Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


def content_security_policy(script_sources: Sequence[str]) -> str:
    """Allow our own files and the given scripts.

    Relaxed, and why: styles may be inline, because Mantine, AG Grid and Plotly position everything by style attributes
    and injected style elements; images may be `data:`, because icons are masks inside our stylesheet, and `blob:`,
    because Plotly draws its picture export from one. AG Grid's fonts are `data:` too. Nothing here needs `eval`.
    """
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *script_sources)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _hash_source(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
