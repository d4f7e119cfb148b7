// One span in full: why it failed, its attributes, events, links, logs, and how it compares with its operation.
// Every value is set as text; nothing that telemetry says becomes an element or a link target of another host.
"use strict";

qt.SpanPanel = class {
  constructor(host, { onClose, source }) {
    this.host = host;
    this.onClose = onClose;
    this.source = source;
    this.sections = new qt.SpanSections(source);
    host.classList.add("qt-panel");
    host.setAttribute("role", "complementary");
    host.setAttribute("aria-label", "Details of the span");
  }

  get isOpen() {
    return !this.host.hidden;
  }

  close() {
    this.host.hidden = true;
    this.shown = null;
    this.request?.abort();
    this.onClose();
  }

  // Shows what the waterfall knows at once, and the rest when it arrives.
  async show(model, row) {
    const spanId = model.spanId(row),
      key = `${model.data.trace_id}/${spanId}`;
    this.host.hidden = false;
    if (this.shown === key) return;
    this.shown = key;
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    this.host.dataset.ready = "false";
    this.host.replaceChildren(
      this.head(model, row),
      this.facts(model, row),
      qt.make("div", { className: "qt-skeleton qt-panel-skeleton" }),
    );
    this.host.scrollTop = 0;
    try {
      const span = await this.source.span(spanId, signal);
      if (signal.aborted) return;
      this.host.replaceChildren(
        this.head(model, row, span),
        this.facts(model, row),
        ...this.sections.of(span, model, row, signal),
      );
    } catch (error) {
      if (error.name === "AbortError") return;
      this.shown = null;
      this.host.lastChild.replaceWith(
        qt.make(
          "div",
          { className: "qt-state", role: "alert" },
          qt.make("h2", { text: "The span could not be loaded" }),
          qt.make("p", { text: error.message }),
          qt.make("p", { className: "qt-muted", text: error.hint || "" }),
          qt.make("button", {
            className: "qt-button",
            type: "button",
            text: "Try again",
            onclick: () => this.show(model, row),
          }),
        ),
      );
    }
    this.host.dataset.ready = "true";
  }

  head(model, row, span) {
    const { make } = qt,
      { data } = model,
      kind = qt.KINDS[data.kind[row]];
    const slots = qt.assignSlots(data.services),
      spanId = model.spanId(row);
    const tool = (name, label, action) =>
      make(
        "button",
        { className: "qt-tool", type: "button", title: label, "aria-label": label, onclick: action },
        qt.icon(name),
      );
    const chip = (text, title) => text && make("span", { className: "qt-chip", title }, make("span", { text }));
    return make(
      "header",
      { className: "qt-panel-head" },
      make(
        "div",
        { className: "qt-panel-title" },
        make(
          "span",
          { className: "qt-chip" },
          make("i", { className: "qt-swatch", style: `background:var(--qt-service-${slots[model.service(row)]})` }),
          make("span", { text: model.service(row) }),
        ),
        kind && make("span", { className: "qt-chip", text: kind }),
        chip(span?.service_version, "Service version"),
        chip(span?.service_instance_id, "Service instance"),
        model.isError(row) &&
          make("span", { className: "qt-chip qt-chip-error" }, qt.icon("error"), make("span", { text: "error" })),
        make(
          "span",
          { className: "qt-panel-tools" },
          !this.source.isFile && qt.showSql("span", { trace_id: data.trace_id, span_id: spanId }, "this span"),
          !this.source.isFile &&
            tool("link", "Copy a link to this span", () =>
              qt.copy(this.source.shareLink(spanId), "Link to this span copied"),
            ),
          tool("copy", `Copy the span id ${spanId}`, () => qt.copy(spanId, "Span id copied")),
          tool("close", "Close (Esc)", () => this.close()),
        ),
      ),
      make("h2", { text: model.operation(row) }),
    );
  }

  facts(model, row) {
    const { make } = qt,
      { data } = model,
      whole = model.extent[1] - model.extent[0],
      critical = model.criticalTime(row);
    const share = (us) => {
      const percent = (us / whole) * 100;
      return percent >= 0.1 ? ` · ${percent >= 9.95 ? Math.round(percent) : percent.toFixed(1)}%` : "";
    };
    const fact = (label, value, note, title) =>
      make(
        "div",
        { title },
        make("dt", { text: label }),
        make("dd", { text: value }, note && make("small", { text: note })),
      );
    return make(
      "dl",
      { className: "qt-panel-facts" },
      fact("Start", qt.signed(model.start[row]), "", "Since the trace began"),
      fact("Duration", qt.duration(data.dur_us[row]), share(data.dur_us[row]), "And its share of the trace"),
      fact(
        "Self time",
        qt.duration(data.self_us[row]),
        share(data.self_us[row]),
        "Time in the span itself, not in its children",
      ),
      critical > 0 &&
        fact(
          "Critical path",
          qt.duration(critical),
          share(critical),
          "Time of this span that the whole trace waited for",
        ),
    );
  }
};
