// Live updates: the collector's ticks, coalesced, become refreshes of the page unless somebody is in the middle of it.
"use strict";

(function () {
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
      show();
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
    show();
  }
  document.addEventListener("mouseout", () => {
    if (pendingTick) requestAnimationFrame(flushTick);
  });

  function connect() {
    clearTimeout(retryTimer);
    if (source || document.hidden) return;
    source = new EventSource(qt.at("/api/v1/live"));
    source.addEventListener("tick", (event) => onTick(JSON.parse(event.data)));
    source.onopen = () => {
      document.documentElement.dataset.live = "open";
      clearTimeout(unreachableTimer);
      unreachableTimer = 0;
      const banner = document.getElementById("shell-unreachable");
      if (banner && !banner.hidden) {
        banner.hidden = true;
        refresh();
      }
    };
    source.onerror = () => {
      document.documentElement.dataset.live = "lost";
      if (!unreachableTimer)
        unreachableTimer = setTimeout(() => {
          const b = document.getElementById("shell-unreachable");
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

  function show() {
    const button = document.getElementById("shell-live");
    if (!button) return;
    const live = isLive();
    button.setAttribute("aria-pressed", String(live));
    button.disabled = qt.timeRange().relative === null;
    button.dataset.paused = String(live && Boolean(pendingTick) && isBusy());
  }

  function toggle() {
    qt.patchUrl({ live: isLive() ? "0" : null }, { replace: true });
    if (isLive()) refresh();
  }

  qt.refresh = refresh;
  qt.onTick = (listener) => {
    tickListeners.push(listener);
    return () => tickListeners.splice(tickListeners.indexOf(listener), 1);
  };
  qt.live = { connect, show, toggle };
})();
