"""What the collector's routes share, by typed keys of the aiohttp application."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from quacktrace_collector.api.live import LiveFeed
from quacktrace_collector.ingest import Ingest
from quacktrace_collector.metrics import Metrics
from quacktrace_collector.settings import Settings
from quacktrace_collector.sql.pool import SqlPool
from quacktrace_collector.store import Store

INGEST: Final = web.AppKey("ingest", Ingest)
LIVE: Final = web.AppKey("live", LiveFeed)
METRICS: Final = web.AppKey("metrics", Metrics)
SETTINGS: Final = web.AppKey("settings", Settings)
SQL_POOL: Final = web.AppKey("sql_pool", SqlPool)
STORE: Final = web.AppKey("store", Store)
