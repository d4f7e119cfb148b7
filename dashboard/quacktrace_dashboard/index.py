"""The HTML page that Dash fills: what must be right before the first pixel."""

from __future__ import annotations

__all__ = ["INLINE_SCRIPTS", "index_page"]

# A trace's waterfall is asked for before the megabyte of scripts that will draw it is even parsed.
# The theme is set before anything is painted, so a dark page never flashes white. The key is Mantine's own, so its
# provider agrees. The cookie tells the server which zone to write times in.
_BOOTSTRAP = """
(function () {
  var scheme = "auto";
  try { scheme = localStorage.getItem("mantine-color-scheme-value") || "auto"; } catch (e) { /* storage is blocked */ }
  if (scheme !== "light" && scheme !== "dark") {
    scheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
  var trace = /^\\/trace\\/([^/]+)\\/?$/.exec(location.pathname);
  if (trace) {
    var path = "/api/v1/traces/" + trace[1] + "/waterfall";
    window.quacktraceEarly = { path: path, response: fetch(path, { headers: { Accept: "application/json" } }) };
    window.quacktraceEarly.response.catch(function () { /* the page asks again and says why */ });
  }
  document.cookie = "quacktrace_zone=" + Intl.DateTimeFormat().resolvedOptions().timeZone +
    ";path=/;max-age=31536000;samesite=lax";
})();
"""

INLINE_SCRIPTS = (_BOOTSTRAP,)

_INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light dark">
    <title>{%title%}</title>
    <link rel="icon" href="/assets/logo.svg" type="image/svg+xml">
    <script>@BOOTSTRAP@</script>
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <footer>
      {%config%}
      {%scripts%}
      {%renderer%}
    </footer>
  </body>
</html>
"""


def index_page() -> str:
    """Return the template, with Dash's own placeholders still in it."""
    return _INDEX.replace("@BOOTSTRAP@", _BOOTSTRAP)
