// This trace beside another one: the aligned tree, the difference at each operation, and what only one of them has.
"use strict";

qt.TraceCompare = class {
  static ROW_HEIGHT = 28;

  constructor(host, model, { otherId, onSelect, onClose, colours }) {
    Object.assign(this, {
      host,
      model,
      otherId,
      onSelect,
      onClose,
      colours,
      folded: new Set(),
      isOnlyDifferent: false,
    });
    host.classList.add("qt-compare-view");
    this.load();
  }

  destroy() {
    this.request?.abort();
    this.list?.destroy();
  }

  setModel(model, colours) {
    Object.assign(this, { model, colours });
    if (this.other) this.draw();
  }

  async load() {
    const { make } = qt;
    this.host.replaceChildren(make("div", { className: "qt-skeleton", style: "height:180px;margin:16px" }));
    this.request = new AbortController();
    try {
      const { data } = await new qt.TraceApi(this.otherId).waterfall(this.request.signal);
      this.other = new qt.WaterfallModel(data);
      this.draw();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.host.replaceChildren(
        make(
          "div",
          { className: "qt-state", role: "alert" },
          make("h2", {
            text:
              error.status === 404 ? "There is no such trace to compare with" : "The other trace could not be loaded",
          }),
          make("p", { text: error.message }),
          make(
            "div",
            { className: "qt-state-actions" },
            make("button", { className: "qt-button", type: "button", text: "Stop comparing", onclick: this.onClose }),
          ),
        ),
      );
      this.host.dataset.ready = "true";
    }
  }

  draw() {
    const { make } = qt,
      { model, other } = this;
    this.rows = qt.alignTraces(model, other);
    this.most = this.rows.reduce((most, node) => Math.max(most, Math.abs(node.delta)), 0) || 1;
    const only = (side) => this.rows.filter((node) => !node[side === "a" ? "b" : "a"]).length;
    const length = (one) => one.data.root_duration_us ?? one.data.dur;
    const difference = length(other) - length(model);
    const legend = (letter, one, isHere) =>
      make(
        "span",
        { className: `qt-compare-side is-${letter}` },
        make("b", { text: letter.toUpperCase() }),
        isHere
          ? make("span", { text: "this trace" })
          : make("a", {
              href: `/trace/${one.data.trace_id}?${new URLSearchParams({ compare: model.data.trace_id })}`,
              className: "qt-mono",
              text: `${one.data.trace_id.slice(0, 8)}…`,
              title: `Open ${one.data.trace_id}`,
            }),
        make("span", { className: "qt-number", text: qt.duration(length(one)) }),
        make("span", { className: "qt-muted", text: `${qt.count(one.data.total)} spans` }),
      );
    const different = make("input", { type: "checkbox", onchange: (event) => this.showOnly(event.target.checked) });
    different.checked = this.isOnlyDifferent;
    this.list?.destroy();
    this.host.replaceChildren(
      make(
        "div",
        { className: "qt-view-head" },
        legend("a", model, true),
        legend("b", other, false),
        make("span", {
          className: difference > 0 ? "qt-compare-slower" : "qt-compare-faster",
          text: `B is ${qt.duration(Math.abs(difference))} ${difference > 0 ? "slower" : "faster"}`,
        }),
        make("span", {
          className: "qt-muted",
          text: `${qt.count(only("a"))} only in A, ${qt.count(only("b"))} only in B`,
          title: "Operations, by their path from the root",
        }),
        make("label", { className: "qt-compare-only" }, different, make("span", { text: "Only what differs" })),
        make(
          "button",
          {
            className: "qt-tool",
            type: "button",
            title: "Stop comparing",
            "aria-label": "Stop comparing",
            onclick: this.onClose,
          },
          qt.icon("close"),
        ),
      ),
      make(
        "div",
        { className: "qt-compare-head", "aria-hidden": "true" },
        ...["Service and operation", "A", "B", "B − A", ""].map((text) => make("span", { text })),
      ),
    );
    this.list = new qt.VirtualList(this.host, {
      rowHeight: qt.TraceCompare.ROW_HEIGHT,
      role: "treegrid",
      label: "Both traces by operation",
      fill: (element, node) => this.fill(element, node),
      open: (node) => this.open(node),
    });
    this.update();
  }

  // What differs: only one has it, or at least a hundredth of the greatest difference lies here.
  isDifferent(node) {
    return !node.a || !node.b || Math.abs(node.delta) >= this.most / 100 || node.a.count !== node.b.count;
  }

  showOnly(isOnly) {
    this.isOnlyDifferent = isOnly;
    this.update();
  }

  update() {
    const shown = [],
      keep = new Uint8Array(this.rows.length);
    if (this.isOnlyDifferent) {
      const path = [];
      this.rows.forEach((node, i) => {
        path[node.depth] = i;
        if (this.isDifferent(node)) for (let depth = 0; depth <= node.depth; depth++) keep[path[depth]] = 1;
      });
    } else keep.fill(1);
    for (let i = 0; i < this.rows.length;) {
      if (keep[i]) shown.push(this.rows[i]);
      i = this.folded.has(this.rows[i]) ? this.rows[i].end : i + 1;
    }
    this.list.setItems(shown);
  }

  open(node) {
    if (node.a) this.onSelect(node.a.row, true);
    else qt.go(`/trace/${this.other.data.trace_id}?${new URLSearchParams({ span: this.other.spanId(node.b.row) })}`);
  }

  fill(element, node) {
    const { make } = qt,
      isFolded = this.folded.has(node),
      svc = this.model.data.services.indexOf(node.service);
    const colour = svc >= 0 ? this.colours[svc] : qt.serviceColour(node.service);
    const state = !node.b ? "is-only-a" : !node.a ? "is-only-b" : "";
    element.classList.remove("is-only-a", "is-only-b");
    if (state) element.classList.add(state);
    element.setAttribute("aria-level", node.depth + 1);
    if (node.children.size) element.setAttribute("aria-expanded", String(!isFolded));
    else element.removeAttribute("aria-expanded");
    const side = (sums) =>
      make(
        "span",
        { className: "qt-number", role: "gridcell" },
        sums ? qt.duration(sums.total) : make("span", { className: "qt-faint", text: "–" }),
        sums && sums.count > 1 && make("small", { text: ` ×${qt.count(sums.count)}` }),
        sums &&
          sums.errors > 0 &&
          make("small", { className: "qt-error-text", text: ` ${qt.count(sums.errors)} failed` }),
      );
    const share = (Math.abs(node.delta) / this.most) * 50;
    element.replaceChildren(
      make(
        "span",
        {
          className: "qt-compare-name",
          role: "gridcell",
          style: `padding-left:${10 + Math.min(node.depth, 30) * 14}px`,
        },
        make("button", {
          className: `qt-wf-twisty${node.children.size ? (isFolded ? " is-collapsed" : " is-open") : ""}`,
          type: "button",
          tabindex: "-1",
          "aria-label": isFolded ? "Expand" : "Collapse",
          disabled: !node.children.size,
          onclick: () => {
            isFolded ? this.folded.delete(node) : this.folded.add(node);
            this.update();
          },
        }),
        make("i", { className: "qt-swatch", style: `background:${colour}` }),
        make("b", { text: node.service }),
        make("bdi", { text: node.operation }),
        state && make("em", { className: "qt-wf-badge is-quiet", text: node.b ? "only in B" : "only in A" }),
      ),
      side(node.a),
      side(node.b),
      make("span", {
        className: `qt-number ${node.delta === 0 ? "qt-faint" : node.delta > 0 ? "qt-compare-slower" : "qt-compare-faster"}`,
        role: "gridcell",
        text: node.delta === 0 ? "=" : `${node.delta > 0 ? "+" : "−"}${qt.duration(Math.abs(node.delta))}`,
      }),
      make(
        "span",
        { className: "qt-compare-delta", role: "gridcell", "aria-hidden": "true" },
        node.delta !== 0 &&
          make("i", {
            className: node.delta > 0 ? "is-slower" : "is-faster",
            style: node.delta > 0 ? `left:50%;width:${share}%` : `right:50%;width:${share}%`,
          }),
      ),
    );
  }
};
