"""user: who the customers are and where they live. Versions 1.8.0 and 2.0.0 run side by side on the same data."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from quacktrace_demo.chassis.database import Row
from quacktrace_demo.chassis.service import SERVICE, Service
from quacktrace_demo.faults import BAD_DEPLOY, VERSION_MISMATCH

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()


@routes.get("/users/{user_id:\\d+}")
async def get_user(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    user_id = int(request.match_info["user_id"])
    user = await service.database.one("select * from user where id = ?", user_id)
    if user is None:
        return web.json_response({"error": f"no user {user_id}"}, status=404)
    address = await service.database.one("select street, city, postcode from address where user_id = ?", user_id)
    logger.info("found user %d", user_id, extra={"user.id": user_id})
    present = _present_v2 if service.version.startswith("2.") else _present_v1
    return web.json_response(present(service, user, address or {}))


def _present_v1(service: Service, user: Row, address: Row) -> dict[str, Any]:
    del service
    return {
        "id": user["id"],
        "name": user["name"],
        "email": user["email"],
        "is_active": bool(user["is_active"]),
        "loyalty_tier": user["loyalty_tier"],
        "address": address,
    }


def _present_v2(service: Service, user: Row, address: Row) -> dict[str, Any]:
    profile = _present_v1(service, user, {**address, "postcode": _format_postcode(service, address.get("postcode"))})
    profile["loyalty"] = {"tier": user["loyalty_tier"], "points": user["loyalty_points"]}
    if service.faults.is_on(VERSION_MISMATCH):
        del profile["loyalty_tier"]
    return profile


def _format_postcode(service: Service, postcode: Any) -> str | None:
    if postcode is None and not service.faults.is_on(BAD_DEPLOY):
        return None
    return str(postcode.upper())
