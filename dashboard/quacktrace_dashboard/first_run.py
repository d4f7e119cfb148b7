"""What a page shows before the first span: how to send one from eight languages, with this collector's address.

Only the browser knows that address for sure, so `assets/overview/35-first-run.js` puts it in the place of `{endpoint}`.
"""

from __future__ import annotations

from typing import NamedTuple

from dash import html
from dash.development.base_component import Component

from quacktrace_dashboard.icons import icon

__all__ = ["LANGUAGES", "first_run"]

_SETTINGS = (
    "export OTEL_SERVICE_NAME=my-service\n"
    "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n"
    "export OTEL_EXPORTER_OTLP_ENDPOINT={endpoint}\n"
)


class Language(NamedTuple):
    """How a program of one language sends its spans here."""

    name: str
    key: str
    commands: str
    note: str = ""
    """What has to be in the program itself, where commands are not enough."""


LANGUAGES = (
    Language("Python", "python", "pip install quacktrace\nquacktrace run --endpoint {endpoint} -- python app.py"),
    Language(
        "Node.js",
        "nodejs",
        "npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\n"
        + _SETTINGS
        + "node --require @opentelemetry/auto-instrumentations-node/register app.js",
    ),
    Language(
        "Java",
        "java",
        "curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/"
        "opentelemetry-javaagent.jar\n" + _SETTINGS + "java -javaagent:opentelemetry-javaagent.jar -jar app.jar",
    ),
    Language(
        "Go",
        "go",
        "go get go.opentelemetry.io/otel/sdk go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp\n"
        + _SETTINGS
        + "go run .",
        "Once, when the program starts: exporter, err := otlptracehttp.New(ctx), then "
        "otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(exporter))).",
    ),
    Language(
        ".NET",
        "dotnet",
        "curl -LO https://github.com/open-telemetry/opentelemetry-dotnet-instrumentation/releases/latest/download/"
        "otel-dotnet-auto-install.sh\nsh ./otel-dotnet-auto-install.sh\n. $HOME/.otel-dotnet-auto/instrument.sh\n"
        + _SETTINGS
        + "dotnet run",
    ),
    Language(
        "Ruby",
        "ruby",
        "bundle add opentelemetry-sdk opentelemetry-exporter-otlp opentelemetry-instrumentation-all\n"
        + _SETTINGS
        + "bundle exec ruby -r opentelemetry/sdk -r opentelemetry/instrumentation/all \\\n"
        "  -e 'OpenTelemetry::SDK.configure(&:use_all); load \"app.rb\"'",
    ),
    Language(
        "PHP",
        "php",
        "pecl install opentelemetry\ncomposer require open-telemetry/sdk open-telemetry/exporter-otlp\n"
        + _SETTINGS
        + "OTEL_PHP_AUTOLOAD_ENABLED=true php -d extension=opentelemetry -S localhost:8080 app.php",
        "Spans come from the open-telemetry/opentelemetry-auto-… package of your framework.",
    ),
    Language(
        "Rust",
        "rust",
        "cargo add opentelemetry opentelemetry_sdk\n"
        "cargo add opentelemetry-otlp --features http-proto,reqwest-blocking-client\n" + _SETTINGS + "cargo run",
        "Once, when the program starts: give SdkTracerProvider::builder() a batch exporter made by "
        "SpanExporter::builder().with_http().build()?.",
    ),
)


def first_run() -> Component:
    """Show how to send the first span; the page fills by itself when it arrives."""
    return html.Div(
        [
            html.Div(
                [html.I(className="qt-live-dot"), html.Span("Waiting for the first span…", role="status")],
                className="qt-waiting",
            ),
            html.H2("Send something to see something"),
            html.P("Start a service with one of these. This page fills by itself.", className="qt-muted"),
            html.Div(
                [
                    html.Button(
                        language.name,
                        id=f"first-run-tab-{language.key}",
                        className="qt-segment",
                        type="button",
                        role="tab",
                        tabIndex=-1 if i else 0,
                        **{
                            "data-action": "language",
                            "data-language": language.key,
                            "aria-selected": "false" if i else "true",
                            "aria-controls": f"first-run-{language.key}",
                        },
                    )
                    for i, language in enumerate(LANGUAGES)
                ],
                className="qt-segments qt-languages",
                role="tablist",
                **{"aria-label": "Language"},
            ),
            *(_panel(language, is_shown=i == 0) for i, language in enumerate(LANGUAGES)),
            html.Div(
                [
                    html.Button(
                        [icon("play"), "Load demo traffic"],
                        className="qt-button",
                        type="button",
                        title="Sends some minutes of a made-up shop to this collector",
                        **{"data-action": "demo-traffic"},
                    ),
                    html.Span(
                        ["or run a shop of seven services and its faults: ", html.Code("quacktrace demo")],
                        className="qt-muted",
                    ),
                ],
                className="qt-demo-traffic",
            ),
        ],
        className="qt-state qt-first-run",
        **{"data-waiting": "true"},
    )


def _panel(language: Language, *, is_shown: bool) -> Component:
    return html.Div(
        [
            html.Div(
                [
                    html.Code(**{"data-command": language.commands}),
                    html.Button(
                        icon("copy"),
                        className="qt-tool",
                        type="button",
                        title="Copy",
                        **{"data-action": "copy-command", "aria-label": f"Copy the commands for {language.name}"},
                    ),
                ],
                className="qt-command",
            ),
            html.P(language.note, className="qt-muted") if language.note else None,
        ],
        id=f"first-run-{language.key}",
        hidden=not is_shown,
        role="tabpanel",
        **{"aria-labelledby": f"first-run-tab-{language.key}"},
    )
