"""A durable queue in a SQLite file that producers and consumers share: at least once, oldest first.

OpenTelemetry has no stock instrumentation for it, so its spans are made here by hand, once for every user: `create`
(whose context travels in the message), `send`, and `process`, which continues the trace that the message came from.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.semconv._incubating.attributes.messaging_attributes import (
    MESSAGING_DESTINATION_NAME,
    MESSAGING_MESSAGE_ID,
    MESSAGING_OPERATION_NAME,
    MESSAGING_OPERATION_TYPE,
    MESSAGING_SYSTEM,
)
from opentelemetry.trace import SpanKind, StatusCode

from quacktrace_demo.chassis.client import TENANT
from quacktrace_demo.chassis.database import Database, Row

__all__ = ["SYSTEM", "Queue"]

logger = logging.getLogger(__name__)
tracer = trace.get_tracer(__name__)

SYSTEM = "sqlite_queue"
POLL_S = 0.1
LEASE_S = 30.0
"""A message that was claimed but not acknowledged for this long is handed out again."""
DEEP = 10
"""Waiting messages from which the consumer warns."""

CLAIM = """update message set claimed_until = ? where id = (
    select id from message where destination = ? and claimed_until < ? order by sent_at limit 1) returning *"""


class Queue:
    """Messages to one destination."""

    def __init__(self, path: Path, destination: str) -> None:
        self._database = Database(path)
        self._destination = destination

    async def send(self, message: Mapping[str, Any]) -> str:
        """Store `message` and return its id; it is durable when this returns."""
        message_id = uuid.uuid4().hex
        with tracer.start_as_current_span(
            f"create {self._destination}",
            kind=SpanKind.PRODUCER,
            attributes=self._attributes("create", "create", message_id),
        ):
            headers: dict[str, str] = {"tenant": TENANT.get()}
            propagate.inject(headers)
        with (
            tracer.start_as_current_span(
                f"send {self._destination}",
                kind=SpanKind.CLIENT,
                attributes=self._attributes("send", "send", message_id),
            ),
            suppress_instrumentation(),
        ):
            await self._database.execute(
                "insert into message values (?, ?, ?, ?, ?, 0)",
                message_id,
                self._destination,
                json.dumps(message),
                json.dumps(headers),
                time.time(),
            )
        return message_id

    def close(self) -> None:
        """Close the file; nobody may be using the queue."""
        self._database.close()

    async def consume(self, handle: Callable[[Any], Awaitable[None]]) -> None:
        """Handle messages one after the other, for ever; one that raises is logged and handed out again later."""
        while True:
            with suppress_instrumentation():
                claimed = await self._claim()
                depth = await self._depth() if claimed else 0
            if claimed is None:
                await asyncio.sleep(POLL_S)
                continue
            await self._process(claimed, depth, handle)

    async def _process(self, claimed: Row, depth: int, handle: Callable[[Any], Awaitable[None]]) -> None:
        headers = json.loads(claimed["headers"])
        token = TENANT.set(headers["tenant"])
        waited_s = time.time() - claimed["sent_at"]
        attributes = self._attributes("process", "process", claimed["id"])
        attributes |= {"queue.depth": depth, "queue.waited_ms": round(waited_s * 1000), "tenant.id": headers["tenant"]}
        try:
            with tracer.start_as_current_span(
                f"process {self._destination}",
                context=propagate.extract(headers),
                kind=SpanKind.CONSUMER,
                attributes=attributes,
            ) as span:
                if depth >= DEEP:
                    logger.warning(
                        "%d messages wait in %s, this one waited %.1f s",
                        depth,
                        self._destination,
                        waited_s,
                        extra={"queue.depth": depth},
                    )
                try:
                    await handle(json.loads(claimed["body"]))
                except Exception as error:
                    # Whatever a handler raises must not end the consumer; the lease brings the message back.
                    span.record_exception(error)
                    span.set_status(StatusCode.ERROR, str(error))
                    logger.exception("message %s failed", claimed["id"])
                    return
                with suppress_instrumentation():
                    await self._database.execute("delete from message where id = ?", claimed["id"])
        finally:
            TENANT.reset(token)

    async def _claim(self) -> Row | None:
        now = time.time()
        return await self._database.one(CLAIM, now + LEASE_S, self._destination, now)

    async def _depth(self) -> int:
        row = await self._database.one("select count(*) as depth from message where destination = ?", self._destination)
        return int(row["depth"]) if row else 0

    def _attributes(self, operation: str, operation_type: str, message_id: str) -> dict[str, str | int]:
        return {
            MESSAGING_SYSTEM: SYSTEM,
            MESSAGING_DESTINATION_NAME: self._destination,
            MESSAGING_OPERATION_NAME: operation,
            MESSAGING_OPERATION_TYPE: operation_type,
            MESSAGING_MESSAGE_ID: message_id,
        }
