// Overview: the health of ingest, which the browser reads from the collector's own metrics, and the small map.
"use strict";

(function () {
  const { qt } = window;
  let before = null;

  // Prometheus text: the sum over all labels of one metric; `null` where it is not there (yet).
  function readMetrics(text) {
    const samples = text.split("\n").flatMap((line) => {
      const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      return match ? [{ name: match[1], labels: match[2] || "", value: Number(match[3]) || 0 }] : [];
    });
    const named = (name) => samples.filter((sample) => sample.name === name);
    const total = (...names) => {
      const found = names.flatMap(named);
      return found.length ? found.reduce((sum, sample) => sum + sample.value, 0) : 0;
    };
    // Interpolated inside its bucket, as Prometheus does.
    const quantile = (name, share) => {
      const buckets = named(`${name}_bucket`)
        .map(({ labels, value }) => [Number(/le="([^"]*)"/.exec(labels)[1].replace("+Inf", "Infinity")), value])
        .sort((a, b) => a[0] - b[0]);
      const wanted = share * (buckets.at(-1)?.[1] || 0);
      const at = buckets.findIndex(([, count]) => count >= wanted);
      if (!wanted || at < 0) return null;
      const [lower, passed] = at ? buckets[at - 1] : [0, 0];
      const [upper, count] = buckets[at];
      return upper === Infinity ? lower : lower + ((upper - lower) * (wanted - passed)) / (count - passed || 1);
    };
    return { total, quantile };
  }

  function facts({ total, quantile }, ready) {
    const seals = total("qt_seal_seconds_count");
    const seconds = (value) => (value === null ? "–" : qt.duration(value * 1e6));
    const commits = [0.5, 0.95].map((share) => seconds(quantile("qt_commit_seconds", share)));
    return [
      ["Received", qt.count(total("qt_ingest_received_spans_total")), "spans since the collector started"],
      ["Stored", qt.count(total("qt_ingest_stored_spans_total")), "spans that are on disk"],
      ["Duplicate", qt.count(total("qt_ingest_duplicate_spans_total")), "spans that were stored already"],
      ["Rejected", qt.count(total("qt_ingest_rejected_spans_total")), "spans with an invalid id or time", total("qt_ingest_rejected_spans_total") > 0],
      ["Log records", qt.count(total("qt_ingest_stored_logs_total")), "stored since the collector started"],
      ["Queue", `${qt.count(total("qt_ingest_waiting_requests"))} waiting`, `${qt.bytes(total("qt_ingest_waiting_bytes"))} of requests wait to be stored`, total("qt_ingest_waiting_requests") > 100],
      ["Commit", total("qt_commit_seconds_count") ? `${commits[0]} · p95 ${commits[1]}` : "none yet", "from decoded to on disk, median and 95th percentile"],
      ["Sealing", seals ? `${seconds(total("qt_seal_seconds_sum") / seals)} · ${qt.count(seals)}×` : "none yet", "mean time to write a segment, and how often"],
      ["Segments", qt.count(total("qt_store_segments")), "of Parquet files"],
      ["On disk", qt.bytes(total("qt_store_sealed_bytes", "qt_store_hot_bytes")), `${qt.bytes(total("qt_store_hot_bytes"))} of it not sealed yet`],
      ["Free", qt.bytes(total("qt_store_free_disk_bytes")), ready ? `on the disk of ${ready.data_dir}` : "", total("qt_store_quarantined") > 0],
    ];
  }

  async function showIngest() {
    const host = document.getElementById("overview-ingest"), list = document.getElementById("overview-ingest-facts");
    if (!host || !list) return;
    let ready = null, metrics = null;
    try {
      ready = await qt.getJson("/readyz");
      metrics = readMetrics(await (await fetch(qt.at("/metrics"))).text());
    } catch {
      ready = null;
    }
    if (!document.contains(host)) return;
    const stored = metrics ? metrics.total("qt_ingest_stored_spans_total") : 0;
    const refused = metrics ? metrics.total("qt_ingest_rejected_requests_total") : 0;
    const now = { stored, at: performance.now() };
    const elapsed = before ? (now.at - before.at) / 1000 : 0;
    const rate = elapsed > 0.5 && stored >= before.stored ? (stored - before.stored) / elapsed : null;
    if (!before || elapsed > 0.5) before = now;
    const isBad = !ready || refused > 0;
    const status = !ready ? "Collector does not answer" : refused ? `${qt.count(refused)} requests refused` : "Nothing refused";
    host.replaceChildren(
      qt.make("span", { className: "qt-tile-label", text: "Ingest" }),
      qt.make("span", { className: "qt-tile-value" },
        qt.make("b", { text: ready ? qt.count(ready.spans) : "–" }),
        qt.make("small", { className: "qt-muted", text: rate === null ? "spans stored" : `spans stored, ${qt.count(rate)}/s` })),
      qt.make("span", { className: isBad ? "qt-tile-note qt-error-text" : "qt-tile-note qt-ok-text" },
        qt.icon(isBad ? "alert" : "check"), status));
    host.title = ready ? `Version ${ready.version}, data in ${ready.data_dir}` : "";
    if (!metrics) return;
    list.replaceChildren(...facts(metrics, ready).map(([label, value, hint, isWrong]) =>
      qt.make("div", { title: hint, className: isWrong ? "qt-bad" : "" },
        qt.make("dt", { text: label }), qt.make("dd", { text: value }))));
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    showIngest: (refreshes) => { showIngest(); return refreshes; },
    drawOverviewMap: (picture) => {
      const host = document.getElementById("overview-map");
      if (!host || !picture) return;
      const open = (id, opens) => {
        const query = new URLSearchParams(qt.rangeQuery());
        for (const [name, value] of Object.entries(opens || { service: id })) if (value) query.set(name, value);
        qt.go(`/services?${query}`);
      };
      qt.drawServiceMap(host, picture, null, open);
    },
  });
})();
