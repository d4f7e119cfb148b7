// The trace page: fetches the waterfall, draws header, services, toolbar and waterfall, and keeps the URL in step.
"use strict";

qt.TracePage = class {
  constructor(host, traceId) {
    this.host = host;
    this.traceId = traceId;
    this.etag = null;
    host.replaceChildren();
    host.dataset.ready = "false";
    this.keydown = (event) => this.key(event);
    document.addEventListener("keydown", this.keydown);
    this.untick = qt.onTick((tick) => this.tick(tick));
    this.load();
  }

  destroy() {
    document.removeEventListener("keydown", this.keydown);
    this.untick();
    this.request?.abort();
    this.waterfall?.destroy();
    clearTimeout(this.urlTimer);
    clearTimeout(this.showTimer);
  }

  // ---- data ----
  async load() {
    this.request?.abort();
    this.request = new AbortController();
    const skeleton = setTimeout(() => {
      if (!this.model) this.drawSkeleton();
    }, 150);
    try {
      const { data, etag } = await this.fetch(this.request.signal);
      clearTimeout(skeleton);
      if (!data || (etag && etag === this.etag)) return;
      this.etag = etag;
      this.model ? this.update(data) : this.draw(data);
    } catch (error) {
      clearTimeout(skeleton);
      if (error.name !== "AbortError" && !this.model) this.drawError(error);
    }
  }

  async fetch(signal) {
    const path = `/api/v1/traces/${encodeURIComponent(this.traceId)}/waterfall`,
      early = window.quacktraceEarly;
    window.quacktraceEarly = null;
    const asked =
      early && early.path === path ? early.response : fetch(path, { headers: { Accept: "application/json" }, signal });
    const response = await asked.catch((cause) => {
      if (cause.name === "AbortError") throw cause;
      throw Object.assign(new Error("The collector does not answer."), {
        hint: "Check that it is running, then retry.",
      });
    });
    const body = await response.json().catch(() => null);
    if (response.ok && body) return { data: body, etag: response.headers.get("ETag") };
    throw Object.assign(
      new Error(body?.error?.message || `The collector answered with HTTP status ${response.status}.`),
      { hint: body?.error?.hint || "", status: response.status },
    );
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
    this.waterfall.selected = selected ? this.model.rowOf(selected) : -1;
    this.waterfall.setModel(this.model);
    this.head.draw(this.model);
    for (const button of this.bar.querySelectorAll("[data-mode]"))
      button.disabled = !{ all: true, critical: this.model.segments.size, errors: data.error_count }[
        button.dataset.mode
      ];
    this.find(this.findInput.value);
    this.selectAwaited();
  }

  selectAwaited() {
    const row = this.awaited && this.waterfall.selected < 0 ? this.model.rowOf(this.awaited) : -1;
    if (row < 0) return;
    this.awaited = null;
    this.waterfall.select(row, { isOpening: true, isCentred: true });
  }

  // ---- drawing ----
  draw(data) {
    const { make } = qt;
    this.model = new qt.WaterfallModel(data);
    const header = make("header", { className: "qt-trace-head" });
    this.head = new qt.TraceHead(header, {
      onToggle: () => this.waterfall.invalidate(),
      onSelect: (row) => this.waterfall.select(row, { isOpening: true, isCentred: true }),
    });
    this.bar = make("div", { className: "qt-trace-tools", role: "toolbar", "aria-label": "Waterfall" });
    const waterfall = make("div", { className: "qt-card" }),
      panel = make("aside", { hidden: true });
    this.host.replaceChildren(header, this.bar, make("div", { className: "qt-trace-split" }, waterfall, panel));
    this.panel = new qt.SpanPanel(panel, {
      onClose: () => {
        this.waterfall.grid.focus({ preventScroll: true });
      },
    });
    this.waterfall = new qt.Waterfall(waterfall, this.model, {
      onSelect: (row, isOpening) => this.selected(row, isOpening),
    });
    this.drawTools();
    this.head.draw(this.model);
    document.title = `${data.root_name || "Trace"} · ${data.root_service_name || this.traceId.slice(0, 8)} · quacktrace`;
    const span = new URLSearchParams(location.search).get("span");
    const row = span ? this.model.rowOf(span.toLowerCase()) : -1;
    if (row >= 0) requestAnimationFrame(() => this.waterfall.select(row, { isOpening: true, isCentred: true }));
    else if (span) {
      this.awaited = span.toLowerCase(); // a log record may arrive before the span that wrote it has ended
      qt.toast(`Span ${span} is not in this trace, or not yet`);
    }
    this.host.dataset.ready = "true";
  }

  drawTools() {
    const { make } = qt;
    const mode = (name, text, title, icon, isPossible = true) =>
      make(
        "button",
        {
          className: "qt-segment",
          type: "button",
          "data-mode": name,
          "aria-pressed": String(name === "all"),
          title,
          disabled: !isPossible,
          onclick: () => {
            this.model.setMode(name);
            this.showMode();
            this.waterfall.invalidate();
          },
        },
        icon && qt.icon(icon),
        make("span", { text }),
      );
    const tool = (icon, label, action) =>
      make(
        "button",
        { className: "qt-tool", type: "button", title: label, "aria-label": label, onclick: action },
        qt.icon(icon),
      );
    this.findInput = make("input", {
      className: "qt-field",
      type: "search",
      placeholder: "Find in this trace (f)",
      "aria-label": "Find in this trace",
      oninput: (event) => this.find(event.target.value),
      onkeydown: (event) => {
        if (event.key === "Enter") {
          event.preventDefault();
          this.step(event.shiftKey ? "N" : "n");
        } else if (event.key === "Escape") {
          event.stopPropagation();
          event.target.value = "";
          this.find("");
          this.waterfall.grid.focus({ preventScroll: true });
        }
      },
    });
    this.findCount = make("span", { className: "qt-muted qt-number", role: "status" });
    this.bar.replaceChildren(
      make(
        "div",
        { className: "qt-segments" },
        mode("all", "All spans", "Every span"),
        mode("critical", "Critical path", "Only what the trace waited for", "path", this.model.segments.size > 0),
        mode("errors", "Errors", "Only what failed, and what called it", "error", this.model.data.error_count > 0),
      ),
      make(
        "div",
        { className: "qt-trace-find" },
        this.findInput,
        this.findCount,
        tool("chevron-up", "Previous match (N)", () => this.step("N")),
        tool("chevron-down", "Next match (n)", () => this.step("n")),
      ),
      make(
        "div",
        { className: "qt-trace-folding" },
        tool("collapse", "Collapse to services' entries", () => {
          this.model.collapseBelow(1);
          this.waterfall.invalidate();
        }),
        tool("expand", "Expand everything", () => {
          this.model.collapseBelow(Infinity);
          this.waterfall.invalidate();
        }),
        tool("zoom-out", "Zoom out (Z)", () => this.waterfall.resetZoom()),
      ),
    );
  }

  showMode() {
    for (const button of this.bar.querySelectorAll("[data-mode]"))
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.model.mode));
  }

  drawSkeleton() {
    const { make } = qt;
    this.host.replaceChildren(
      make("div", { className: "qt-skeleton", style: "height:96px;margin-bottom:12px" }),
      ...Array.from({ length: 14 }, () =>
        make("div", { className: "qt-skeleton", style: "height:20px;margin-bottom:6px" }),
      ),
    );
  }

  drawError(error) {
    const { make } = qt,
      isMissing = error.status === 404;
    this.host.replaceChildren(
      make(
        "div",
        { className: "qt-state", role: "alert" },
        make("span", {
          className: `qt-icon qt-icon-${isMissing ? "empty" : "alert"} qt-state-icon`,
          "aria-hidden": "true",
        }),
        make("h2", { text: isMissing ? "There is no such trace" : "The trace could not be loaded" }),
        make("p", { text: error.message }),
        make("p", { className: "qt-muted", text: error.hint || "" }),
        make(
          "div",
          { className: "qt-state-actions" },
          make(
            "button",
            { className: "qt-button qt-button-primary", type: "button", onclick: () => this.load() },
            qt.icon("refresh"),
            make("span", { text: "Try again" }),
          ),
          make(
            "a",
            { className: "qt-button", href: `/traces${qt.rangeQuery()}` },
            qt.icon("traces"),
            make("span", { text: "All traces" }),
          ),
        ),
      ),
    );
    this.host.dataset.ready = "true";
  }

  // ---- what the reader does ----
  find(text) {
    this.model.find(text);
    this.showFind();
    this.waterfall.invalidate();
  }

  showFind() {
    const { matches } = this.model,
      at = matches.indexOf(this.waterfall.selected);
    this.findCount.textContent = !this.findInput.value.trim()
      ? ""
      : !matches.length
        ? "none"
        : at >= 0
          ? `${qt.count(at + 1)} of ${qt.count(matches.length)}`
          : qt.count(matches.length);
  }

  step(key) {
    this.waterfall.key({ key });
    this.showFind();
  }

  selected(row, isOpening) {
    if (isOpening) this.panel.show(this.model, row);
    else if (this.panel.isOpen) {
      clearTimeout(this.showTimer);
      this.showTimer = setTimeout(() => this.panel.show(this.model, row), 90);
    }
    if (this.findInput.value) this.showFind();
    // Holding an arrow key must not write a hundred history entries a second: browsers throttle that.
    clearTimeout(this.urlTimer);
    this.urlTimer = setTimeout(() => {
      if (location.pathname.startsWith("/trace/")) qt.patchUrl({ span: this.model.spanId(row) }, { replace: true });
    }, 150);
  }

  key(event) {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || !this.waterfall) return;
    if (document.querySelector("dialog[open]")) return;
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && this.panel.isOpen && !isTyping) {
      this.panel.close();
      return;
    }
    if (isTyping || (event.target.closest("button, a, summary, pre") && [" ", "Enter"].includes(event.key))) return;
    if (event.target.closest(".qt-panel") && /^(Arrow|Page|Home|End)/.test(event.key)) return;
    if (event.key === "f") {
      event.preventDefault();
      this.findInput.focus();
      this.findInput.select();
      return;
    }
    if (this.waterfall.key(event)) {
      event.preventDefault();
      if (event.key === "n" || event.key === "N") this.showFind();
    }
  }
};

window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
  openTrace: (traceId) => {
    qt.tracePage?.destroy();
    const host = document.getElementById("trace-page");
    qt.tracePage = host && traceId ? new qt.TracePage(host, traceId) : null;
    return traceId;
  },
});

// Leaving the page takes its listeners along.
qt.onUrl(() => {
  if (qt.tracePage && !location.pathname.startsWith("/trace/")) {
    qt.tracePage.destroy();
    qt.tracePage = null;
  }
});
