"""Callback requests that no page of ours would send are the client's fault: 400 and one line in the log.

Dash looks up what a request names and calls it with whatever the request holds, so a made-up output, id or value ends
in an exception somewhere, which would be a 500 with a traceback in the log for each.
"""

from __future__ import annotations

import logging
import traceback

import flask
from dash import Dash
from werkzeug.exceptions import HTTPException

__all__ = ["install_forged_callback_answers"]

_log = logging.getLogger(__name__)
_PATH = "/_dash-update-component"


def install_forged_callback_answers(app: Dash) -> None:
    """Answer exceptions of callbacks with 400; those that Dash and HTTP know themselves stay as they are."""

    @app.server.errorhandler(Exception)
    def answer(error: Exception) -> flask.Response | HTTPException:
        if isinstance(error, HTTPException):
            return error
        if flask.request.path != _PATH:
            raise error
        place = traceback.extract_tb(error.__traceback__)[-1]
        _log.warning("a callback failed at %s:%s: %s", place.filename, place.lineno, repr(error)[:500])
        return flask.Response("The request is none that a page makes, or its values cannot be used.", 400)
