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
    this.drawHeader();
    for (const button of this.bar.querySelectorAll("[data-mode]"))
      button.disabled = !{ all: true, critical: this.model.segments.size, errors: data.error_count }[
        button.dataset.mode
      ];
    this.find(this.findInput.value);
  }

  // ---- drawing ----
  draw(data) {
    const { make } = qt;
    this.model = new qt.WaterfallModel(data);
    this.header = make("header", { className: "qt-trace-head" });
    this.bar = make("div", { className: "qt-trace-tools", role: "toolbar", "aria-label": "Waterfall" });
    const waterfall = make("div", { className: "qt-card" }),
      panel = make("aside", { hidden: true });
    this.host.replaceChildren(this.header, this.bar, make("div", { className: "qt-trace-split" }, waterfall, panel));
    this.panel = new qt.SpanPanel(panel, {
      onClose: () => {
        this.waterfall.grid.focus({ preventScroll: true });
      },
    });
    this.waterfall = new qt.Waterfall(waterfall, this.model, {
      onSelect: (row, isOpening) => this.selected(row, isOpening),
    });
    this.drawTools();
    this.drawHeader();
    document.title = `${data.root_name || "Trace"} · ${data.root_service_name || this.traceId.slice(0, 8)} · quacktrace`;
    const span = new URLSearchParams(location.search).get("span");
    const row = span ? this.model.rowOf(span.toLowerCase()) : -1;
    if (row >= 0) requestAnimationFrame(() => this.waterfall.select(row, { isOpening: true, isCentred: true }));
    else if (span) qt.toast(`Span ${span} is not in this trace`);
    this.host.dataset.ready = "true";
  }

  drawHeader() {
    const { make } = qt,
      { model } = this,
      { data } = model;
    const start = new Date(Number(BigInt(data.t0_ns) / 1000000n)),
      slots = qt.assignSlots(data.services);
    const depth = data.depth.reduce((deepest, d) => Math.max(deepest, d), 0) + 1;
    const service = data.root_service_name,
      errors = data.error_count;
    const fact = (label, value, title, className) =>
      make("div", { title }, make("dt", { text: label }), make("dd", { text: value, className }));
    const notes = [
      data.truncated && `Showing the largest subtrees: ${qt.count(data.n)} of ${qt.count(data.total)} spans`,
      ...data.warnings,
    ].filter(Boolean);
    const hasRootDuration =
      data.root_duration_us !== null && Math.abs(data.root_duration_us - data.dur) > Math.max(1, data.dur * 0.01);
    this.header.replaceChildren(
      ...[
        make(
          "div",
          { className: "qt-trace-title" },
          service &&
            make("i", { className: "qt-swatch", style: `background:var(--qt-service-${slots[service] ?? 0})` }),
          make(
            "h1",
            {},
            make("span", { text: service || "Root span missing" }),
            " ",
            make("b", { text: data.root_name || "" }),
          ),
          errors
            ? make(
                "span",
                { className: "qt-chip qt-chip-error" },
                qt.icon("error"),
                make("span", { text: errors === 1 ? "1 error" : `${qt.count(errors)} errors` }),
              )
            : make("span", { className: "qt-chip qt-chip-ok" }, qt.icon("check"), make("span", { text: "no errors" })),
          make(
            "span",
            { className: "qt-trace-actions" },
            make(
              "button",
              {
                className: "qt-button",
                type: "button",
                title: data.trace_id,
                onclick: () => qt.copy(data.trace_id, "Trace id copied"),
              },
              qt.icon("copy"),
              make("span", { className: "qt-mono", text: `${data.trace_id.slice(0, 8)}…` }),
            ),
            make(
              "a",
              {
                className: "qt-button",
                href: `/api/v1/traces/${data.trace_id}`,
                download: `${data.trace_id}.otlp.json`,
                title: "The trace as OTLP JSON, which imports back identical",
              },
              qt.icon("download"),
              make("span", { text: "OTLP JSON" }),
            ),
          ),
        ),
        make(
          "dl",
          { className: "qt-trace-facts" },
          fact(
            "Start",
            `${start.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${qt.clock(start)}`,
            `${start.toISOString()} (UTC)`,
          ),
          fact(
            "Duration",
            qt.duration(hasRootDuration ? data.root_duration_us : data.dur),
            "From the root's start to its end",
          ),
          hasRootDuration && fact("To the last span", qt.duration(data.dur), "Asynchronous work outlived the root"),
          fact("Spans", data.truncated ? `${qt.count(data.n)} of ${qt.count(data.total)}` : qt.count(data.total)),
          fact("Services", qt.count(data.services.length)),
          fact("Depth", qt.count(depth)),
          !data.complete && fact("State", "incomplete", "Some parent spans have not arrived", "qt-warning-text"),
          notes.length > 0 &&
            make(
              "p",
              { className: "qt-trace-warnings", title: notes.join("\n") },
              qt.icon("alert"),
              make("span", { text: notes.join(" · ") }),
            ),
        ),
        this.shares(slots),
      ].filter(Boolean),
    );
  }

  // Self time by service: a bar that says where the time went, and toggles that say which is which.
  shares(slots) {
    const { make } = qt,
      { model } = this,
      { data } = model;
    const total = data.service_self_us.reduce((sum, us) => sum + us, 0) || 1;
    const order = data.services.map((_, i) => i).sort((a, b) => data.service_self_us[b] - data.service_self_us[a]);
    const percent = (i) => (data.service_self_us[i] / total) * 100;
    const colour = (i) => `var(--qt-service-${slots[data.services[i]]})`;
    const describe = (i) => `${data.services[i]}: ${qt.duration(data.service_self_us[i])} of self time`;
    return make(
      "div",
      { className: "qt-shares" },
      make(
        "div",
        { className: "qt-shares-bar", "aria-hidden": "true" },
        ...order
          .filter((i) => percent(i) > 0.1)
          .map((i) => make("i", { style: `flex-grow:${percent(i)};background:${colour(i)}`, title: describe(i) })),
      ),
      make(
        "div",
        {
          className: "qt-shares-legend",
          role: "group",
          "aria-label": "Services; click to hide, shift-click to see only one",
        },
        ...order.map((i) =>
          make(
            "button",
            {
              type: "button",
              "aria-pressed": String(!model.hiddenServices.has(i)),
              title: `${describe(i)}. Click to hide, Shift-click to see only this one`,
              onclick: (event) => {
                event.shiftKey ? model.showOnlyService(i) : model.toggleService(i);
                this.drawHeader();
                this.waterfall.invalidate();
              },
            },
            make("i", { className: "qt-swatch", style: `background:${colour(i)}` }),
            make("span", { text: data.services[i] }),
            make("small", {
              text: `${percent(i) >= 9.95 ? Math.round(percent(i)) : percent(i) >= 0.1 ? percent(i).toFixed(1) : "<0.1"}%`,
            }),
          ),
        ),
      ),
    );
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
