// Overview: the health of ingest, which the browser reads from the collector's own metrics.
"use strict";

(function () {
  const { qt } = window;
  let before = null;

  // Prometheus text: the sum over all labels of one counter, spans and logs together.
  function total(text, name) {
    let sum = 0;
    for (const line of text.split("\n")) {
      if (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) sum += Number(line.slice(line.lastIndexOf(" ") + 1)) || 0;
    }
    return sum;
  }

  async function showIngest() {
    const host = document.getElementById("overview-ingest");
    if (!host) return;
    let ready = null, metrics = "";
    try {
      ready = await qt.getJson("/readyz");
      metrics = await (await fetch("/metrics")).text();
    } catch {
      ready = null;
    }
    if (!document.contains(host)) return;
    const stored = total(metrics, "qt_ingest_stored_spans_total");
    const refused = total(metrics, "qt_ingest_rejected_requests_total");
    const now = { stored, at: performance.now() };
    const elapsed = before ? (now.at - before.at) / 1000 : 0;
    const rate = elapsed > 0.5 && stored >= before.stored ? (stored - before.stored) / elapsed : null;
    if (!before || elapsed > 0.5) before = now;
    const status = !ready ? "Collector does not answer" : refused ? `${qt.count(refused)} requests refused` : "Nothing refused";
    host.replaceChildren(
      qt.make("span", { className: "qt-tile-label", text: "Ingest" }),
      qt.make("span", { className: "qt-tile-value" },
        qt.make("b", { text: ready ? qt.count(ready.spans) : "–" }),
        qt.make("small", { className: "qt-muted", text: rate === null ? "spans stored" : `spans stored, ${qt.count(rate)}/s` })),
      qt.make("span", { className: !ready || refused ? "qt-tile-note qt-error-text" : "qt-tile-note qt-ok-text" },
        qt.icon(!ready || refused ? "alert" : "check"), status));
    host.title = ready ? `Version ${ready.version}, data in ${ready.data_dir}` : "";
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    showIngest: (refreshes) => { showIngest(); return refreshes; },
    openServiceRow: (cell) => {
      if (!cell || !cell.rowId) return;
      const query = new URLSearchParams(qt.rangeQuery());
      query.set("service", cell.rowId);
      qt.go(`/services?${query}`);
    },
  });
})();
