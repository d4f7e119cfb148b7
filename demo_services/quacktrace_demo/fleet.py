"""Which processes the shop consists of, and how each is started: with the command that users are told to use."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FLEET", "Member", "service_command", "service_environment"]


@dataclass(frozen=True)
class Member:
    """One process of the shop."""

    service: str
    instance: str
    version: str


FLEET: tuple[Member, ...] = (
    Member("api-gateway", "api-gateway-1", "3.1.0"),
    Member("auth", "auth-1", "1.4.2"),
    Member("user", "user-v1", "1.8.0"),
    Member("user", "user-v2", "2.0.0"),
    Member("payment", "payment-1", "2.3.1"),
    Member("order", "order-1", "1.12.0"),
    Member("inventory", "inventory-1", "4.0.3"),
    Member("inventory", "inventory-2", "4.0.3"),
    Member("inventory", "inventory-3", "4.0.3"),
    Member("notification", "notification-1", "1.1.0"),
)

# The demo shares its environment with the dashboard (Flask) and the collector (gRPC). A service that had one of its own
# would not have these, and to load what instruments them costs each process 18 MB.
NOT_OURS = "flask,wsgi,jinja2,requests,urllib3,urllib,asgi,grpc_client,grpc_server,grpc_aio_client,grpc_aio_server"


def service_command(member: Member, *, registry_url: str, shop: Path) -> list[str]:
    """The command line that runs `member`."""
    own = ["--instance", member.instance, "--version", member.version, "--registry", registry_url, "--shop", str(shop)]
    return [
        sys.executable,
        "-m",
        "quacktrace",
        "run",
        "--",
        sys.executable,
        "-m",
        "quacktrace_demo.services",
        member.service,
        *own,
    ]


def service_environment(member: Member, exporter: Mapping[str, str]) -> dict[str, str]:
    """The environment that says who `member` is; `exporter` says where its telemetry goes."""
    resource = {
        "service.namespace": "shop",
        "service.version": member.version,
        "service.instance.id": member.instance,
        "deployment.environment.name": "demo",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "QUACKTRACE_"))}
    return {
        **inherited,
        **exporter,
        "OTEL_SERVICE_NAME": member.service,
        "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{key}={value}" for key, value in resource.items()),
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": NOT_OURS,
        # Milliseconds: fresh enough to watch, and half as many requests as with quacktrace's default.
        "OTEL_BSP_SCHEDULE_DELAY": "1000",
        "OTEL_BLRP_SCHEDULE_DELAY": "1000",
    }
