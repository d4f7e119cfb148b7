// What the controls around a page do: links without reloads, navigation, search, clicks and shortcuts.
"use strict";

(function () {
  const { qt } = window;
  const $ = (id) => document.getElementById(id);
  const isEditable = (element) =>
    Boolean(element && element.closest("input, textarea, select, [contenteditable], .cm-editor"));

  // ---- links ----
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = event.target.closest("a[href]");
    if (!link || link.target || link.hasAttribute("download")) return;
    const href = link.getAttribute("href");
    if (href.startsWith("#") || new URL(link.href).origin !== location.origin || href.startsWith(qt.at("/api/"))) return;
    event.preventDefault();
    qt.go(link.href);
  });

  // ---- navigation ----
  function showPlace() {
    const query = qt.rangeQuery();
    for (const link of document.querySelectorAll("[data-nav]")) {
      const path = link.dataset.nav;
      link.setAttribute("href", qt.at(path + query));
      const isHere =
        path === "/" ? qt.path() === "/" : qt.path() === path || (path === "/traces" && qt.path().startsWith("/trace/"));
      if (isHere && link.classList.contains("qt-nav-link")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const link of document.querySelectorAll("[data-keep-range]")) link.setAttribute("href", qt.at(link.pathname) + query);
    qt.range.show();
    qt.live.show();
    qt.searchBox.show();
  }

  // ---- what is shown belongs to another link until its answers are here; live updates do not dim anything ----
  let shown = null;
  function showStale() {
    const here = location.pathname + location.search;
    if (shown === here) return;
    const isSamePage = shown !== null && new URL(shown, location.origin).pathname === location.pathname;
    shown = here;
    if (!isSamePage) return;
    document.documentElement.dataset.stale = "true";
    const began = performance.now();
    const watch = setInterval(() => {
      // Dash says so a moment after the link changed.
      if (performance.now() - began < 200 || document.querySelector('[data-dash-is-loading="true"]')) return;
      clearInterval(watch);
      delete document.documentElement.dataset.stale;
    }, 100);
  }

  // ---- actions by click ----
  const actions = {
    language: (button) => qt.firstRun.choose(button),
    "demo-traffic": (button) => qt.firstRun.sendDemo(button),
    range: (button) =>
      qt.patchUrl({ r: button.dataset.range === "1h" ? null : button.dataset.range, from: null, to: null }),
    "range-custom": qt.range.toggleForm,
    live: qt.live.toggle,
    refresh: qt.refresh,
    "copy-link": () => qt.copy(qt.range.frozenLink(), "Link to exactly this view copied"),
    copy: (button) => qt.copy(button.dataset.copy),
    "copy-command": (button) => qt.copy(button.parentElement.querySelector("code").textContent),
    theme: qt.theme.next,
    help: () => $("shell-help-dialog").showModal(),
    "close-dialog": (button) => button.closest("dialog").close(),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button && actions[button.dataset.action]) actions[button.dataset.action](button);
    else if (event.target.matches("dialog.qt-dialog")) event.target.close();
  });

  // ---- shortcuts ----
  let isGoing = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!qt.range.closeForm() && document.activeElement === $("shell-search")) document.activeElement.blur();
      return;
    }
    if (
      event.defaultPrevented ||
      event.metaKey ||
      event.ctrlKey ||
      event.altKey ||
      isEditable(event.target) ||
      document.querySelector("dialog[open]")
    )
      return;
    const wasGoing = performance.now() - isGoing < 1200;
    isGoing = 0;
    if (wasGoing) {
      const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    const keys = {
      "/": () => {
        if (qt.traces.focus()) return; // the page's own box, which completes
        qt.searchBox.focus();
      },
      g: () => {
        isGoing = performance.now();
      },
      l: qt.live.toggle,
      r: qt.refresh,
      t: qt.theme.next,
      y: actions["copy-link"],
      "?": actions.help,
      "[": () => qt.range.shift(-1),
      "]": () => qt.range.shift(1),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // ---- Dash's side ----
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    setTitle: (title) => {
      const shown = qt.tracePage?.title || title; // a trace may be drawn before Dash says which page it is
      document.title = shown ? `${shown} · quacktrace` : "quacktrace";
    },
    setSlots: (slots) => {
      qt.setSlots(slots);
    },
  });
  qt.showPlace = showPlace;
  // The shell is drawn by Dash some time after this file ran.
  const drawn = new MutationObserver(() => {
    if (!$("shell-live")) return;
    drawn.disconnect();
    for (const early of document.querySelectorAll(".qt-early-nav, .qt-early-toolbar")) early.remove();
    qt.searchBox.draw($("shell-search-box"));
    qt.theme.show();
    qt.onUrl(showPlace);
    qt.onUrl(showStale);
    qt.live.connect();
    document.documentElement.dataset.shellReady = "true";
  });
  drawn.observe(document.documentElement, { childList: true, subtree: true });
})();
