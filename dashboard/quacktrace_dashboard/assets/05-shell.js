// What the controls around a page do: links without reloads, search, time range, live ticks, theme, shortcuts.
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
    if (href.startsWith("#") || new URL(link.href).origin !== location.origin || href.startsWith("/api/")) return;
    event.preventDefault();
    qt.go(link.href);
  });

  // ---- refresh and live ----
  // One EventSource a visible tab: browsers allow six connections a host, so hidden tabs give theirs back.
  const LIVE_INTERVAL_MS = 2000;
  let refreshes = 0,
    source = null,
    pendingTick = null,
    lastTick = 0,
    unreachableTimer = 0,
    retryTimer = 0;
  const tickListeners = [];

  function refresh() {
    if (window.dash_clientside?.set_props) dash_clientside.set_props("shell-refresh", { data: ++refreshes });
  }

  const isWaiting = () => Boolean(document.querySelector("[data-waiting]"));
  const isLive = () => !new URLSearchParams(location.search).has("live") && qt.timeRange().relative !== null;
  // A list must not move under the pointer, nor a selection vanish.
  const isBusy = () =>
    Boolean(document.querySelector("[data-live-pause]:hover")) ||
    !getSelection().isCollapsed ||
    Boolean(document.querySelector("dialog[open]"));

  function onTick(tick) {
    for (const listener of tickListeners) listener(tick);
    pendingTick = tick;
    flushTick();
  }

  function flushTick() {
    if (!pendingTick || document.hidden) return;
    if (!isWaiting() && (!isLive() || isBusy())) {
      showLive();
      return;
    }
    const wait = lastTick + LIVE_INTERVAL_MS - performance.now();
    // A page that is still being answered is not asked again: a busy collector must not get a queue on top.
    const isAnswering = document.querySelector('[data-dash-is-loading="true"]') !== null;
    if (wait > 0 || isAnswering) {
      setTimeout(flushTick, Math.max(wait, 250));
      return;
    }
    lastTick = performance.now();
    pendingTick = null;
    refresh();
    showLive();
  }
  document.addEventListener("mouseout", () => {
    if (pendingTick) requestAnimationFrame(flushTick);
  });

  function connect() {
    clearTimeout(retryTimer);
    if (source || document.hidden) return;
    source = new EventSource("/api/v1/live");
    source.addEventListener("tick", (event) => onTick(JSON.parse(event.data)));
    source.onopen = () => {
      document.documentElement.dataset.live = "open";
      clearTimeout(unreachableTimer);
      unreachableTimer = 0;
      const banner = $("shell-unreachable");
      if (banner && !banner.hidden) {
        banner.hidden = true;
        refresh();
      }
    };
    source.onerror = () => {
      document.documentElement.dataset.live = "lost";
      if (!unreachableTimer)
        unreachableTimer = setTimeout(() => {
          const b = $("shell-unreachable");
          if (b) b.hidden = false;
        }, 3000);
      if (source && source.readyState === EventSource.CLOSED) {
        disconnect();
        retryTimer = setTimeout(connect, 5000);
      }
    };
  }

  function disconnect() {
    if (source) source.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : (connect(), refresh())));
  window.addEventListener("pagehide", disconnect);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });

  function showLive() {
    const button = $("shell-live");
    if (!button) return;
    const live = isLive();
    button.setAttribute("aria-pressed", String(live));
    button.disabled = qt.timeRange().relative === null;
    button.dataset.paused = String(live && Boolean(pendingTick) && isBusy());
  }

  // ---- time range ----
  function showRange() {
    const { from, to, relative } = qt.timeRange();
    let isChoice = false;
    for (const button of document.querySelectorAll("[data-action=range]")) {
      const isPressed = button.dataset.range === relative;
      isChoice ||= isPressed;
      button.setAttribute("aria-pressed", String(isPressed));
    }
    const custom = $("shell-range-custom"),
      label = $("shell-range-label");
    if (!custom) return;
    custom.setAttribute("aria-pressed", String(!isChoice));
    if (isChoice) label.textContent = "Custom";
    else if (relative) label.textContent = `Last ${relative}`;
    else label.textContent = describeRange(new Date(from), new Date(to));
    custom.title = relative
      ? "A time range of your own"
      : `${qt.day(new Date(from))} ${qt.clock(new Date(from))} to ${qt.day(new Date(to))} ${qt.clock(new Date(to))}`;
  }

  function describeRange(from, to) {
    const date = (d) =>
      d.toLocaleDateString("en-GB", {
        day: "numeric",
        month: "short",
        ...(d.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }),
      });
    const isDays = to - from > 2 * 86400e3;
    if (isDays) return date(from) === date(to) ? date(from) : `${date(from)} – ${date(to)}`;
    const seconds = to - from < 600e3;
    const time = (d) => qt.clock(d).slice(0, seconds ? 8 : 5);
    const day = from.toDateString() === new Date().toDateString() ? "" : `${date(from)} `;
    return `${day}${time(from)} – ${from.toDateString() === to.toDateString() ? "" : `${date(to)} `}${time(to)}`;
  }

  const localInput = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60e3).toISOString().slice(0, 19);

  function toggleRangeForm() {
    const host = $("shell-range-form");
    if (host.firstChild) return closeRangeForm();
    const { from, to } = qt.timeRange();
    const field = (label, value) => {
      const input = qt.make("input", { type: "datetime-local", step: "1", className: "qt-field", "aria-label": label });
      input.value = localInput(value);
      return input;
    };
    const start = field("From", from),
      end = field("To", to);
    const complaint = qt.make("p", { className: "qt-error-text", role: "alert" });
    const form = qt.make(
      "form",
      { className: "qt-popover", role: "dialog", "aria-label": "A time range of your own" },
      qt.make("label", {}, qt.make("span", { text: "From" }), start),
      qt.make("label", {}, qt.make("span", { text: "To" }), end),
      complaint,
      qt.make("button", { className: "qt-button qt-button-primary", type: "submit", text: "Apply" }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const a = new Date(start.value).getTime(),
        b = new Date(end.value).getTime();
      if (!(a < b)) {
        complaint.textContent = "The end must come after the start.";
        return;
      }
      closeRangeForm();
      qt.patchUrl({ from: a, to: b, r: null });
    });
    host.append(form);
    start.focus();
  }

  function closeRangeForm() {
    const host = $("shell-range-form");
    if (!host?.firstChild) return false;
    host.replaceChildren();
    return true;
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#shell-range-form, #shell-range-custom")) closeRangeForm();
  });

  function shiftRange(direction) {
    const { from, to } = qt.timeRange();
    const step = Math.round((to - from) / 2) * direction;
    qt.patchUrl({ from: Math.round(from + step), to: Math.round(to + step), r: null });
  }

  function frozenLink() {
    const { from, to } = qt.timeRange();
    const url = new URL(location.href);
    url.searchParams.delete("r");
    url.searchParams.set("from", Math.round(from));
    url.searchParams.set("to", Math.round(to));
    return url.href;
  }

  // ---- theme ----
  const SCHEME_KEY = "mantine-color-scheme-value";
  const SCHEMES = ["auto", "light", "dark"];
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  function storedScheme() {
    try {
      const scheme = localStorage.getItem(SCHEME_KEY);
      return SCHEMES.includes(scheme) ? scheme : "auto";
    } catch {
      return "auto";
    }
  }

  function showScheme() {
    const stored = storedScheme();
    const scheme = stored === "auto" ? (prefersDark.matches ? "dark" : "light") : stored;
    document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
    document.body.dataset.agThemeMode = scheme;
    const button = $("shell-tool-theme");
    if (button) {
      button.dataset.scheme = stored;
      button.title = `Theme: ${stored} (t)`;
    }
    window.dispatchEvent(new CustomEvent("qt-theme", { detail: scheme }));
  }

  function nextScheme() {
    const scheme = SCHEMES[(SCHEMES.indexOf(storedScheme()) + 1) % SCHEMES.length];
    try {
      localStorage.setItem(SCHEME_KEY, scheme);
    } catch {
      /* storage is blocked: this tab only */
    }
    showScheme();
    qt.toast(`Theme: ${scheme}`);
  }
  prefersDark.addEventListener("change", showScheme);

  // ---- navigation ----
  function showPlace() {
    const query = qt.rangeQuery();
    for (const link of document.querySelectorAll("[data-nav]")) {
      const path = link.dataset.nav;
      link.setAttribute("href", path + query);
      const isHere =
        path === "/"
          ? location.pathname === "/"
          : location.pathname === path || (path === "/traces" && location.pathname.startsWith("/trace/"));
      if (isHere && link.classList.contains("qt-nav-link")) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    showRange();
    showLive();
    showSearch();
  }

  // ---- search ----
  const TRACE_ID = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/;

  function search(text) {
    const words = (text || "").trim();
    const id = TRACE_ID.exec(words.toLowerCase()) || TRACE_ID.exec(words.toLowerCase().replaceAll("-", ""));
    if (id) return qt.go(`/trace/${id[1]}${qt.rangeQuery()}`);
    if (location.pathname === "/traces") return qt.patchUrl({ q: words });
    const parameters = new URLSearchParams(qt.rangeQuery());
    if (words) parameters.set("q", words);
    qt.go(`/traces?${parameters}`);
  }

  function drawSearch() {
    const input = qt.make("input", {
      id: "shell-search",
      type: "text",
      className: "qt-search-input",
      placeholder: "Search traces, or paste a trace id",
      "aria-label": "Search traces, or paste a trace id",
      autocomplete: "off",
      spellcheck: "false",
      onkeydown: (event) => {
        if (event.key === "Enter") search(event.target.value);
      },
    });
    $("shell-search-box").replaceChildren(qt.icon("search"), input, qt.make("kbd", { text: "/" }));
  }

  function showSearch() {
    const input = $("shell-search");
    if (input !== document.activeElement)
      input.value = location.pathname === "/traces" ? new URLSearchParams(location.search).get("q") || "" : "";
  }

  // ---- actions by click ----
  const actions = {
    range: (button) =>
      qt.patchUrl({ r: button.dataset.range === "1h" ? null : button.dataset.range, from: null, to: null }),
    "range-custom": toggleRangeForm,
    live: toggleLive,
    refresh,
    "copy-link": () => qt.copy(frozenLink(), "Link to exactly this view copied"),
    copy: (button) => qt.copy(button.dataset.copy),
    "copy-command": (button) => qt.copy(button.parentElement.querySelector("code").textContent),
    theme: nextScheme,
    help: () => $("shell-help-dialog").showModal(),
    "close-dialog": (button) => button.closest("dialog").close(),
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (button && actions[button.dataset.action]) actions[button.dataset.action](button);
    else if (event.target.matches("dialog.qt-dialog")) event.target.close();
  });

  function toggleLive() {
    qt.patchUrl({ live: isLive() ? "0" : null }, { replace: true });
    if (isLive()) refresh();
  }

  // ---- shortcuts ----
  let isGoing = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (!closeRangeForm() && document.activeElement === $("shell-search")) document.activeElement.blur();
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
        $("shell-search").focus();
        $("shell-search").select();
      },
      g: () => {
        isGoing = performance.now();
      },
      l: toggleLive,
      r: refresh,
      t: nextScheme,
      y: actions["copy-link"],
      "?": actions.help,
      "[": () => shiftRange(-1),
      "]": () => shiftRange(1),
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
      document.title = title ? `${title} · quacktrace` : "quacktrace";
    },
    setSlots: (slots) => {
      qt.setSlots(slots);
    },
  });
  qt.onTick = (listener) => {
    tickListeners.push(listener);
    return () => tickListeners.splice(tickListeners.indexOf(listener), 1);
  };
  qt.refresh = refresh;

  // The shell is drawn by Dash some time after this file ran.
  const drawn = new MutationObserver(() => {
    if (!$("shell-live")) return;
    drawn.disconnect();
    drawSearch();
    showScheme();
    qt.onUrl(showPlace);
    connect();
    document.documentElement.dataset.shellReady = "true";
  });
  drawn.observe(document.documentElement, { childList: true, subtree: true });

  // A first-run command needs this collector's address, which only the browser knows for sure.
  new MutationObserver(() => {
    for (const code of document.querySelectorAll("code[data-command]")) {
      const text = code.dataset.command.replace("{endpoint}", location.origin);
      if (code.textContent !== text) code.textContent = text;
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
