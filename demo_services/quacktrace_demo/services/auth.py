"""auth: passwords and sessions."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import time

from aiohttp import web

from quacktrace_demo.chassis.service import SERVICE
from quacktrace_demo.opening import hash_password

logger = logging.getLogger(__name__)
routes = web.RouteTableDef()

SESSION_S = 3600.0


@routes.post("/sessions")
async def sign_in(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    body = await request.json()
    user_id = int(body["user_id"])
    credential = await service.database.one("select * from credential where user_id = ?", user_id)
    given = await asyncio.to_thread(hash_password, str(body["password"]), credential["salt"]) if credential else b""
    if credential is None or not hmac.compare_digest(given, credential["password_hash"]):
        logger.warning("sign-in refused", extra={"user.id": user_id})
        return web.json_response({"error": "wrong user or password"}, status=401)
    user = await service.client.get("user", f"/users/{user_id}")
    token = secrets.token_hex(16)
    await service.database.execute("insert into session values (?, ?, ?)", token, user_id, time.time())
    await service.database.execute("delete from session where created_at < ?", time.time() - SESSION_S)
    if body.get("is_new_device"):
        email = {"template": "new-sign-in", "recipient": user["email"], "values": {"user_id": user_id}}
        await service.client.post("notification", "/notifications/email", email)
    logger.info("signed in", extra={"user.id": user_id})
    return web.json_response({"token": token, "user_id": user_id}, status=201)


@routes.post("/sessions/verify")
async def verify(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    body = await request.json()
    session = await service.database.one("select user_id, created_at from session where token = ?", body["token"])
    if session is None or session["created_at"] < time.time() - SESSION_S:
        return web.json_response({"error": "no such session"}, status=401)
    user = await service.client.get("user", f"/users/{session['user_id']}")
    if not user["is_active"]:
        return web.json_response({"error": "account closed"}, status=403)
    return web.json_response({"user_id": user["id"]})
