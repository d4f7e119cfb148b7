// Cells of an SQL result: text as text, ids as ways into their trace, NULL as such.
"use strict";

(function () {
  const asText = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  qt.sqlCellText = asText;
  const isTraceId = (name, value) => /(^|_)trace_id$/.test(name) && /^[0-9a-f]{32}$/.test(value || "");
  const isSpanId = (name, value) => /(^|_)span_id$/.test(name) && /^[0-9a-f]{16}$/.test(value || "");

  // The trace that a row is about, and the span in it: the chosen cell's own, else the first of the row.
  // example_span_id belongs to example_trace_id, any other span id to trace_id.
  qt.traceOfRow = (columns, row, at = -1) => {
    const valueOf = (name) => { const i = columns.indexOf(name); return i >= 0 ? row[i] : null; };
    let i = at >= 0 && isTraceId(columns[at], row[at]) ? at : -1;
    if (at >= 0 && isSpanId(columns[at], row[at])) {
      const own = columns[at].replace(/span_id$/, "trace_id"), traceId = isTraceId(own, valueOf(own)) ? valueOf(own) : valueOf("trace_id");
      return isTraceId("trace_id", traceId) ? { traceId, spanId: row[at] } : null;
    }
    if (i < 0) i = columns.findIndex((name, column) => isTraceId(name, row[column]));
    if (i < 0) return null;
    const span = columns.indexOf(columns[i].replace(/trace_id$/, "span_id"));
    return { traceId: row[i], spanId: at < 0 && span >= 0 && isSpanId(columns[span], row[span]) ? row[span] : null };
  };

  window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
    QtSqlValue: ({ value, data, columns, index }) => {
      if (value === null || value === undefined) return React.createElement("span", { className: "qt-sql-null" }, "NULL");
      const text = asText(value), name = columns[index], isId = isTraceId(name, text) || isSpanId(name, text);
      const place = isId ? qt.traceOfRow(columns, columns.map((_, i) => data[`c${i}`]), index) : null;
      if (place) {
        const href = qt.at(`/trace/${place.traceId}${place.spanId ? `?span=${place.spanId}` : ""}`);
        return React.createElement("a", { href, className: "qt-link qt-mono", "data-trace": place.traceId, "data-span": place.spanId || "", tabIndex: -1 }, text);
      }
      return React.createElement("span", { className: isSpanId(name, text) ? "qt-mono" : "qt-number" }, text.length > 500 ? `${text.slice(0, 500)}…` : text);
    },
  });
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    quacktraceSqlTooltip: ({ value }) => {
      const text = value === null || value === undefined ? "" : asText(value);
      return text.length > 24 ? text.slice(0, 2000) : null;
    },
  });
})();
