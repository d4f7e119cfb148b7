"""Calls to other services: balanced over instances, with time-outs, retries with back-off, and a circuit breaker."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp

from quacktrace_demo.chassis.breaker import CircuitBreaker
from quacktrace_demo.errors import NoInstanceError, UpstreamError, UpstreamRefusedError, UpstreamTimeoutError

__all__ = ["ONCE", "TENANT", "TENANT_HEADER", "Client", "Policy"]

logger = logging.getLogger(__name__)

TENANT_HEADER = "X-Tenant"
TENANT: ContextVar[str] = ContextVar("tenant", default="unknown")
"""On whose behalf the current request runs; every call passes it on."""

WORTH_RETRYING = frozenset({503})
BREAKING = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Policy:
    """How patient a caller is."""

    timeout_s: float = 3.0
    """For one attempt."""
    attempts: int = 3
    backoff_s: float = 0.05
    """Before the second attempt; doubled before each further one, with jitter."""
    breaks_circuit: bool = True


ONCE = Policy(attempts=1)
"""For what must not happen twice."""


class Client:
    """One per process; its session finds services by the registry, its circuits are per service."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._breakers: dict[str, CircuitBreaker] = {}

    async def get(
        self, service: str, path: str, *, params: Mapping[str, str | int] | None = None, policy: Policy = Policy()
    ) -> Any:
        """The JSON that `service` answers; UpstreamError when it does not answer well."""
        return await self._call("GET", service, path, params, None, policy)

    async def post(self, service: str, path: str, body: Mapping[str, Any], *, policy: Policy = ONCE) -> Any:
        """As `get`, but tried once unless the policy says that twice does no harm."""
        return await self._call("POST", service, path, None, body, policy)

    async def _call(
        self,
        method: str,
        service: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        policy: Policy,
    ) -> Any:
        for attempt in range(1, policy.attempts + 1):
            try:
                return await self._attempt(method, service, path, params, body, policy)
            except UpstreamError as error:
                is_retryable = not isinstance(error, UpstreamRefusedError) or error.upstream_status in WORTH_RETRYING
                if attempt == policy.attempts or not is_retryable:
                    raise
                pause_s = policy.backoff_s * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                logger.warning(
                    "attempt %d of %d failed, next in %d ms: %s",
                    attempt,
                    policy.attempts,
                    pause_s * 1000,
                    error,
                    extra={"upstream": service, "attempt": attempt},
                )
                await asyncio.sleep(pause_s)
        raise AssertionError("a policy has at least one attempt")

    async def _attempt(
        self,
        method: str,
        service: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, Any] | None,
        policy: Policy,
    ) -> Any:
        breaker = self._breakers.setdefault(service, CircuitBreaker(service))
        if policy.breaks_circuit:
            breaker.check()
        has_failed = True
        try:
            async with self._session.request(
                method,
                f"http://{service}{path}",
                params=params,
                json=body,
                headers={TENANT_HEADER: TENANT.get()},
                timeout=aiohttp.ClientTimeout(total=policy.timeout_s),
            ) as response:
                answer = await response.json() if response.content_type == "application/json" else None
                has_failed = response.status in BREAKING
                if response.status >= 400:
                    raise UpstreamRefusedError(service, response.status, answer)
                return answer
        except TimeoutError as error:
            raise UpstreamTimeoutError(service, policy.timeout_s) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise NoInstanceError(service) from error
        except aiohttp.ClientError as error:
            raise UpstreamError(service, str(error) or type(error).__name__) from error
        finally:
            breaker.record(has_failed=has_failed)
