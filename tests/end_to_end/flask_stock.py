"""A Flask service that knows nothing of tracing: `stock`, asked by the gateway."""

from __future__ import annotations

import logging
import sqlite3

from flask import Flask

app = Flask(__name__)
log = logging.getLogger("stock")


@app.get("/stock/<item>")
def stock(item: str) -> dict[str, object]:
    """How many are left; none of `unobtainium`."""
    with sqlite3.connect(":memory:") as database:
        # The instrumentation sees cursors; Connection.execute makes one behind its back.
        left = database.cursor().execute("select 3").fetchone()[0]
    database.close()
    if item == "unobtainium":
        raise LookupError(f"no {item}")
    log.warning("looked up %s", item)
    return {"item": item, "left": left}
