"""An aiohttp service that knows nothing of tracing: asks `stock`, whose URL and own port are its arguments."""

from __future__ import annotations

import logging
import sys

from aiohttp import ClientSession, web

log = logging.getLogger("gateway")
STOCK_URL, PORT = sys.argv[1], int(sys.argv[2])


async def item(request: web.Request) -> web.Response:
    """What `stock` says of an item."""
    log.error("asked for %s", request.match_info["item"])
    async with ClientSession() as session, session.get(f"{STOCK_URL}/stock/{request.match_info['item']}") as answer:
        return web.Response(text=await answer.text(), status=answer.status)


application = web.Application()
application.add_routes([web.get("/item/{item}", item)])
web.run_app(application, host="127.0.0.1", port=PORT, print=lambda text: None)
