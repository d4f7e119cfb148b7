// Cells of AG Grid: React components without JSX. What telemetry named is a text child, never markup.
"use strict";

(function () {
  const { qt } = window;
  const h = (...parts) => React.createElement(...parts);

  const rateText = (perSecond) => {
    if (!(perSecond > 0)) return "0/s";
    for (const [unit, length] of [["s", 1], ["min", 60], ["h", 3600], ["day", 86400]]) {
      const rate = perSecond * length;
      if (rate >= 0.995) return `${rate >= 9.95 ? qt.count(rate) : rate.toFixed(1).replace(/\.0$/, "")}/${unit}`;
    }
    return "<1/day";
  };

  const shareText = (share) =>
    share <= 0 ? "0%" : share < 0.001 ? "<0.1%" : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}%`;

  function sparkline(values, className) {
    const width = 96, height = 20, top = Math.max(1, ...values);
    const step = width / Math.max(1, values.length);
    const bars = values.map((value, i) => {
      const tall = value > 0 ? Math.max(1.5, (value / top) * height) : 0;
      return tall ? h("rect", { key: i, x: i * step, y: height - tall, width: Math.max(0.8, step - 0.6), height: tall }) : null;
    });
    return h("svg", { className: `qt-spark ${className}`, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": true },
      h("path", { d: `M0 ${height - 0.5}H${width}`, className: "qt-spark-base" }), bars);
  }

  const cells = {
    QtService: ({ value, data }) =>
      h("span", { className: "qt-cell-service", title: value },
        h("i", { className: "qt-swatch", style: { background: data.kind && data.kind !== "service" && data.id ? "transparent" : qt.serviceColour(data.service_name || data.id || value) } }),
        h("span", null, value)),
    QtText: ({ value }) => h("span", { title: value }, value === "" ? "(no name)" : value),
    QtRate: ({ value }) => h("span", { className: "qt-number" }, rateText(value)),
    QtDuration: ({ value }) =>
      h("span", { className: "qt-number" }, value === null || value === undefined || value === 0 ? "–" : qt.duration(value * 1000)),
    QtCount: ({ value }) =>
      h("span", { className: "qt-number" }, value === null || value === undefined ? "–" : qt.count(value)),
    QtErrorShare: ({ value }) =>
      h("span", { className: value > 0 ? "qt-number qt-error-text" : "qt-number qt-muted" },
        value >= 0.05 ? "▲ " : "", value > 0 ? shareText(value) : "–"),
    // The bar compares rows; the tooltip is the sum written out.
    QtImpact: ({ value, data }) =>
      h("span", { className: "qt-impact", title: `${data.errors} failed + ${(data.time_lost_ms / 1000).toFixed(2)} s lost = ${value.toFixed(2)}` },
        h("i", { style: { width: `${Math.max(1, 44 * data.impact_share)}px` } }),
        h("span", { className: "qt-number" }, value >= 99.95 ? qt.count(value) : value.toFixed(value >= 9.995 ? 1 : 2))),
    QtErrorTrend: ({ value }) => sparkline(value || [], "qt-spark-error"),
    QtTrend: ({ value }) => sparkline(value || [], "qt-spark-calls"),
    // [now, before]: an arrow and words, so that colour is only the second cue.
    QtChange: ({ value }) => {
      if (!value || value[0] === null || value[1] === null || value[1] === undefined) return h("span", { className: "qt-muted" }, "–");
      const [now, before] = value;
      if (!before) return h("span", { className: now ? "qt-error-text" : "qt-muted" }, now ? "▲ from 0" : "–");
      const ratio = now / before;
      if (ratio > 0.9 && ratio < 1.1) return h("span", { className: "qt-muted" }, "same");
      const worse = ratio > 1;
      const text = worse ? (ratio >= 1.95 ? `▲ ${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}×` : `▲ ${Math.round((ratio - 1) * 100)}%`) : `▼ ${Math.round((1 - ratio) * 100)}%`;
      return h("span", { className: worse ? "qt-number qt-error-text" : "qt-number qt-ok-text" }, text);
    },
  };

  window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, cells);
})();
