"""The services' queries that are longer than a line, one `.sql` file each."""

from __future__ import annotations

from importlib.resources import files

__all__ = [
    "FORGET_OLD_ORDERS",
    "ITEM_WITH_STOCK",
    "LOYAL_CUSTOMERS",
    "LOYAL_CUSTOMERS_WITHOUT_INDEX",
    "PAGE_OF_ITEMS",
    "SEARCH_ITEMS",
    "load_schema",
]


def load_schema(name: str) -> str:
    """The statements that create the database of the service (or queue) called `name`."""
    return _read(f"schema/{name}.sql")


def _read(path: str) -> str:
    return files(__package__).joinpath("sql").joinpath(path).read_text()


FORGET_OLD_ORDERS = _read("forget_old_orders.sql")
ITEM_WITH_STOCK = _read("item_with_stock.sql")
LOYAL_CUSTOMERS = _read("loyal_customers.sql")
LOYAL_CUSTOMERS_WITHOUT_INDEX = _read("loyal_customers_without_index.sql")
PAGE_OF_ITEMS = _read("page_of_items.sql")
SEARCH_ITEMS = _read("search_items.sql")
