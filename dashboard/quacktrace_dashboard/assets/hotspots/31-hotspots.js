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

  const latencyCard = () => document.getElementById("hotspots-latency")?.closest("section");

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    showHeatmaps: (figures) => {
      if (!figures) return Array(4).fill(window.dash_clientside.no_update);
      const [errors, latency, height] = figures;
      return [errors, latency, { height }, { height }];
    },

    openErrorCell: (click, buckets) => {
      if (!click || !buckets) return;
      const { x, y } = click.points[0];
      const at = realTime(x);
      const from = buckets.times_ms.filter((time) => time <= at).pop() ?? buckets.times_ms[0];
      qt.go(tracesUrl({
        service: buckets.services[y], status: "error", from: Math.floor(from), to: Math.ceil(from + buckets.bucket_ms),
      }));
    },

    // Whole cells: what is compared is what was counted.
    chooseLatencyBox: (selected, buckets) => {
      if (!selected?.range || !buckets) return;
      const { times_ms: times, bucket_ms: step, bounds_ms: bounds } = buckets;
      const [x0, x1] = selected.range.x.map((x) => realTime(String(x))).sort((a, b) => a - b);
      const [y0, y1] = [...selected.range.y].sort((a, b) => a - b).map((log) => 10 ** log);
      const first = times.filter((time) => time <= x0).pop() ?? times[0];
      const last = times.filter((time) => time < x1).pop() ?? times[0];
      const short = (ms) => Number(ms.toPrecision(6));
      const box = {
        x0: Math.floor(first),
        x1: Math.ceil(last + step),
        // A hair's breadth over a bound is on it: logarithms and back are not exact.
        y0: short(bounds.filter((bound) => bound <= y0 * 1.0001).pop() ?? bounds[0] / 2),
        y1: short(bounds.find((bound) => bound >= y1 / 1.0001) ?? bounds[bounds.length - 1]),
      };
      const link = new URLSearchParams(location.search);
      if (!Object.entries(box).some(([name, value]) => link.get(name) !== String(value))) return;
      latencyCard()?.setAttribute("data-comparing", "");
      qt.patchUrl(box);
    },
    endComparing: () => latencyCard()?.removeAttribute("data-comparing"),

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
