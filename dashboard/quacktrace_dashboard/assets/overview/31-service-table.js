// The services of the first page as a plain table: a grid of 870 kB has no reason to be on it.
"use strict";

(function () {
  const { qt } = window;
  const SVG = "http://www.w3.org/2000/svg";
  const change = (value) => (value && value[1] ? value[0] / value[1] : value?.[0] ? Infinity : -1);
  const COLUMNS = [
    { key: "service_name", name: "Service" },
    { key: "calls_per_s", name: "Calls", says: "rate" },
    { key: "call_series", className: "qt-spark-calls" },
    { key: "error_rate", name: "Errors", says: "errorShare" },
    { key: "error_change", name: "vs before", says: "change", rank: change },
    { key: "error_series", className: "qt-spark-error" },
    { key: "p50_ms", name: "p50", says: "duration" },
    { key: "p95_ms", name: "p95", says: "duration" },
    { key: "p95_change", name: "vs before", says: "change", rank: change },
  ];
  let rows = [],
    sorted = { key: null, isDown: true };

  function sparkline(values, className) {
    const svg = document.createElementNS(SVG, "svg");
    const add = (name, attributes) => {
      const child = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) child.setAttribute(key, value);
      svg.append(child);
    };
    for (const [key, value] of Object.entries({ class: `qt-spark ${className}`, viewBox: "0 0 96 20", width: 96, height: 20, "aria-hidden": true }))
      svg.setAttribute(key, value);
    add("path", { d: "M0 19.5H96", class: "qt-spark-base" });
    for (const bar of qt.sparkBars(values || [])) add("rect", bar);
    return svg;
  }

  function heading({ key, name, says }) {
    if (!name) return qt.make("td", {});
    const order = sorted.key !== key ? "none" : sorted.isDown ? "descending" : "ascending";
    const sort = () => {
      // Down, up, and as it was: the worst first.
      sorted = sorted.key !== key ? { key, isDown: Boolean(says) } : sorted.isDown === Boolean(says) ? { key, isDown: !says } : { key: null };
      draw();
    };
    return qt.make("th", { scope: "col", "aria-sort": order, className: says ? "qt-right" : "" },
      qt.make("button", { type: "button", "data-key": key, text: name, title: "Sort by this", onclick: sort }));
  }

  function cell(row, { key, says, className }) {
    if (className) return qt.make("td", {}, sparkline(row[key], className));
    if (says) {
      const [text, looks] = qt.says[says](row[key]);
      return qt.make("td", { className: `qt-right ${looks}`, "data-column": key, text });
    }
    const query = new URLSearchParams(qt.rangeQuery());
    query.set("service", row.service_name);
    return qt.make("th", { scope: "row" },
      qt.make("a", { className: "qt-cell-service", href: `/services?${query}`, title: row.service_name, "data-key": `of ${row.service_name}` },
        qt.make("i", { className: "qt-swatch", style: `background:${qt.serviceColour(row.service_name)}` }),
        qt.make("span", { text: row.service_name || "(no name)" })));
  }

  function inOrder() {
    const column = COLUMNS.find(({ key }) => key === sorted.key);
    if (!column) return rows;
    const rank = (row) => (column.rank || ((value) => value ?? -1))(row[column.key]);
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    return [...rows].sort((a, b) => compare(rank(a), rank(b)) * (sorted.isDown ? -1 : 1));
  }

  function draw() {
    const host = document.getElementById("overview-services");
    if (!host) return;
    const focused = host.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    host.replaceChildren(
      qt.make("table", { className: "qt-service-table" },
        qt.make("thead", {}, qt.make("tr", {}, ...COLUMNS.map(heading))),
        qt.make("tbody", {}, ...inOrder().map((row) =>
          qt.make("tr", { "data-service": row.service_name }, ...COLUMNS.map((column) => cell(row, column)))))));
    // A live update must not take the keyboard's place away.
    if (focused !== undefined) host.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  // The whole row is its link.
  document.addEventListener("click", (event) => {
    if (event.target.closest("a, button") || !getSelection().isCollapsed) return;
    event.target.closest(".qt-service-table tbody tr")?.querySelector("a").click();
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    drawServices: (found) => {
      rows = found || [];
      draw();
      return rows.length;
    },
  });
})();
