// Cells of tables: what they say as [text, class], and for AG Grid as React components without JSX. What telemetry named is a
// text child, never markup.
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

  const SPARK = { width: 96, height: 20 };

  // The bars of a sparkline as the attributes of their rectangles.
  function sparkBars(values) {
    const { width, height } = SPARK, top = Math.max(1, ...values), step = width / Math.max(1, values.length);
    return values.flatMap((value, i) => {
      const tall = value > 0 ? Math.max(1.5, (value / top) * height) : 0;
      return tall ? [{ x: i * step, y: height - tall, width: Math.max(0.8, step - 0.6), height: tall }] : [];
    });
  }

  function sparkline(values, className) {
    const { width, height } = SPARK;
    return h("svg", { className: `qt-spark ${className}`, viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": true },
      h("path", { d: `M0 ${height - 0.5}H${width}`, className: "qt-spark-base" }),
      sparkBars(values).map((bar, key) => h("rect", { key, ...bar })));
  }

  const says = {
    rate: (value) => [rateText(value), "qt-number"],
    duration: (value) => [value === null || value === undefined || value === 0 ? "–" : qt.duration(value * 1000), "qt-number"],
    errorShare: (value) =>
      value > 0 ? [`${value >= 0.05 ? "▲ " : ""}${shareText(value)}`, "qt-number qt-error-text"] : ["–", "qt-number qt-muted"],
    // [now, before]: an arrow and words, so that colour is only the second cue.
    change: (value) => {
      if (!value || value[0] === null || value[1] === null || value[1] === undefined) return ["–", "qt-muted"];
      const [now, before] = value;
      if (!before) return now ? ["▲ from 0", "qt-error-text"] : ["–", "qt-muted"];
      const ratio = now / before;
      if (ratio > 0.9 && ratio < 1.1) return ["same", "qt-muted"];
      if (ratio < 1) return [`▼ ${Math.round((1 - ratio) * 100)}%`, "qt-number qt-ok-text"];
      const text = ratio >= 1.95 ? `▲ ${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}×` : `▲ ${Math.round((ratio - 1) * 100)}%`;
      return [text, "qt-number qt-error-text"];
    },
  };
  const said = ([text, className]) => h("span", { className }, text);

  const cells = {
    QtService: ({ value, data }) =>
      h("span", { className: "qt-cell-service", title: value },
        h("i", { className: "qt-swatch", style: { background: data.kind && data.kind !== "service" && data.id ? "transparent" : qt.serviceColour(data.service_name || data.id || value) } }),
        h("span", null, value)),
    QtText: ({ value }) => h("span", { title: value }, value === "" ? "(no name)" : value),
    QtRate: ({ value }) => said(says.rate(value)),
    QtDuration: ({ value }) => said(says.duration(value)),
    QtCount: ({ value }) =>
      h("span", { className: "qt-number" }, value === null || value === undefined ? "–" : qt.count(value)),
    QtErrorShare: ({ value }) => said(says.errorShare(value)),
    // The bar compares rows; the tooltip is the sum written out.
    QtImpact: ({ value, data }) =>
      h("span", { className: "qt-impact", title: `${data.errors} failed + ${(data.time_lost_ms / 1000).toFixed(2)} s lost = ${value.toFixed(2)}` },
        h("i", { style: { width: `${Math.max(1, 44 * data.impact_share)}px` } }),
        h("span", { className: "qt-number" }, value >= 99.95 ? qt.count(value) : value.toFixed(value >= 9.995 ? 1 : 2))),
    QtErrorTrend: ({ value }) => sparkline(value || [], "qt-spark-error"),
    QtTrend: ({ value }) => sparkline(value || [], "qt-spark-calls"),
    QtChange: ({ value }) => said(says.change(value)),
  };

  qt.says = says;
  qt.sparkBars = sparkBars;
  window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, cells);
})();
