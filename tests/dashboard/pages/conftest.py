"""A collector with a shop in it, and an empty one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_processes import RunningCollector, running_collector
from shop_telemetry import now_ms, send_logs, send_spans, shop_hours


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    """Two hours of the shop, a module's own: what one module adds to it must not move another's numbers."""
    with running_collector(tmp_path_factory.mktemp("shop")) as running:
        spans, logs = shop_hours(now_ms())
        send_spans(running.client, spans)
        send_logs(running.client, logs)
        yield running


@pytest.fixture
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCollector]:
    with running_collector(tmp_path_factory.mktemp("empty")) as running:
        yield running
