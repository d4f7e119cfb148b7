// A trace beside the query that found it: its waterfall, the way back, and the way to its page.
"use strict";

qt.SqlTrace = class {
  constructor(host, { onClose }) {
    Object.assign(this, { host, onClose, waterfall: null, request: null });
    host.addEventListener("keydown", (event) => this.key(event));
  }

  get isOpen() { return !this.host.hidden; }

  async open(traceId, spanId) {
    const { make } = qt;
    this.clear();
    this.request = new AbortController();
    this.back = document.activeElement;
    const page = `/trace/${traceId}${spanId ? `?span=${spanId}` : ""}`;
    this.title = make("div", { className: "qt-sql-trace-title" }, make("b", { text: "Trace" }), make("small", { className: "qt-muted qt-mono", text: traceId }));
    this.stage = make("div", { className: "qt-sql-trace-stage" }, make("div", { className: "qt-skeleton qt-sql-skeleton" }));
    this.host.replaceChildren(
      make("div", { className: "qt-card-head" }, this.title,
        make("a", { className: "qt-button", href: page }, "Open"),
        make("button", { type: "button", className: "qt-tool", title: "Close (Esc)", "aria-label": "Close the trace", onclick: () => this.close() }, qt.icon("close"))),
      this.stage);
    this.host.hidden = false;
    this.host.closest(".qt-sql").dataset.trace = "open";
    try {
      const { data } = await new qt.TraceApi(traceId).waterfall(this.request.signal);
      this.draw(data, spanId);
    } catch (cause) {
      if (cause.name !== "AbortError") this.stage.replaceChildren(make("p", { className: "qt-muted qt-card-empty", text: cause.message }));
    }
  }

  draw(data, spanId) {
    const { make } = qt, place = make("div", { className: "qt-trace-view" });
    this.model = new qt.WaterfallModel(data);
    this.title.replaceChildren(
      make("b", { text: data.root_name || "Trace without a root" }),
      make("small", { className: "qt-muted", text: [data.root_service_name, qt.duration(data.dur), `${data.n.toLocaleString("en")} span${data.n === 1 ? "" : "s"}`].filter(Boolean).join(" · ") }));
    this.stage.replaceChildren(place);
    this.waterfall = new qt.Waterfall(place, this.model, { onSelect: (row, isOpening) => isOpening && this.openSpan(row), onView: () => {}, tools: make("span") });
    const row = spanId ? this.model.rowOf(spanId) : -1;
    requestAnimationFrame(() => {
      if (!this.waterfall) return;
      if (row >= 0) this.waterfall.select(row, { isCentred: true });
      this.waterfall.grid.focus();
      this.host.dataset.ready = data.trace_id;
    });
  }

  // A second Enter or click on the chosen span leads to its details.
  openSpan(row) {
    const spanId = this.model.spanId(row);
    if (this.chosen === spanId) qt.go(`/trace/${this.model.data.trace_id}?span=${spanId}`);
    this.chosen = spanId;
  }

  key(event) {
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || !this.waterfall || !event.target.closest("[role=treegrid]")) return;
    if (this.waterfall.key(event)) { event.preventDefault(); event.stopPropagation(); }
  }

  clear() {
    this.request?.abort();
    this.waterfall?.destroy();
    Object.assign(this, { waterfall: null, chosen: null });
    delete this.host.dataset.ready;
  }

  close() {
    if (!this.isOpen) return;
    this.clear();
    this.host.hidden = true;
    this.host.replaceChildren();
    delete this.host.closest(".qt-sql").dataset.trace;
    this.onClose();
  }
};
