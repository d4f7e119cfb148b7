// The trace page: gets the trace, draws its head, its views and the span panel, and keeps the link in step.
"use strict";

qt.TracePage = class {
  constructor(host, traceId, source = new qt.TraceApi(traceId)) {
    Object.assign(this, {
      host,
      traceId,
      source,
      etag: null,
      view: "waterfall",
      views: {},
      depth: Infinity,
      compareId: null,
    });
    host.replaceChildren();
    host.dataset.ready = "false";
    this.keydown = (event) => this.key(event);
    document.addEventListener("keydown", this.keydown);
    this.untick = source.isFile ? () => {} : qt.onTick((tick) => this.tick(tick));
    this.load();
  }

  destroy() {
    document.removeEventListener("keydown", this.keydown);
    this.untick();
    this.request?.abort();
    this.why?.destroy();
    for (const view of Object.values(this.views)) view.destroy();
    this.panel?.request?.abort();
    for (const timer of [this.urlTimer, this.showTimer, this.tickTimer, this.findTimer, this.whyTimer])
      clearTimeout(timer);
  }

  // What was drawn before Dash had started goes on in Dash's place for it, scrolled as it was.
  moveTo(host) {
    const focused = this.host.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = [...this.host.querySelectorAll("*")].filter((one) => one.scrollTop).map((one) => [one, one.scrollTop]);
    host.replaceChildren(...this.host.childNodes);
    host.dataset.ready = this.host.dataset.ready;
    this.host = host;
    for (const [element, top] of scrolled) element.scrollTop = top;
    focused?.focus({ preventScroll: true });
    // The services' colours may be known only now.
    if (!this.model) return;
    this.waterfall.setModel(this.model);
    for (const [name, view] of Object.entries(this.views))
      if (name !== "waterfall") view.setModel(this.model, this.waterfall.colours);
    this.head.draw(this.model);
  }

  get waterfall() {
    return this.views.waterfall;
  }

  // What a link that names no view shows.
  get usualView() {
    return this.compareId ? "compare" : "waterfall";
  }

  // ---- data ----
  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const skeleton = setTimeout(() => {
      if (!this.model) this.drawSkeleton();
    }, 150);
    try {
      const { data, etag } = await this.source.waterfall(this.request.signal);
      clearTimeout(skeleton);
      if (!data || (etag && etag === this.etag)) return;
      this.etag = etag;
      this.model ? this.update(data) : this.draw(data);
    } catch (error) {
      clearTimeout(skeleton);
      if (error.name !== "AbortError" && !this.model) this.drawError(error);
    }
  }

  tick(tick) {
    const isOurs = (tick.traces || []).includes(this.model ? this.model.data.trace_id : this.traceId);
    if (document.hidden || !(isOurs || !this.model)) return;
    clearTimeout(this.tickTimer);
    this.tickTimer = setTimeout(() => this.load(), 300);
  }

  update(data) {
    const older = this.model,
      selected = this.waterfall.selected >= 0 ? older.spanId(this.waterfall.selected) : null;
    this.model = new qt.WaterfallModel(data);
    this.model.adopt(older);
    this.model.find(this.tools.find.value);
    this.waterfall.selected = selected ? this.model.rowOf(selected) : -1;
    this.waterfall.setModel(this.model);
    this.head.draw(this.model);
    for (const [name, view] of Object.entries(this.views))
      if (name !== "waterfall") view.setModel(this.model, this.waterfall.colours);
    this.show();
    this.selectAwaited();
    this.highlight();
    // A trace that still grows is explained once it pauses: that asks for a whole baseline.
    clearTimeout(this.whyTimer);
    this.whyTimer = setTimeout(() => this.why.load(this.model), 1500);
  }

  selectAwaited() {
    const row = this.awaited && this.waterfall.selected < 0 ? this.model.rowOf(this.awaited) : -1;
    if (row < 0) return;
    this.awaited = null;
    this.waterfall.select(row, { isOpening: true, isCentred: true });
  }

  // ---- drawing ----
  draw(data) {
    const { make } = qt,
      parameters = this.source.parameters();
    this.model = new qt.WaterfallModel(data);
    this.depth = qt.traceState.apply(parameters, this.model).level;
    const header = make("header", { className: "qt-trace-head" }),
      why = make("section", { "aria-label": "Why it took so long" });
    const open = (row) => this.waterfall.select(row, { isOpening: true, isCentred: true });
    this.tools = new qt.TraceTools(this);
    this.tools.find.value = parameters.get("find") || "";
    this.head = new qt.TraceHead(header, {
      onToggle: () => this.changed(),
      onSelect: open,
      onCompare: () => qt.chooseTrace(this),
      source: this.source,
      why,
    });
    this.why = new qt.TraceWhy(why, this.source, { onSelect: open });
    const panel = make("aside", { hidden: true });
    this.stage = make("div", { className: "qt-card qt-trace-stage" });
    this.host.replaceChildren(header, this.tools.bar, make("div", { className: "qt-trace-split" }, this.stage, panel));
    this.panel = new qt.SpanPanel(panel, { onClose: () => this.focusView(), source: this.source });
    this.views.waterfall = new qt.Waterfall(this.place("waterfall"), this.model, {
      onSelect: (row, isOpening) => this.selected(row, isOpening),
      onView: () => this.show(),
      tools: this.tools.waterfall,
    });
    this.head.draw(this.model);
    this.compareId = qt.traceIdIn(parameters.get("compare") || "");
    this.setView(parameters.get("view"));
    this.title = `${data.root_name || "Trace"} · ${data.root_service_name || data.trace_id.slice(0, 8)}`;
    document.title = `${this.title} · quacktrace`;
    this.selectNamed(parameters.get("span"));
    this.host.dataset.ready = "true";
    this.why.load(this.model);
    this.highlight();
  }

  place(name) {
    return this.stage.appendChild(
      qt.make("div", {
        className: "qt-trace-pane",
        role: "tabpanel",
        "aria-labelledby": `trace-tab-${name}`,
        "data-panel": name,
      }),
    );
  }

  selectNamed(spanId) {
    const span = (spanId || "").toLowerCase(),
      row = span ? this.model.rowOf(span) : -1;
    if (row >= 0) requestAnimationFrame(() => this.waterfall.select(row, { isOpening: true, isCentred: true }));
    else if (span) {
      this.awaited = span; // a log record may arrive before the span that wrote it has ended
      qt.toast(`Span ${span} is not in this trace, or not yet`);
    }
  }

  // The spans that the list's search found, marked for as long as the page is open.
  async highlight() {
    const wanted = new URLSearchParams();
    for (const [name, value] of this.source.parameters())
      if (["q", "service", "operation", "status"].includes(name) && value) wanted.set(name, value);
    if (!wanted.size) return;
    const { span_ids: ids } = await this.source.matches(wanted).catch(() => ({ span_ids: [] }));
    const count = this.model.setAsked(ids);
    const query = [...wanted].map(([name, value]) => (name === "q" ? value : `${name} = ${value}`)).join(" ");
    this.head.showAsked(query, count, () => this.waterfall.key({ key: "n" }));
    this.waterfall.invalidate();
  }

  setView(view) {
    const isKnown = qt.TRACE_VIEWS.some(([one]) => one === view) && (view !== "compare" || this.compareId);
    const name = isKnown ? view : this.usualView;
    this.view = name;
    if (!this.views[name]) this.views[name] = this.makeView(name);
    for (const panel of this.stage.children) panel.hidden = panel.dataset.panel !== name;
    if (name === "waterfall") this.waterfall.zoomed();
    this.show();
  }

  makeView(name) {
    const host = this.place(name),
      { model, source } = this;
    const options = {
      source,
      colours: this.waterfall.colours,
      onView: () => this.writeLink(),
      onSelect: (row, isOpening) => this.waterfall.select(row, { isOpening, isCentred: true }),
    };
    const parameters = source.parameters();
    if (name === "flame") return new qt.FlameGraph(host, model, { ...options, order: parameters.get("flame") });
    if (name === "map") return new qt.TraceMap(host, model, options);
    if (name === "logs") return new qt.TraceLogs(host, model, { ...options, show: parameters.get("show") });
    if (name === "compare")
      return new qt.TraceCompare(host, model, {
        ...options,
        otherId: this.compareId,
        onClose: () => this.compare(null),
      });
    return new qt.TraceOperations(host, model, {
      ...options,
      sort: parameters.get("sort") || "-self",
      onSort: (by) => source.remember({ sort: by }),
    });
  }

  compare(traceId) {
    this.views.compare?.destroy();
    delete this.views.compare;
    this.stage.querySelector('[data-panel="compare"]')?.remove();
    this.compareId = traceId;
    this.setView(this.usualView);
  }

  // Everything but the model's data may have changed: controls, rows and link follow.
  changed() {
    this.waterfall.invalidate();
    this.show();
  }

  show() {
    if (!this.waterfall) return; // while it is being made
    this.tools.show(this.model, this.view);
    this.tools.showCount(this.model, this.waterfall.selected);
    this.writeLink();
  }

  // Holding an arrow key must not write a hundred history entries a second: browsers throttle that.
  writeLink() {
    clearTimeout(this.urlTimer);
    this.urlTimer = setTimeout(() => this.source.remember(qt.traceState.of(this)), 150);
  }

  drawSkeleton() {
    const bar = (style) => qt.make("div", { className: "qt-skeleton", style });
    this.host.replaceChildren(
      bar("height:96px;margin-bottom:12px"),
      ...Array.from({ length: 14 }, () => bar("height:20px;margin-bottom:6px")),
    );
  }

  drawError(error) {
    this.host.replaceChildren(qt.traceError(error, () => this.load()));
    this.host.dataset.ready = "true";
  }

  // ---- what the reader does ----
  focusView() {
    this.waterfall.grid.focus({ preventScroll: true });
  }

  setMode(mode) {
    this.model.setMode(mode);
    this.changed();
  }

  setAligned(isAligned) {
    this.model.setAligned(isAligned);
    this.waterfall.setModel(this.model);
    this.waterfall.zoomed();
    this.views.flame?.setModel(this.model, this.waterfall.colours);
    this.head.draw(this.model);
  }

  foldAll(isFolded) {
    this.model.foldAll(isFolded);
    this.changed();
  }

  // One level of depth less or more, or "least" or "all" of them.
  level(step) {
    const deepest = this.model.data.depth.reduce((most, depth) => Math.max(most, depth), 0);
    const now = Math.min(this.depth, deepest);
    const next = step === "all" ? Infinity : step === "least" ? 1 : Math.max(now + step, 0);
    this.depth = next >= deepest ? Infinity : next;
    this.model.collapseBelow(this.depth);
    this.changed();
  }

  find(text) {
    this.model.find(text);
    this.changed();
    this.views.flame?.request();
    this.views.logs?.find(text);
    clearTimeout(this.findTimer);
    this.findTimer = setTimeout(() => this.views.spans?.update(), 120);
  }

  step(key) {
    this.waterfall.key({ key });
    this.tools.showCount(this.model, this.waterfall.selected);
  }

  selected(row, isOpening) {
    if (isOpening) this.panel.show(this.model, row);
    else if (this.panel.isOpen) {
      clearTimeout(this.showTimer);
      this.showTimer = setTimeout(() => this.panel.show(this.model, row), 90);
    }
    this.views.flame?.select(row);
    this.show();
  }

  // A link inside the page: another span of this trace, or another trace to compare with.
  follow() {
    if (!this.model) return;
    const parameters = this.source.parameters(),
      span = (parameters.get("span") || "").toLowerCase();
    const isOther = span && (this.waterfall.selected < 0 || this.model.spanId(this.waterfall.selected) !== span);
    if (isOther && this.model.rowOf(span) >= 0 && span !== this.awaited) this.selectNamed(span);
    const compare = qt.traceIdIn(parameters.get("compare") || "");
    if (compare !== this.compareId) this.compare(compare);
  }

  key(event) {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || !this.waterfall) return;
    if (document.querySelector("dialog[open]")) return;
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && this.panel.isOpen && !isTyping) return this.panel.close();
    if (isTyping || (event.target.closest("button, a, summary, pre") && [" ", "Enter"].includes(event.key))) return;
    if (event.target.closest(".qt-panel") && /^(Arrow|Page|Home|End)/.test(event.key)) return;
    const keys = {
      f: () => {
        this.tools.find.focus();
        this.tools.find.select();
      },
      "-": () => this.level(-1),
      "+": () => this.level(1),
      "=": () => this.level(1),
    };
    for (const [at, [name]] of qt.TRACE_VIEWS.entries()) keys[at + 1] = () => this.setView(name);
    if (keys[event.key]) keys[event.key]();
    else if (!this.waterfall.key(event)) return;
    event.preventDefault();
    this.tools.showCount(this.model, this.waterfall.selected);
  }
};

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
  openTrace: (traceId) => {
    const host = document.getElementById("trace-page");
    const early = document.querySelector(".qt-early");
    if (early && host && qt.tracePage?.traceId === traceId) qt.tracePage.moveTo(host);
    else {
      qt.tracePage?.destroy();
      qt.tracePage = host && traceId ? new qt.TracePage(host, traceId) : null;
    }
    early?.remove();
    return traceId;
  },
});

// Leaving the page takes its listeners along.
qt.onUrl(() => {
  if (!qt.tracePage) return;
  const path = qt.path();
  if (!path.startsWith("/trace/")) {
    qt.tracePage.destroy();
    qt.tracePage = null;
  } else if (path.startsWith(`/trace/${encodeURIComponent(qt.tracePage.traceId)}`)) qt.tracePage.follow();
});
