// The traces page: filters are read from the URL and written to it; an answer becomes dots and rows.
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
    FILTERS.forEach((name, i) => {
      changes[name] = values[i] === DEFAULTS[name] ? null : values[i];
    });
    // An operation belongs to its service.
    if ((changes.service || "") !== (before.get("service") || "")) changes.operation = null;
    qt.patchUrl(changes);
  }

  function drawTraces(answer) {
    qt.drawTraceScatter(document.getElementById("traces-scatter"), answer);
    qt.drawTraceRows(document.getElementById("traces-rows"), answer);
    return answer ? "true" : "empty";
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    readFilters,
    writeFilters,
    drawTraces,
  });
})();
