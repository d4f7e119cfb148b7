// The controls of the trace page: its tabs and the search above, and what the waterfall alone needs above its names.
"use strict";

qt.TRACE_VIEWS = [
  ["waterfall", "Waterfall"],
  ["flame", "Flame graph"],
  ["spans", "Spans"],
  ["map", "Map"],
  ["logs", "Logs & events"],
  ["compare", "Comparison"], // while another trace stands beside this one
];

qt.TraceTools = class {
  // `page` is the trace page, which does what the controls ask for.
  constructor(page) {
    this.page = page;
    this.bar = qt.make("div", { className: "qt-trace-tools" });
    this.waterfall = qt.make("div", { className: "qt-wf-tools", role: "toolbar", "aria-label": "Waterfall" });
    this.drawBar();
    this.drawWaterfall();
  }

  tool(icon, label, action) {
    return qt.make(
      "button",
      { className: "qt-tool", type: "button", title: label, "aria-label": label, onclick: action },
      qt.icon(icon),
    );
  }

  drawBar() {
    const { make } = qt,
      { page } = this;
    const tab = ([name, text]) =>
      make("button", {
        className: "qt-tab",
        type: "button",
        role: "tab",
        id: `trace-tab-${name}`,
        "data-view": name,
        text,
        onclick: () => page.setView(name),
        onkeydown: (event) => this.moveTab(event, name),
      });
    this.find = make("input", {
      className: "qt-field",
      type: "search",
      placeholder: "Find in this trace (f)",
      "aria-label": "Find in this trace",
      oninput: (event) => page.find(event.target.value),
      onkeydown: (event) => {
        if (event.key === "Enter") {
          event.preventDefault();
          page.step(event.shiftKey ? "N" : "n");
        } else if (event.key === "Escape") {
          event.stopPropagation();
          event.target.value = "";
          page.find("");
          page.focusView();
        }
      },
    });
    this.count = make("span", { className: "qt-muted qt-number", role: "status" });
    this.clocks = make("button", {
      className: "qt-button qt-clocks",
      type: "button",
      hidden: true,
      onclick: () => page.setAligned(!page.model.isAligned),
    });
    this.bar.replaceChildren(
      make(
        "div",
        { className: "qt-tabs", role: "tablist", "aria-label": "Views of the trace" },
        ...qt.TRACE_VIEWS.map(tab),
      ),
      this.clocks,
      (this.sql = make("span", { className: "qt-trace-sql" })),
      make(
        "div",
        { className: "qt-trace-find" },
        this.count,
        this.find,
        this.tool("chevron-up", "Previous match (p)", () => page.step("N")),
        this.tool("chevron-down", "Next match (n)", () => page.step("n")),
      ),
    );
  }

  moveTab(event, name) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const names = qt.TRACE_VIEWS.map(([one]) => one).filter((one) => one !== "compare" || this.page.compareId);
    const next = names[(names.indexOf(name) + step + names.length) % names.length];
    this.page.setView(next);
    this.bar.querySelector(`[data-view="${next}"]`).focus();
  }

  drawWaterfall() {
    const { make } = qt,
      { page } = this;
    const mode = (name, text, title) =>
      make("button", {
        className: "qt-segment",
        type: "button",
        "data-mode": name,
        title,
        text,
        onclick: () => page.setMode(name),
      });
    this.folding = make(
      "button",
      { className: "qt-tool", type: "button", onclick: () => page.foldAll(!page.model.hasFolds) },
      qt.icon("fold"),
    );
    this.waterfall.replaceChildren(
      make(
        "div",
        { className: "qt-segments" },
        mode("all", "All spans", "Every span"),
        mode("critical", "Critical path", "Only what the trace waited for"),
        mode("errors", "Errors", "Only what failed, and what called it"),
        mode("services", "Services", "Only where work enters a service"),
      ),
      make(
        "div",
        { className: "qt-trace-folding" },
        this.tool("collapse", "Collapse one level (−), with Shift to the services' entries", (event) =>
          page.level(event.shiftKey ? "least" : -1),
        ),
        this.tool("expand", "Expand one level (+), with Shift everything", (event) =>
          page.level(event.shiftKey ? "all" : 1),
        ),
        this.folding,
        (this.zoomOut = this.tool("zoom-out", "Zoom out (Z)", () => page.waterfall.resetZoom())),
      ),
    );
  }

  // A saved file has nobody to ask.
  showSql(model, view) {
    const waterfall = model.mode === "critical" ? "critical_path" : "trace";
    const panel = { waterfall, flame: "self_time", spans: "self_time", map: "trace_edges", logs: "events" }[view];
    if (this.page.source.isFile || !panel) this.sql.replaceChildren();
    else if (this.sql.firstChild?.dataset.panel !== panel)
      this.sql.replaceChildren(qt.showSql(panel, { trace_id: model.data.trace_id }, `this view of the trace`));
  }

  // Brings every control in step with the model and the view.
  show(model, view) {
    for (const tab of this.bar.querySelectorAll("[data-view]")) {
      const isHere = tab.dataset.view === view;
      tab.setAttribute("aria-selected", String(isHere));
      tab.tabIndex = isHere ? 0 : -1;
      tab.hidden = tab.dataset.view === "compare" && !this.page.compareId;
    }
    this.showSql(model, view);
    const isPossible = {
      all: true,
      services: model.data.services.length > 1,
      critical: model.segments.size,
      errors: model.data.error_count,
    };
    for (const button of this.waterfall.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === model.mode));
      button.disabled = !isPossible[button.dataset.mode];
    }
    const groups = model.repeats.groups.length;
    this.folding.hidden = !groups;
    const label = model.hasFolds
      ? `Show each of the repeated siblings (${qt.count(groups)} groups)`
      : "Fold repeated siblings into one row each";
    this.folding.title = label;
    this.folding.setAttribute("aria-label", label);
    this.folding.setAttribute("aria-pressed", String(model.hasFolds));
    this.zoomOut.disabled = !model.isZoomed;
    const { clocks } = model;
    this.clocks.hidden = !clocks || !["waterfall", "flame"].includes(view);
    if (!clocks) return;
    const worst = clocks.services
      .slice(0, 3)
      .map(({ service, us }) => `${service} by ${qt.duration(us)}`)
      .join(", ");
    this.clocks.setAttribute("aria-pressed", String(model.isAligned));
    this.clocks.title = `Clocks disagree: behind by at least ${worst}. ${model.isAligned ? "Shown moved; click to see the times as sent" : "Shown as sent; click to move spans behind what caused them"}`;
    this.clocks.replaceChildren(
      qt.icon("clock"),
      qt.make("span", { text: model.isAligned ? "Clocks aligned" : "Align clocks" }),
    );
  }

  // How many match, and which of them is selected.
  showCount(model, selected) {
    const text = this.find.value.trim(),
      { matches } = model,
      at = matches.indexOf(selected);
    this.count.textContent = !text
      ? ""
      : !matches.length
        ? "none"
        : at >= 0
          ? `${qt.count(at + 1)} of ${qt.count(matches.length)}`
          : qt.count(matches.length);
  }
};
