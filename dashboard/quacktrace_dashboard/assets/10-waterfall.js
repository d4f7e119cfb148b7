// The waterfall: a treegrid of recycled rows, as many as fit the window whatever the size of the trace.
// Only rows that enter the window or change are rewritten: 50,000 spans scroll like 50.
"use strict";

qt.Waterfall = class {
  static ROW_HEIGHT = 26;
  static OVERSCAN = 6;
  static MAX_SEGMENTS = 40;

  // onSelect(row, isOpening) is called for every selection, isOpening when its details are asked for.
  constructor(host, model, { onSelect }) {
    this.host = host;
    this.onSelect = onSelect;
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
      make("span", { text: "Service and operation" }),
      make("span", {
        className: "qt-wf-self",
        text: "Self time",
        title: "Time in the span itself, not in its children",
      }),
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
    this.dragHandle();
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
  }

  click(event) {
    const row = this.rowAt(event);
    if (row < 0) return;
    if (event.target.closest(".qt-wf-twisty") && this.model.childCount[row]) this.toggle(row);
    else this.select(row, { isOpening: true });
  }

  rowAt(event) {
    const element = event.target.closest(".qt-wf-row");
    return element ? Number(element.dataset.row) : -1;
  }

  toggle(row, isCollapsed = !this.model.collapsed[row]) {
    if (this.model.setCollapsed(row, isCollapsed)) this.invalidate();
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
    const { start, dur_us: duration } = this.model.data,
      margin = Math.max(duration[row] * 0.05, 0.5);
    this.model.zoom(start[row] - margin, start[row] + duration[row] + margin);
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
    model.zoom(at - (at - model.from) * factor, at + (model.to - at) * factor);
    this.minimap.draw();
    this.zoomed();
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
    const keys = {
      ArrowDown: () => move(at + 1),
      j: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      k: () => move(at - 1),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      PageDown: () => move(at + page),
      PageUp: () => move(at - page),
      ArrowRight: () => (selected >= 0 && model.collapsed[selected] ? this.toggle(selected, false) : move(at + 1)),
      ArrowLeft: () => {
        if (selected < 0) return;
        if (model.childCount[selected] && !model.collapsed[selected]) this.toggle(selected, true);
        else if (model.data.parent[selected] >= 0) this.select(model.data.parent[selected]);
      },
      Enter: () => selected >= 0 && this.select(selected, { isOpening: true }),
      " ": () => selected >= 0 && this.toggle(selected),
      e: () => jump(1, (row) => model.isError(row)),
      E: () => jump(-1, (row) => model.isError(row)),
      c: () => jump(1, (row) => model.isCritical(row)),
      C: () => jump(-1, (row) => model.isCritical(row)),
      n: () => jump(1, (row) => model.matched[row]),
      N: () => jump(-1, (row) => model.matched[row]),
      z: () => selected >= 0 && this.zoomTo(selected),
      Z: () => this.resetZoom(),
    };
    if (!keys[event.key]) return false;
    keys[event.key]();
    return true;
  }

  // The width of the names, remembered.
  dragHandle() {
    const KEY = "quacktrace-names-width";
    const set = (width) => {
      const limited = Math.min(Math.max(width, 180), this.host.clientWidth * 0.7);
      this.host.style.setProperty("--qt-wf-names", `${limited}px`);
      try {
        localStorage.setItem(KEY, String(Math.round(limited)));
      } catch {
        /* storage is blocked */
      }
      this.zoomed();
    };
    try {
      const stored = Number(localStorage.getItem(KEY));
      if (stored >= 180) this.host.style.setProperty("--qt-wf-names", `min(${stored}px, 60%)`);
    } catch {
      /* storage is blocked */
    }
    this.handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.handle.setPointerCapture(event.pointerId);
      const left = this.host.getBoundingClientRect().left;
      const moved = (move) => set(move.clientX - left);
      this.handle.addEventListener("pointermove", moved);
      this.handle.addEventListener("pointerup", () => this.handle.removeEventListener("pointermove", moved), {
        once: true,
      });
    });
    this.handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -20, ArrowRight: 20 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      set(this.heading.offsetWidth + step);
    });
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
    while (this.pool.length < size) this.pool.push(this.makeRow(this.pool.length));
    if (this.padHeight !== total) {
      this.padHeight = total;
      this.pad.style.height = `${total}px`;
    }
    if (!this.width) {
      this.width = this.pool[0].times.clientWidth || 1;
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
        if (view.position !== -1) {
          view.position = -1;
          view.element.hidden = true;
        }
        continue;
      }
      const row = model.rows[position];
      if (view.position !== position || view.row !== row || view.version !== this.version)
        this.drawRow(view, position, row);
      if (row === this.selected) active = view.element.id;
    }
    active ? grid.setAttribute("aria-activedescendant", active) : grid.removeAttribute("aria-activedescendant");
    this.host.dataset.ready = "true";
  }

  makeRow(slot) {
    const { make } = qt;
    const view = { position: -1, row: -1, version: -1, ticks: [], segments: [] };
    view.twisty = make("span", { className: "qt-wf-twisty" });
    view.swatch = make("i", { className: "qt-swatch" });
    view.service = make("span", { className: "qt-wf-service" });
    view.operation = make("span", { className: "qt-wf-operation" });
    view.badges = make("span", { className: "qt-wf-badges" });
    view.self = make("span", { className: "qt-wf-self" });
    view.names = make(
      "div",
      { className: "qt-wf-names", role: "gridcell" },
      view.twisty,
      view.swatch,
      view.service,
      view.operation,
      view.badges,
      view.self,
    );
    view.bar = make("div", { className: "qt-wf-bar" });
    view.label = make("span", { className: "qt-wf-label" });
    view.times = make("div", { className: "qt-wf-bars", role: "gridcell" }, view.bar, view.label);
    view.element = make(
      "div",
      { className: "qt-wf-row", role: "row", id: `qt-wf-row-${slot}`, hidden: true },
      view.names,
      view.times,
    );
    this.pad.append(view.element);
    return view;
  }

  drawRow(view, position, row) {
    const { model, width } = this,
      { data } = model,
      { FLAG } = qt;
    Object.assign(view, { position, row, version: this.version });
    const isError = model.isError(row),
      children = model.childCount[row],
      isCollapsed = Boolean(model.collapsed[row]);
    const { element } = view;
    element.hidden = false;
    element.style.transform = `translateY(${position * qt.Waterfall.ROW_HEIGHT}px)`;
    element.dataset.row = row;
    element.className = `qt-wf-row${isError ? " is-error" : ""}${row === this.selected ? " is-selected" : ""}${model.matched[row] ? " is-match" : ""}`;
    element.setAttribute("aria-rowindex", position + 1);
    element.setAttribute("aria-level", data.depth[row] + 1);
    element.setAttribute("aria-selected", row === this.selected);
    children ? element.setAttribute("aria-expanded", !isCollapsed) : element.removeAttribute("aria-expanded");

    view.names.style.setProperty("--qt-depth", Math.min(data.depth[row], 30));
    view.twisty.className = `qt-wf-twisty${children ? (isCollapsed ? " is-collapsed" : " is-open") : ""}`;
    view.twisty.textContent = isCollapsed ? qt.count(model.subtreeEnd[row] - row - 1) : "";
    view.swatch.style.background = this.colours[data.svc[row]];
    // A service is named where it begins; below itself its colour is enough, and operations get the room.
    view.service.textContent = model.service(row);
    view.service.classList.toggle(
      "is-same",
      data.parent[row] >= 0 && data.svc[data.parent[row]] === data.svc[row] && row !== this.selected,
    );
    view.operation.textContent = model.operation(row);
    view.self.textContent = qt.duration(data.self_us[row]);
    this.drawBadges(view, row, isError);

    const scale = width / (model.to - model.from);
    const left = (data.start[row] - model.from) * scale,
      right = left + data.dur_us[row] * scale;
    const shownLeft = Math.max(left, -4),
      shownWidth = Math.max(Math.min(right, width + 4) - shownLeft, 2);
    const isOutside = right < -1 || left > width + 1;
    view.bar.hidden = isOutside;
    view.bar.style.cssText = `transform:translateX(${shownLeft}px);width:${shownWidth}px;background-color:${this.colours[data.svc[row]]}`;
    view.bar.classList.toggle("is-unfinished", model.has(row, FLAG.UNFINISHED));
    this.drawLabel(view, row, isError, left, right, width, isOutside);
    this.drawSegments(view, row, scale);
    this.drawTicks(view, row, scale);
  }

  drawLabel(view, row, isError, left, right, width, isOutside) {
    const { model } = this;
    view.label.hidden = isOutside && !isError;
    view.label.textContent =
      (isError ? "✕ " : "") +
      (isOutside ? (right < 0 ? "‹ " : "") : "") +
      qt.duration(model.data.dur_us[row]) +
      (isOutside && left > 0 ? " ›" : "");
    const room = 78;
    if (right + room < width || right < 0)
      view.label.style.cssText = `transform:translateX(${Math.max(right, 0) + 6}px)`;
    else if (left > room) view.label.style.cssText = `right:${Math.max(width - left, 0) + 6}px`;
    else view.label.style.cssText = "right:8px";
    view.label.classList.toggle("is-inside", right + room >= width && left <= room && right >= 0);
  }

  drawBadges(view, row, isError) {
    const { model } = this,
      { FLAG, make } = qt;
    const flags =
      model.data.flags[row] & (FLAG.ORPHAN | FLAG.SKEWED | FLAG.LINKS | FLAG.LOGS | FLAG.UNFINISHED | FLAG.CYCLE);
    const key = `${flags}${isError}`;
    if (view.badgeKey === key) return;
    view.badgeKey = key;
    const badge = (text, title) => make("em", { className: "qt-wf-badge", text, title });
    const small = (name, title) => {
      const mark = qt.icon(name);
      mark.title = title;
      return mark;
    };
    view.badges.replaceChildren(
      ...[
        isError && small("error", "This span failed"),
        flags & FLAG.ORPHAN && badge("parent missing", "Its parent span never arrived"),
        flags & FLAG.UNFINISHED && badge("unfinished", "The span has begun and not ended"),
        flags & FLAG.CYCLE && badge("cycle", "Its parents formed a circle, which was cut here"),
        flags & FLAG.SKEWED && small("clock", "Its clock disagrees with its parent's; the bar was moved"),
        flags & FLAG.LINKS && small("span-link", "Linked to other spans"),
        flags & FLAG.LOGS && small("logs", "Has log records"),
      ].filter(Boolean),
    );
  }

  drawSegments(view, row, scale) {
    const { model } = this,
      segments = model.segments.get(row) || [];
    let used = 0;
    for (const [, from, to] of segments) {
      if (used >= qt.Waterfall.MAX_SEGMENTS) break;
      if (to < model.from || from > model.to) continue;
      const left = Math.max((from - model.from) * scale, 0),
        right = Math.min((to - model.from) * scale, this.width);
      const line = (view.segments[used] ??= view.times.appendChild(qt.make("i", { className: "qt-wf-critical" })));
      line.hidden = false;
      line.style.cssText = `transform:translateX(${left}px);width:${Math.max(right - left, 1.5)}px`;
      used++;
    }
    for (; used < view.segments.length; used++) view.segments[used].hidden = true;
  }

  drawTicks(view, row, scale) {
    const { model } = this,
      events = model.events.get(row) || [];
    let used = 0;
    for (const [, at, name] of events) {
      if (at < model.from || at > model.to) continue;
      const tick = (view.ticks[used] ??= view.times.appendChild(qt.make("i", {})));
      tick.hidden = false;
      tick.className = `qt-wf-tick${model.data.event_names[name] === "exception" ? " is-exception" : ""}`;
      tick.style.transform = `translateX(${(at - model.from) * scale}px)`;
      used++;
    }
    for (; used < view.ticks.length; used++) view.ticks[used].hidden = true;
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
      this.tip.replaceChildren(...this.tipLines(row));
    }
    const box = this.tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const top = event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18;
    this.tip.style.transform = `translate(${left}px, ${top}px)`;
  }

  tipLines(row) {
    const { model } = this,
      { data } = model,
      { make } = qt,
      critical = model.criticalTime(row);
    const line = (label, value) => make("div", {}, make("span", { text: label }), make("b", { text: value }));
    const children = model.childCount[row],
      events = (model.events.get(row) || []).length;
    return [
      make("strong", { text: model.operation(row) }),
      make(
        "div",
        { className: "qt-wf-tip-service" },
        make("i", { className: "qt-swatch", style: `background:${this.colours[data.svc[row]]}` }),
        make("span", { text: model.service(row) }),
        make("span", { text: qt.KINDS[data.kind[row]] || "" }),
      ),
      model.isError(row) && make("div", { className: "qt-error-text", text: "✕ error" }),
      line("Duration", qt.duration(data.dur_us[row])),
      line("Self time", qt.duration(data.self_us[row])),
      line("Starts at", `+${qt.duration(Math.max(data.start[row], 0))}`),
      critical > 0 && line("On the critical path", qt.duration(critical)),
      children > 0 && line("Children", qt.count(children)),
      events > 0 && line("Events", qt.count(events)),
    ].filter(Boolean);
  }
};
