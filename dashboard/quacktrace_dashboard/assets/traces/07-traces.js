// The traces page: the link says what is wanted, an answer becomes dots and rows; facets and the heatmap follow it.
"use strict";

(function () {
  const PASSED = ["q", "service", "operation", "status", "min_duration", "max_duration", "order", "scope", "columns", "limit"];
  const NEW_INTERVAL_MS = 2500;
  const MOST_NEW = 100;
  const $ = (id) => document.getElementById(id);
  const here = () => new URLSearchParams(location.search);

  let box = null,
    tools = null,
    head = null,
    charts = null,
    answer = null,
    seen = { search: null, ids: new Set() },
    side = null,
    lastAsked = 0;

  const columns = () => [...new Set((here().get("columns") || "").split(",").filter(Boolean))];

  function toggleColumn(key) {
    const now = columns();
    const next = now.includes(key) ? now.filter((one) => one !== key) : [...now, key.replaceAll(",", "")];
    qt.patchUrl({ columns: next.join(",") || null });
  }

  // What the link asks for, as parameters of the API.
  function parameters(more = {}) {
    const asked = new URLSearchParams(),
      link = here(),
      { from, to } = qt.timeRange();
    for (const name of PASSED) if (link.get(name)) asked.set(name, link.get(name));
    asked.set("limit", link.get("limit") || "100");
    asked.set("from", Math.round(from));
    asked.set("to", Math.round(to));
    for (const [name, value] of Object.entries(more)) asked.set(name, value);
    return asked.toString();
  }

  // A duration that says exactly what was selected, in the unit that keeps it short.
  function durationParameter(ns) {
    const whole = Math.max(1, Math.round(ns / 1000));
    return whole % 1e6 === 0 ? `${whole / 1e6}s` : whole % 1000 === 0 ? `${whole / 1000}ms` : `${whole}us`;
  }

  function lookCloser({ from, to, min_ns: low, max_ns: high }) {
    qt.patchUrl({
      r: null,
      from: Math.floor(from),
      to: Math.ceil(to),
      min_duration: durationParameter(low),
      max_duration: durationParameter(high),
      limit: null,
    });
  }

  function search(text) {
    const id = qt.traceIdIn(text);
    if (id) return qt.go(`/trace/${id}${qt.rangeQuery()}`);
    if ((here().get("q") || "") === text) qt.refresh();
    else qt.patchUrl({ q: text || null, limit: null });
  }

  // Whether there are facets is a matter of this screen's width, not of the link.
  const FACETS = "quacktrace-facets";
  function remembered() {
    try {
      return localStorage.getItem(FACETS);
    } catch {
      return null; // storage is blocked
    }
  }

  function showFacets(isShown, { isWish = true } = {}) {
    document.documentElement.dataset.facets = isShown ? "on" : "off";
    $("traces-facets-toggle").setAttribute("aria-expanded", String(isShown));
    try {
      if (isWish) localStorage.setItem(FACETS, isShown ? "on" : "off");
    } catch {
      /* this tab only */
    }
    if (isShown && answer && !$("traces-facets").hasChildNodes()) askSide();
  }

  function mount() {
    const host = $("traces-tools");
    if (!host || (tools && tools.parentElement === host)) return;
    box = new qt.QueryBox({ label: "Search traces, or paste a trace id", onSubmit: search });
    tools = qt.traceTools();
    head = qt.traceHeadTools();
    $("traces-head-tools").replaceChildren(head);
    charts = qt.chartTools();
    host.replaceChildren(box.element, tools);
    $("traces-chart-tools").replaceChildren(charts);
    $("traces-facets-toggle").onclick = () => showFacets(document.documentElement.dataset.facets === "off");
    showFacets((remembered() || (innerWidth < 960 ? "off" : "on")) === "on", { isWish: false });
    answer = null;
    seen = { search: null, ids: new Set() };
  }

  function readFilters() {
    mount();
    if (!tools) return "false";
    box.show(here().get("q") || "");
    tools.show();
    head.show();
    charts.show();
    if (answer) drawChart();
    return "true";
  }

  function drawTraces(given) {
    mount();
    const rows = $("traces-rows"),
      isList = Boolean(given?.rows);
    box?.showProblem(given?.problem || null);
    head?.show(); // a sliding range has moved on
    answer = isList ? given : null;
    for (const part of document.querySelectorAll(".qt-traces-picture, #traces-facets")) part.hidden = !isList;
    const fresh = new Set();
    if (isList) {
      const ids = given.rows.map((row) => (row.span_id ? `${row.trace_id}-${row.span_id}` : row.trace_id));
      if (seen.search === location.search && seen.ids.size) for (const id of ids) if (!seen.ids.has(id)) fresh.add(id);
      seen = { search: location.search, ids: new Set(ids) };
    }
    qt.drawTraceRows(rows, answer, fresh);
    showNew(0);
    if (answer) {
      drawChart();
      askSide();
    }
    return isList ? "true" : "empty";
  }

  function drawChart() {
    const host = $("traces-scatter");
    if (here().get("chart") === "heatmap") {
      if (!host.querySelector(".qt-trace-heatmap")) host.replaceChildren(qt.make("div", { className: "qt-skeleton qt-scatter" }));
      askHeatmap(host);
    } else qt.drawTraceScatter(host, answer);
  }

  let heatmapFor = null;
  async function askHeatmap(host) {
    const asked = (heatmapFor = Symbol("asked"));
    host.dataset.stale = "true";
    try {
      const counted = await qt.getJson(`/api/v1/heatmap?${parameters({ from: answer.asked_from_ms, to: answer.asked_to_ms })}`);
      if (asked === heatmapFor && host.isConnected && here().get("chart") === "heatmap") qt.drawTraceHeatmap(host, counted);
    } catch (error) {
      if (asked === heatmapFor) complain(host, error, () => askHeatmap(host));
    } finally {
      delete host.dataset.stale;
    }
  }

  async function askSide() {
    const host = $("traces-facets");
    side?.abort();
    if (document.documentElement.dataset.facets === "off") return host.replaceChildren();
    if (!host.hasChildNodes())
      host.replaceChildren(...[1, 2, 3].map(() => qt.make("div", { className: "qt-skeleton qt-facet-skeleton", "aria-hidden": "true" })));
    side = new AbortController();
    const { signal } = side;
    host.dataset.stale = "true";
    try {
      const counted = await qt.askFacets(new URLSearchParams(parameters({ from: answer.asked_from_ms, to: answer.asked_to_ms })), signal);
      if (host.isConnected) {
        qt.drawFacets(host, counted);
        host.dataset.ready = "true";
      }
    } catch (error) {
      if (error.name !== "AbortError") complain(host, error, askSide);
    } finally {
      if (!signal.aborted) delete host.dataset.stale;
    }
  }

  function complain(host, error, again) {
    host.replaceChildren(
      qt.make(
        "div",
        { className: "qt-small-problem", role: "alert" },
        qt.make("p", { text: error.message }),
        error.hint && qt.make("p", { className: "qt-muted", text: error.hint }),
        qt.make("button", { type: "button", className: "qt-button", onclick: again }, qt.icon("refresh"), "Try again"),
      ),
    );
  }

  // ---- what arrived while the list stands still ----
  const isPaused = () => here().has("live") || Boolean(document.querySelector("[data-live-pause]:hover")) || document.activeElement?.closest?.("#traces-rows") !== null;

  let newTimer = 0;
  qt.onTick(() => {
    if (newTimer || qt.path() !== "/traces") return;
    newTimer = setTimeout(countNew, Math.max(0, lastAsked + NEW_INTERVAL_MS - Date.now()));
  });

  async function countNew() {
    newTimer = 0;
    if (!answer || document.hidden || !isPaused()) return;
    if (qt.timeRange().relative === null || (here().get("order") || "newest") !== "newest") return;
    lastAsked = Date.now();
    const newest = Date.parse(answer.rows[0]?.start_time ?? answer.from) + 1,
      asked = answer;
    const { traces, spans } = await qt
      .getJson(`/api/v1/${answer.scope ? "spans" : "traces"}?${parameters({ from: newest, to: Date.now(), limit: MOST_NEW, columns: "" })}`)
      .catch(() => ({ traces: [] }));
    if (asked === answer) showNew((traces || spans).length);
  }

  function showNew(count) {
    const pill = $("traces-new");
    if (!pill) return;
    pill.hidden = !count;
    if (count) {
      const text = `${count >= MOST_NEW ? `${MOST_NEW} or more` : qt.count(count)} new`;
      pill.replaceChildren(qt.make("button", { type: "button", onclick: () => qt.refresh() }, qt.icon("chevron-up"), text));
    }
  }

  qt.traces = { columns, toggleColumn, parameters, lookCloser, focus: () => (box?.input.isConnected ? (box.input.focus(), box.input.select(), true) : false) };
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, { readFilters, drawTraces });
})();
