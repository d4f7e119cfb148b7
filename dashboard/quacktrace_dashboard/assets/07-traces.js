// The traces page: filters are read from the URL and written to it, and the scatter opens and selects.
"use strict";

(function () {
  const FILTERS = ["service", "operation", "status", "min_duration", "max_duration", "order"];
  const DEFAULTS = { service: null, operation: null, status: "", min_duration: "", max_duration: "", order: "newest" };

  function readFilters(search) {
    const parameters = new URLSearchParams(search || "");
    return FILTERS.map((name) => parameters.get(name) || DEFAULTS[name]);
  }

  function writeFilters(...values) {
    if (location.pathname !== "/traces") return;
    const before = new URLSearchParams(location.search);
    const changes = {};
    FILTERS.forEach((name, i) => { changes[name] = values[i] === DEFAULTS[name] ? null : values[i]; });
    // An operation belongs to its service.
    if ((changes.service || "") !== (before.get("service") || "")) changes.operation = null;
    qt.patchUrl(changes);
  }

  function openDot(click) {
    const dot = click && click.points && click.points[0];
    if (dot) qt.go(`/trace/${dot.customdata[0]}${qt.rangeQuery()}`);
  }

  const asParameter = (ns) => `${Math.max(1, Math.round(ns / 1000))}us`;

  function selectDots(selection) {
    const range = selection && selection.range;
    if (!range || !range.x) return;
    const [from, to] = range.x.map((text) => new Date(text.replace(" ", "T")).getTime()).sort((a, b) => a - b);
    const [low, high] = [...range.y].sort((a, b) => a - b);
    qt.patchUrl({ r: null, from: Math.floor(from), to: Math.ceil(to) + 1, min_duration: asParameter(low), max_duration: asParameter(high) });
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, { readFilters, writeFilters, openDot, selectDots });
})();
