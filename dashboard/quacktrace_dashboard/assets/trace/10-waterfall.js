// The waterfall: a treegrid of recycled rows, as many as fit the window whatever the size of the trace.
// Only rows that enter the window or change are rewritten: 50,000 spans scroll like 50.
"use strict";

qt.Waterfall = class {
  static ROW_HEIGHT = 26;
  static OVERSCAN = 6;

  // onSelect(row, isOpening) is called for every selection, isOpening when its details are asked for; onView when the
  // zoom changed. `tools` stands above the names.
  constructor(host, model, { onSelect, onView = () => {}, tools = null }) {
    this.host = host;
    this.onSelect = onSelect;
    this.onView = onView;
    this.tools = tools;
    this.selected = -1;
    this.pool = [];
    this.version = 0;
    this.build();
    this.setModel(model);
  }

  setModel(model) {
    this.model = model;
    this.slots = qt.assignSlots(model.data.services);
    this.colours = model.data.services.map((service) => `var(--qt-service-${this.slots[service]})`);
    this.grid.setAttribute("aria-rowcount", model.rows.length);
    this.minimap.setModel(model, this.colours);
    this.invalidate();
  }

  build() {
    const { make } = qt;
    this.pad = make("div", { className: "qt-wf-pad", role: "presentation" });
    this.grid = make(
      "div",
      { className: "qt-wf-scroll", tabindex: "0", role: "treegrid", "aria-label": "Spans of this trace" },
      this.pad,
    );
    this.lines = make("div", { className: "qt-wf-lines", "aria-hidden": "true" });
    this.axis = make("div", { className: "qt-wf-axis", "aria-hidden": "true" });
    this.tip = make("div", { className: "qt-wf-tip", role: "tooltip", hidden: true });
    this.heading = make(
      "div",
      { className: "qt-wf-heading" },
      this.tools,
      make(
        "div",
        { className: "qt-wf-columns" },
        make("span", { text: "Service and operation" }),
        make("span", {
          className: "qt-wf-self",
          text: "Self time",
          title: "Time in the span itself, not in its children",
        }),
      ),
    );
    this.handle = make("div", {
      className: "qt-wf-handle",
      role: "separator",
      tabindex: "0",
      "aria-orientation": "vertical",
      "aria-label": "Width of the names",
    });
    const overview = make("div", { className: "qt-wf-overview" });
    this.host.classList.add("qt-wf");
    this.host.replaceChildren(
      make(
        "div",
        { className: "qt-wf-top" },
        this.heading,
        (this.times = make("div", { className: "qt-wf-times" }, overview, this.axis)),
      ),
      make("div", { className: "qt-wf-body" }, this.lines, this.grid),
      this.handle,
      this.tip,
    );
    this.minimap = new qt.Minimap(overview, () => this.zoomed());
    qt.dragToZoom(this.axis, this);

    this.grid.addEventListener("scroll", () => this.request(), { passive: true });
    this.grid.addEventListener("click", (event) => this.click(event));
    this.grid.addEventListener("dblclick", (event) => {
      const row = this.rowAt(event);
      if (row >= 0) this.zoomTo(row);
    });
    this.grid.addEventListener("pointermove", (event) => this.showTip(event));
    this.grid.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
    });
    this.grid.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    qt.dragNames(this.handle, this.host, { width: () => this.heading.offsetWidth, changed: () => this.zoomed() });
    this.resized = new ResizeObserver(() => {
      this.width = 0;
      this.invalidate();
    });
    this.resized.observe(this.grid);
  }

  destroy() {
    this.resized.disconnect();
    this.minimap.destroy();
    cancelAnimationFrame(this.frame);
  }

  // ---- what changes it ----
  invalidate() {
    this.version++;
    this.grid.setAttribute("aria-rowcount", this.model.rows.length);
    this.request();
  }
  zoomed() {
    this.width = 0;
    this.invalidate();
    this.onView();
  }

  click(event) {
    const row = this.rowAt(event);
    if (row < 0) return;
    if (event.target.closest(".qt-wf-repeat")) this.fold(row, !this.model.foldedGroup(row));
    else if (event.target.closest(".qt-wf-twisty") && (this.model.childCount[row] || this.model.foldedGroup(row)))
      this.toggle(row);
    else this.select(row, { isOpening: true });
  }

  rowAt(event) {
    const element = event.target.closest(".qt-wf-row");
    return element ? Number(element.dataset.row) : -1;
  }

  fold(row, isFolded) {
    this.model.setFolded(row, isFolded);
    this.onView();
    this.invalidate();
  }

  toggle(row, isCollapsed = !this.model.collapsed[row]) {
    if (this.model.foldedGroup(row)) this.fold(row, false);
    else if (this.model.setCollapsed(row, isCollapsed)) this.invalidate();
  }

  select(row, { isOpening = false, isCentred = false } = {}) {
    if (row < 0 || row >= this.model.n) return;
    const before = this.model.rows.length;
    this.model.reveal(row);
    if (this.model.rows.length !== before) this.invalidate();
    this.selected = row;
    this.scrollTo(this.model.position(row), isCentred);
    this.version++;
    this.request();
    this.onSelect(row, isOpening);
  }

  scrollTo(position, isCentred) {
    const { ROW_HEIGHT } = qt.Waterfall,
      top = position * ROW_HEIGHT,
      height = this.grid.clientHeight;
    this.pad.style.height = `${this.model.rows.length * ROW_HEIGHT}px`;
    const isVisible = top >= this.grid.scrollTop && top + ROW_HEIGHT <= this.grid.scrollTop + height;
    if (isVisible) return;
    if (isCentred) this.grid.scrollTop = top - height / 2;
    else if (top < this.grid.scrollTop) this.grid.scrollTop = top;
    else this.grid.scrollTop = top + ROW_HEIGHT - height;
  }

  zoomTo(row) {
    const { model } = this,
      margin = Math.max(model.data.dur_us[row] * 0.05, 0.5);
    this.zoomBetween(model.start[row] - margin, model.end(row) + margin);
  }

  zoomBetween(from, to) {
    this.model.zoom(from, to);
    this.minimap.draw();
    this.zoomed();
  }

  resetZoom() {
    this.model.resetZoom();
    this.minimap.draw();
    this.zoomed();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = this.axis.getBoundingClientRect(),
      { model } = this;
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const at = model.from + share * (model.to - model.from),
      factor = Math.exp(Math.min(Math.max(event.deltaY, -100), 100) / 250);
    this.zoomBetween(at - (at - model.from) * factor, at + (model.to - at) * factor);
  }

  // Returns whether the key was one of ours.
  key(event) {
    const { model } = this,
      { rows } = model,
      page = Math.max(1, Math.floor(this.grid.clientHeight / qt.Waterfall.ROW_HEIGHT) - 1);
    if (!rows.length) return false;
    let at = this.selected < 0 ? -1 : model.position(this.selected);
    if (at < -1) at = -1 - at;
    const move = (position) => this.select(rows[Math.min(Math.max(position, 0), rows.length - 1)]);
    const jump = (direction, claim) => {
      const row = model.next(Math.max(this.selected, direction > 0 ? -1 : 0), direction, claim);
      if (row >= 0) this.select(row, { isCentred: true });
    };
    const { selected } = this;
    const isHit = (row) => (model.matches.length ? model.matched[row] : model.asked[row]);
    const keys = {
      ArrowDown: () => move(at + 1),
      j: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      k: () => move(at - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      PageDown: () => move(at + page),
      PageUp: () => move(at - page),
      ArrowRight: () =>
        selected >= 0 && (model.collapsed[selected] || model.foldedGroup(selected))
          ? this.toggle(selected, false)
          : move(at + 1),
      ArrowLeft: () => {
        if (selected < 0) return;
        const isOpen = model.childCount[selected] && !model.collapsed[selected] && !model.foldedGroup(selected);
        if (isOpen && model.mode !== "services") this.toggle(selected, true);
        else if (model.data.parent[selected] >= 0) this.select(model.data.parent[selected]);
      },
      Enter: () => selected >= 0 && this.select(selected, { isOpening: true }),
      " ": () => selected >= 0 && this.toggle(selected),
      e: () => jump(1, (row) => model.isError(row)),
      E: () => jump(-1, (row) => model.isError(row)),
      c: () => jump(1, (row) => model.isCritical(row)),
      C: () => jump(-1, (row) => model.isCritical(row)),
      n: () => jump(1, isHit),
      N: () => jump(-1, isHit),
      p: () => jump(-1, isHit),
      z: () => selected >= 0 && this.zoomTo(selected),
      Z: () => this.resetZoom(),
    };
    if (!keys[event.key]) return false;
    keys[event.key]();
    return true;
  }

  // ---- drawing ----
  request() {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  draw() {
    const { ROW_HEIGHT, OVERSCAN } = qt.Waterfall,
      { model, grid } = this;
    const height = grid.clientHeight || 600,
      total = model.rows.length * ROW_HEIGHT;
    const size = Math.ceil(height / ROW_HEIGHT) + 2 * OVERSCAN;
    while (this.pool.length < size) this.pool.push(new qt.WaterfallRow(this, this.pool.length));
    if (this.padHeight !== total) {
      this.padHeight = total;
      this.pad.style.height = `${total}px`;
    }
    if (!this.width) {
      this.width = this.pool[0].times.clientWidth || 1;
      this.host.classList.toggle("is-narrow", this.heading.offsetWidth < 300);
      this.times.style.paddingRight = `${grid.offsetWidth - grid.clientWidth}px`; // as wide as the rows beside their scrollbar
      this.drawAxis();
    }
    const count = this.pool.length;
    const first = Math.max(0, Math.min(model.rows.length - count, Math.floor(grid.scrollTop / ROW_HEIGHT) - OVERSCAN));
    const last = Math.min(model.rows.length, first + count);
    let active = "";
    for (let slot = 0; slot < count; slot++) {
      const view = this.pool[slot];
      const position = first + ((((slot - first) % count) + count) % count);
      if (position >= last) {
        view.hide();
        continue;
      }
      const row = model.rows[position];
      view.show(position, row);
      if (row === this.selected) active = view.element.id;
    }
    active ? grid.setAttribute("aria-activedescendant", active) : grid.removeAttribute("aria-activedescendant");
    this.host.dataset.ready = "true";
  }

  drawAxis() {
    const { model, width } = this,
      ticks = qt.timeTicks(model.from, model.to, Math.max(2, Math.floor(width / 110)));
    const at = (tick) => ((tick - model.from) / (model.to - model.from)) * width;
    this.axis.replaceChildren(
      ...ticks
        .filter((tick) => at(tick) < width - 30)
        .map((tick) =>
          qt.make("span", {
            style: `transform:translateX(${at(tick)}px)`,
            text: tick === 0 ? "0" : (tick < 0 ? "−" : "") + qt.duration(Math.abs(tick)),
          }),
        ),
    );
    this.lines.style.width = `${width}px`;
    this.lines.replaceChildren(...ticks.map((tick) => qt.make("i", { style: `transform:translateX(${at(tick)}px)` })));
  }

  showTip(event) {
    const row = this.rowAt(event);
    this.tip.hidden = row < 0 || event.pointerType === "touch";
    if (this.tip.hidden) return;
    if (this.tipRow !== row || this.tipVersion !== this.version) {
      this.tipRow = row;
      this.tipVersion = this.version;
      this.tip.replaceChildren(...qt.spanTipLines(this.model, row, this.colours[this.model.data.svc[row]]));
    }
    qt.placeTip(this.tip, event);
  }
};
