"""Customers: they browse, search, sign in, look at orders and check out, at a given rate and with a given seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from quacktrace_demo.opening import ITEM_COUNT, USER_COUNT, password_of, tenant_of

__all__ = ["MIX", "Traffic"]

MIX = {"browse": 30, "search": 20, "look_at_item": 15, "sign_in": 10, "look_at_orders": 10, "check_out": 15}
"""Of a hundred customers, so many want this."""
WORDS = ("duck", "velvet", "golden", "kite", "teapot", "giant", "pond")
WRONG_PASSWORD = 0.03
NEW_DEVICE = 0.2
MOST_AT_ONCE = 200
"""Customers beyond these go elsewhere: a shop that hangs must not fill the demo's memory."""


class Traffic:
    """The outside world: not instrumented, so that every trace starts at the gateway."""

    def __init__(self, gateway_url: str, session: aiohttp.ClientSession, *, rate: float, seed: int) -> None:
        self._gateway_url = gateway_url
        self._session = session
        self._rate = rate
        self._dice = random.Random(seed)
        self._tokens: dict[int, str] = {}
        self.answers: Counter[tuple[str, int]] = Counter()
        """How often each path was answered with each status; 0 where there was no answer."""

    async def run(self) -> None:
        """Send customers for ever, independent of each other, at random moments."""
        customers: set[asyncio.Task[None]] = set()
        wants: dict[str, Callable[[int], Coroutine[Any, Any, None]]] = {name: getattr(self, name) for name in MIX}
        try:
            while True:
                await asyncio.sleep(self._dice.expovariate(self._rate))
                name = self._dice.choices(list(MIX), list(MIX.values()))[0]
                user_id = self._dice.randint(1, USER_COUNT)
                if len(customers) < MOST_AT_ONCE:
                    customer = asyncio.ensure_future(wants[name](user_id))
                    customers.add(customer)
                    customer.add_done_callback(customers.discard)
        finally:
            for customer in customers:
                customer.cancel()
            await asyncio.gather(*customers, return_exceptions=True)

    async def browse(self, user_id: int) -> None:
        """Look at a page of items."""
        await self._ask("GET", f"/browse?page={self._dice.randrange(4)}", user_id)

    async def search(self, user_id: int) -> None:
        """Look for something."""
        await self._ask("GET", f"/search?q={self._dice.choice(WORDS)}", user_id)

    async def look_at_item(self, user_id: int) -> None:
        """Look at one item, and sometimes at one's profile."""
        await self._ask("GET", f"/inventory/item/{self._dice.randint(1, ITEM_COUNT)}", user_id)
        if self._dice.random() < 0.3:
            await self._ask("GET", f"/users/{user_id}", user_id)

    async def sign_in(self, user_id: int) -> None:
        """Sign in; some mistype their password, some have a new device."""
        is_wrong = self._dice.random() < WRONG_PASSWORD
        password = "quark" if is_wrong else password_of(user_id)
        body = {"user_id": user_id, "password": password, "is_new_device": self._dice.random() < NEW_DEVICE}
        answer = await self._ask("POST", "/signin", user_id, body)
        if answer is not None:
            self._tokens[user_id] = answer["token"]

    async def look_at_orders(self, user_id: int) -> None:
        """Look at the orders of one's company."""
        if await self._has_session(user_id):
            await self._ask("GET", "/orders", user_id)

    async def check_out(self, user_id: int) -> None:
        """Buy one to three things."""
        if not await self._has_session(user_id):
            return
        items = self._dice.sample(range(1, ITEM_COUNT + 1), self._dice.randint(1, 3))
        lines = [{"item_id": item_id, "quantity": self._dice.randint(1, 3)} for item_id in items]
        await self._ask("POST", "/checkout", user_id, {"lines": lines})

    async def _has_session(self, user_id: int) -> bool:
        for _ in range(2):
            if user_id not in self._tokens:
                await self.sign_in(user_id)
        return user_id in self._tokens

    async def _ask(self, method: str, path: str, user_id: int, body: Any = None) -> Any:
        """The JSON of a good answer, else None: customers do not care why."""
        headers = {"X-Api-Key": f"key-{tenant_of(user_id)}"}
        if token := self._tokens.get(user_id):
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with self._session.request(
                method, self._gateway_url + path, json=body, headers=headers, timeout=aiohttp.ClientTimeout(total=15)
            ) as response:
                self.answers[path.partition("?")[0], response.status] += 1
                if response.status == 401:
                    self._tokens.pop(user_id, None)
                return await response.json() if response.status < 400 else None
        except (aiohttp.ClientError, TimeoutError):
            self.answers[path.partition("?")[0], 0] += 1
            return None
