"""Build the dashboard: a WSGI application that knows the collector by its URL and by nothing else."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.index import INLINE_SCRIPTS, index_page
from quacktrace_dashboard.page import Page, forwarded_headers, match_page
from quacktrace_dashboard.pages import PAGES
from quacktrace_dashboard.palette import assign_slots
from quacktrace_dashboard.security import install_security_headers
from quacktrace_dashboard.shell import shell_layout
from quacktrace_dashboard.states import not_found
from quacktrace_dashboard.trace_files import install_trace_files

__all__ = ["create_app", "create_dash"]


def create_app(collector_url: str) -> WSGIApplication:
    """Return the dashboard over the collector at `collector_url`, ready to be mounted at `/`."""
    application: WSGIApplication = create_dash(collector_url).server.wsgi_app
    return application


def create_dash(collector_url: str, *, pages: tuple[Page, ...] = PAGES) -> Dash:
    """Return the Dash application itself, which tests look into."""
    client = QueryClient(collector_url, request_headers=forwarded_headers)
    app = Dash(
        "quacktrace_dashboard",
        title="quacktrace",
        update_title=None,  # otherwise the tab's title flickers at every live update
        index_string=index_page(),
        use_pages=False,  # ours are listed in pages/__init__.py; Dash's registry is global to the process
        use_async=False,
        serve_locally=True,
        assets_path_ignore=["codemirror"],  # loaded by the SQL page alone
        add_log_handler=False,
    )
    app.layout = shell_layout(pages)
    app.validation_layout = html.Div([app.layout, *(page.layout(_EXAMPLE_VARIABLES) for page in pages)])
    _register_shell(app, client, pages)
    for page in pages:
        page.register(app, client)
    install_trace_files(app, client)
    install_security_headers(app, inline_scripts=INLINE_SCRIPTS)
    return app


# Dash wants to see every component once, to check the callbacks' ids; the trace page needs some trace id for that.
_EXAMPLE_VARIABLES = {"trace_id": "0" * 32}


def _register_shell(app: Dash, client: QueryClient, pages: tuple[Page, ...]) -> None:
    @app.callback(
        Output("shell-content", "children"),
        Output("shell-title", "data"),
        Output("shell-slots", "data"),
        Input("shell-url", "pathname"),
        State("shell-slots", "data"),
    )
    def show_page(pathname: str | None, slots: dict[str, int]) -> tuple[Component, str, object]:
        found = match_page(pages, pathname or "/")
        known = assign_slots(client.known_services())
        data = no_update if known == slots else known
        if found is None:
            return not_found(pathname or "/"), "Not found", data
        page, variables = found
        return page.layout(variables), page.title, data

    for function, source in (("setTitle", "shell-title"), ("setSlots", "shell-slots")):
        app.clientside_callback(ClientsideFunction("quacktrace", function), Input(source, "data"))
