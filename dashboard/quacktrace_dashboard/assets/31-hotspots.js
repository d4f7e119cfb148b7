// Hotspots: a click on a cell, an area or a row becomes a link to its traces.
"use strict";

(function () {
  const { qt } = window;

  function tracesUrl(parameters) {
    const query = new URLSearchParams(qt.rangeQuery());
    if (parameters.from !== undefined) query.delete("r");
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== null && value !== undefined && value !== "") query.set(name, value);
    }
    return `/traces?${query}`;
  }

  // Plotly speaks of the browser's local time, without an offset.
  const realTime = (local) => new Date(local.replace(" ", "T")).getTime();
  const milliseconds = (value) => `${value >= 10 ? Math.round(value) : value.toPrecision(3)}ms`;

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    openErrorCell: (click, buckets) => {
      if (!click || !buckets) return;
      const { x, y } = click.points[0];
      const at = realTime(x);
      const from = buckets.times_ms.filter((time) => time <= at).pop() ?? buckets.times_ms[0];
      qt.go(tracesUrl({
        service: buckets.services[y], status: "error", from: Math.floor(from), to: Math.ceil(from + buckets.bucket_ms),
      }));
    },

    offerLatencySelection: (selected) => {
      const host = document.getElementById("hotspots-selection");
      if (!host) return;
      if (!selected || !selected.range) {
        host.textContent = "Drag over an area for its traces.";
        return;
      }
      const [x0, x1] = selected.range.x.map(String).sort();
      const [y0, y1] = [...selected.range.y].sort((a, b) => a - b).map((log) => 10 ** log);
      const from = Math.floor(realTime(x0)), to = Math.max(from + 1, Math.ceil(realTime(x1)));
      const time = (ms) => qt.clock(new Date(ms)).slice(0, 8);
      const service = new URLSearchParams(location.search).get("service");
      const link = qt.make("a", {
        className: "qt-button qt-button-primary",
        href: tracesUrl({ from, to, min_duration: milliseconds(y0), max_duration: milliseconds(y1), service }),
        text: "View these traces",
      });
      host.replaceChildren(
        `${qt.duration(y0 * 1000)} to ${qt.duration(y1 * 1000)}, ${time(from)} to ${time(to)} `, link);
    },

    openRankedRow: (cell, rows) => {
      const row = cell && (rows || []).find((candidate) => candidate.id === cell.rowId);
      if (row) qt.go(tracesUrl({
        service: row.service_name, operation: row.operation, status: row.errors ? "error" : null, order: row.errors ? null : "slowest",
      }));
    },
  });

  const worsening = ([now, before]) => (before ? now / before : now ? Infinity : 0);
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    quacktraceChange: (a, b) => worsening(a || [0, 0]) - worsening(b || [0, 0]) || 0,
  });
})();
