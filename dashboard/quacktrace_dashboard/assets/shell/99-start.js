// The start of a page: the frame and a trace are drawn at once, then Dash's scripts are loaded, then its page replaces ours.
"use strict";

(function () {
  const { qt } = window;
  const PATIENCE_MS = 1500;

  // The server is told which zone to write times in, and below which path links begin. Asking for the zone takes up to
  // 90 ms, which is why it is not the first thing that a page does.
  function tellServer() {
    const kept = `;path=${qt.at("/")};max-age=31536000;samesite=lax`,
      root = qt.at("/").slice(0, -1);
    document.cookie = `quacktrace_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}${kept}`;
    document.cookie = `quacktrace_root=${root}${root ? kept : ";path=/;max-age=0"}`;
  }

  function loadDash() {
    // Dash asks below the path that the browser sees, which the server does not know.
    const config = document.getElementById("_dash-config");
    config.textContent = JSON.stringify({ ...JSON.parse(config.textContent), requests_pathname_prefix: qt.at("/") });
    const scripts = [...document.querySelectorAll("script[data-src]:not([id])")].map(({ dataset }) => {
      const script = document.createElement("script");
      script.async = false; // they run in this order
      script.src = dataset.src;
      return script;
    });
    scripts.at(-1).addEventListener("load", startDash);
    document.body.append(...scripts);
    tellServer();
  }

  function startDash() {
    const filled = new MutationObserver(() => {
      if (!document.getElementById("shell-content")?.firstElementChild) return;
      filled.disconnect();
      // A trace stays where it was drawn until its page has a place for it.
      if (!qt.tracePage) document.querySelector(".qt-early")?.remove();
    });
    filled.observe(document.getElementById("react-entry-point"), { childList: true, subtree: true });
    window.renderer = new DashRenderer();
  }

  // Dash takes the browser's one thread for a second: the rows come first, unless they take longer.
  function drawTrace(traceId) {
    const content = document.querySelector(".qt-early-content"),
      host = qt.make("div", { className: "qt-trace" });
    content.replaceChildren(host);
    const drawn = new MutationObserver(() => host.dataset.ready === "true" && begin());
    const timer = setTimeout(() => begin(), PATIENCE_MS);
    const begin = () => {
      drawn.disconnect();
      clearTimeout(timer);
      if (document.hidden) loadDash();
      else requestAnimationFrame(() => setTimeout(loadDash));
    };
    drawn.observe(host, { attributeFilter: ["data-ready"] });
    qt.tracePage = new qt.TracePage(host, traceId);
  }

  if (!document.getElementById("_dash-config")) return;
  qt.showPlace();
  const trace = /^\/trace\/([^/]+)\/?$/.exec(qt.path());
  if (trace) drawTrace(trace[1]);
  else loadDash();
})();
