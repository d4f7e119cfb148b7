"""Opens a new shop: one SQLite file a service, with the same first data for the same seed."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from quacktrace_demo.services.queries import load_schema

__all__ = ["ITEM_COUNT", "TENANTS", "USER_COUNT", "hash_password", "open_shop", "password_of", "tenant_of"]

TENANTS = ("globex", "acme", "initech", "hooli", "umbrella")
USER_COUNT = 60
ITEM_COUNT = 200
PAST_ORDERS = {"globex": 2000}
"""Of the others, a few: what makes a query without its index slow for one tenant only."""
FEW_ORDERS = 60

SIZES = ("Small", "Plain", "Striped", "Giant", "Golden")
MATERIALS = ("rubber", "wooden", "velvet", "ceramic", "inflatable")
THINGS = ("duck", "pond", "whistle", "umbrella", "teapot", "lantern", "kite", "compass")
CITIES = ("Utrecht", "Turin", "Ghent", "Bergen", "Porto", "Graz")
TIERS = ("bronze", "silver", "gold")


def open_shop(folder: Path, seed: int) -> None:
    """Create the databases in `folder`, replacing those of an earlier shop."""
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.db*"):
        leftover.unlink()
    for name, fill in FIRST_DATA.items():
        connection = sqlite3.connect(folder / f"{name}.db", isolation_level=None)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = off")
            connection.executescript(load_schema(name))
            connection.execute("begin")
            fill(connection, random.Random(f"{seed} {name}"))
            connection.execute("commit")
        finally:
            connection.close()


def tenant_of(user_id: int) -> str:
    """A third of the users are globex's, the others share the rest."""
    return TENANTS[0] if user_id % 3 == 0 else TENANTS[1 + user_id % (len(TENANTS) - 1)]


def password_of(user_id: int) -> str:
    """What the customers of a demo choose."""
    return f"quack-{user_id}"


def hash_password(password: str, salt: bytes) -> bytes:
    """Cheap enough for a demo at ten requests a second, dear enough to be visible."""
    return hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)


def _fill_api_gateway(connection: sqlite3.Connection, dice: random.Random) -> None:
    rows = [(tenant, f"key-{tenant}", dice.choice(("team", "enterprise"))) for tenant in TENANTS]
    connection.executemany("insert into tenant values (?, ?, ?)", rows)


def _fill_auth(connection: sqlite3.Connection, dice: random.Random) -> None:
    for user_id in range(1, USER_COUNT + 1):
        salt = dice.randbytes(16)
        row = (user_id, salt, hash_password(password_of(user_id), salt))
        connection.execute("insert into credential values (?, ?, ?)", row)


def _fill_user(connection: sqlite3.Connection, dice: random.Random) -> None:
    for user_id in range(1, USER_COUNT + 1):
        name = (
            f"{dice.choice(('Ada', 'Bo', 'Cleo', 'Dirk', 'Elif', 'Finn'))} {dice.choice(('Mallard', 'Teal', 'Eider'))}"
        )
        email = f"user{user_id}@{tenant_of(user_id)}.example"
        row = (user_id, tenant_of(user_id), name, email, dice.choice(TIERS), dice.randrange(5000))
        connection.execute("insert into user values (?, ?, ?, ?, ?, ?, 1)", row)
        postcode = f"{dice.randrange(1000, 9999)} {dice.choice('abcdef')}{dice.choice('uvwxyz')}"
        address = (user_id, f"{dice.randrange(1, 99)} Pond Lane", dice.choice(CITIES))
        connection.execute("insert into address values (?, ?, ?, ?)", (*address, postcode if user_id % 5 < 3 else None))


def _fill_payment(connection: sqlite3.Connection, dice: random.Random) -> None:
    rows = [(tenant, 1_000_000 + 1000 * dice.randrange(100)) for tenant in TENANTS]
    connection.executemany("insert into fraud_rule values (?, ?)", rows)


def _fill_order(connection: sqlite3.Connection, dice: random.Random) -> None:
    for tenant in TENANTS:
        users = [user_id for user_id in range(1, USER_COUNT + 1) if tenant_of(user_id) == tenant]
        for number in range(PAST_ORDERS.get(tenant, FEW_ORDERS)):
            order_id = f"{tenant}-{number}"
            placed_at = time.time() - dice.uniform(3600, 90 * 86_400)
            row = (order_id, tenant, dice.choice(users), dice.randrange(500, 50_000), "confirmed", placed_at)
            connection.execute("insert into orders values (?, ?, ?, ?, ?, ?)", row)
            line = (order_id, dice.randint(1, ITEM_COUNT), dice.randint(1, 3))
            connection.execute("insert into order_line values (?, ?, ?)", line)


def _fill_inventory(connection: sqlite3.Connection, dice: random.Random) -> None:
    names = [f"{size} {material} {thing}" for size in SIZES for material in MATERIALS for thing in THINGS]
    dice.shuffle(names)
    for item_id, name in enumerate(names, start=1):
        connection.execute("insert into item values (?, ?, ?)", (item_id, name, dice.randrange(199, 9999)))
        connection.execute("insert into stock values (?, ?, ?)", (item_id, 1_000_000, time.time()))


def _fill_notification(connection: sqlite3.Connection, dice: random.Random) -> None:
    del dice
    rows = [
        ("order-placed", "Your order is on its way", "Thank you! Order {order_id} leaves the pond today."),
        ("new-sign-in", "A new sign-in", "Someone signed in as user {user_id}. Was it you?"),
        ("message", "A message from the shop", "{text}"),
    ]
    connection.executemany("insert into template values (?, ?, ?)", rows)


def _fill_queue(connection: sqlite3.Connection, dice: random.Random) -> None:
    """A queue starts empty."""


FIRST_DATA: dict[str, Callable[[sqlite3.Connection, random.Random], None]] = {
    "api-gateway": _fill_api_gateway,
    "auth": _fill_auth,
    "user": _fill_user,
    "payment": _fill_payment,
    "order": _fill_order,
    "inventory": _fill_inventory,
    "notification": _fill_notification,
    "queue": _fill_queue,
}
