"""An aiohttp and a Flask service under `quacktrace run`, unchanged, show up as one connected system."""

from __future__ import annotations

import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from real_processes import RunningCollector, clean_environment, started, wait_until

HERE = Path(__file__).parent

# Each service exports for itself, and logs apart from spans.
ALL_HAS_ARRIVED = """
    select 1
    where (select count(*) from spans where name like 'GET /stock%' and kind = 'SERVER') = 2
      and (select count(*) from spans where name like 'GET /item%' and kind = 'SERVER') = 2
      and (select count(*) from logs where body in ('asked for teapot', 'looked up teapot')) = 2
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def fetch(url: str) -> int | None:
    """The status, None while nothing listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return None


@dataclass(frozen=True)
class Shop:
    url: str
    folder: Path
    collector: RunningCollector


@pytest.fixture(scope="module")
def shop(collector: RunningCollector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Both services, started as their authors would start them but for the first words, and asked twice."""
    folder = tmp_path_factory.mktemp("shop")
    stock_port, gateway_port = free_port(), free_port()
    environment = clean_environment(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    run = [sys.executable, "-m", "quacktrace", "run", "--"]
    stock = [*run, "flask", "--app", str(HERE / "flask_stock.py"), "run", "--port", str(stock_port)]
    gateway = [*run, "python", str(HERE / "aiohttp_gateway.py"), f"http://127.0.0.1:{stock_port}", str(gateway_port)]
    with (
        started(stock, environment=environment, log=folder / "stock.log"),
        started(gateway, environment=environment, log=folder / "gateway.log"),
    ):
        url = f"http://127.0.0.1:{gateway_port}"
        wait_until(lambda: fetch(f"http://127.0.0.1:{stock_port}/") == 404, what="the Flask service")
        wait_until(lambda: fetch(f"{url}/") == 404, what="the aiohttp service")
        assert fetch(f"{url}/item/teapot") == 200
        assert fetch(f"{url}/item/unobtainium") == 500
        wait_until(
            lambda: collector.rows(ALL_HAS_ARRIVED),
            what="spans of both requests from both services, and their logs",
        )
        yield Shop(url, folder, collector)


def test_request_through_both_is_one_trace(shop: Shop) -> None:
    rows = shop.collector.rows(
        """
        select child.service_name, child.name, child.kind, parent.service_name, parent.kind
        from spans as child left join spans as parent
            on parent.trace_id = child.trace_id and parent.span_id = child.parent_span_id
        where child.trace_id = (select trace_id from logs where body = 'asked for teapot')
        order by child.start_time
        """
    )
    assert rows[0] == ("aiohttp_gateway", "GET /item/{item}", "SERVER", None, None)
    assert ("flask_stock", "GET /stock/<item>", "SERVER", "aiohttp_gateway", "CLIENT") in rows
    assert ("flask_stock", "CLIENT", "flask_stock", "SERVER") in [(row[0], *row[2:]) for row in rows]


def test_logs_belong_to_the_spans_they_were_written_in(shop: Shop) -> None:
    rows = shop.collector.rows(
        """
        select logs.service_name, logs.severity_text, logs.body, spans.kind
        from logs join spans using (trace_id, span_id)
        where logs.body in ('asked for teapot', 'looked up teapot') order by logs.body
        """
    )
    assert [(service, body, kind) for service, _, body, kind in rows] == [
        ("aiohttp_gateway", "asked for teapot", "SERVER"),
        ("flask_stock", "looked up teapot", "SERVER"),
    ]


def test_exception_is_an_error_with_its_type_and_stack(shop: Shop) -> None:
    ((status, service, type_, message),) = shop.collector.rows(
        """
        select status_code, service_name, event.attributes['exception.type'], event.attributes['exception.message']
        from (select *, unnest(events) as event from spans where service_name = 'flask_stock')
        where event.name = 'exception'
        """
    )
    assert (status, service, message) == ("ERROR", "flask_stock", "no unobtainium")
    assert type_.endswith("LookupError")


def test_attributes_have_the_stable_names(shop: Shop) -> None:
    rows = shop.collector.rows("select distinct http_route, http_response_status_code from spans where kind = 'SERVER'")
    assert {("/item/{item}", 200), ("/stock/<item>", 200), ("/stock/<item>", 500)} <= set(rows)


def test_map_shows_the_call_and_the_database(shop: Shop) -> None:
    graph: dict[str, Any] = shop.collector.client.get("/api/v1/graph").json()
    edges = {(edge["client_service"], edge["server_service"]): edge for edge in graph["edges"]}
    assert edges["aiohttp_gateway", "flask_stock"]["calls"] >= 2
    assert edges["aiohttp_gateway", "flask_stock"]["errors"] == 1
    assert any(client == "flask_stock" and server.startswith("sqlite") for client, server in edges)


def test_services_print_what_they_print_without_us(shop: Shop) -> None:
    stock = (shop.folder / "stock.log").read_text()
    assert " * Running on http://127.0.0.1" in stock
    assert "looked up teapot" in stock
    assert "quacktrace" not in stock
    assert (shop.folder / "gateway.log").read_text().count("asked for") == 2
