"""Build the dashboard: a WSGI application that knows the collector by its URL and by nothing else."""

from __future__ import annotations

from wsgiref.types import WSGIApplication

from dash import ClientsideFunction, Dash, Input, Output, State, no_update
from dash.development.base_component import Component

from quacktrace_dashboard.client import QueryClient
from quacktrace_dashboard.forged_callbacks import install_forged_callback_answers
from quacktrace_dashboard.frame import early_frame
from quacktrace_dashboard.index import INLINE_SCRIPTS, install_index
from quacktrace_dashboard.own_files import OwnFiles
from quacktrace_dashboard.page import Page, forwarded_headers, match_page, root_path
from quacktrace_dashboard.pages import PAGES
from quacktrace_dashboard.palette import assign_slots
from quacktrace_dashboard.security import install_security_headers
from quacktrace_dashboard.shell import shell_layout
from quacktrace_dashboard.states import not_found
from quacktrace_dashboard.static_answers import install_static_answers
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
        use_pages=False,  # ours are listed in pages/__init__.py; Dash's registry is global to the process
        use_async=False,
        serve_locally=True,
        include_assets_files=False,  # ours are joined to one script and one style
        # Every page's components would ride along with each first page, for a check that a test makes once.
        suppress_callback_exceptions=True,
        add_log_handler=False,
    )
    install_index(app, OwnFiles(app), frame=early_frame(pages))
    app.layout = shell_layout(pages)
    _register_shell(app, client, pages)
    for page in pages:
        page.register(app, client)
    install_trace_files(app, client)
    install_static_answers(app)
    install_forged_callback_answers(app)
    install_security_headers(app, inline_scripts=INLINE_SCRIPTS)
    return app


def _register_shell(app: Dash, client: QueryClient, pages: tuple[Page, ...]) -> None:
    @app.callback(
        Output("shell-content", "children"),
        Output("shell-title", "data"),
        Output("shell-slots", "data"),
        Input("shell-url", "pathname"),
        State("shell-slots", "data"),
    )
    def show_page(pathname: str | None, slots: dict[str, int]) -> tuple[Component, str, object]:
        path = (pathname or "/").removeprefix(root_path()) or "/"
        found = match_page(pages, path)
        known = assign_slots(client.known_services())
        data = no_update if known == slots else known
        if found is None:
            return not_found(path), "Not found", data
        page, variables = found
        return page.layout(variables), page.title, data

    for function, source in (("setTitle", "shell-title"), ("setSlots", "shell-slots")):
        app.clientside_callback(ClientsideFunction("quacktrace", function), Input(source, "data"))
