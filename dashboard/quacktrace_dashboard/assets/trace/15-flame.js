// The flame graph: every span a box below its caller, on one canvas that only ever draws what is in sight. A click zooms.
"use strict";

qt.FlameGraph = class {
  static LANE = 20;
  static TOP = 22;

  // onSelect(row, isOpening) as the waterfall's; the box of a merged operation stands for its longest span.
  constructor(host, model, { onSelect, onView, colours, order }) {
    Object.assign(this, { host, model, onSelect, onView, colours, selected: -1 });
    this.build();
    this.setOrder(order === "operation" ? order : "time");
  }

  build() {
    const { make } = qt;
    const choice = (order, text, title) =>
      make("button", {
        className: "qt-segment",
        type: "button",
        "data-order": order,
        title,
        text,
        onclick: () => {
          this.setOrder(order);
          this.onView();
        },
      });
    this.status = make("span", { className: "qt-muted qt-flame-status", role: "status" });
    this.reset = make("button", {
      className: "qt-button",
      type: "button",
      text: "Whole trace",
      onclick: () => this.zoom(null),
    });
    this.canvas = make("canvas", { className: "qt-flame-canvas" });
    this.pad = make("div", { className: "qt-flame-pad" });
    this.scroller = make(
      "div",
      {
        className: "qt-flame-scroll",
        tabindex: "0",
        role: "application",
        "aria-label": "Flame graph. Arrow keys go to callers, calls and neighbours; Enter zooms and shows the span",
      },
      this.canvas,
      this.pad,
    );
    this.tip = make("div", { className: "qt-wf-tip", role: "tooltip", hidden: true });
    this.host.classList.add("qt-flame");
    this.host.replaceChildren(
      make(
        "div",
        { className: "qt-view-head" },
        make(
          "div",
          { className: "qt-segments" },
          choice("time", "In time", "Each span where it was, below its caller"),
          choice("operation", "By operation", "Alike calls put together, as wide as the self time in and below them"),
        ),
        this.reset,
        this.status,
      ),
      this.scroller,
      this.tip,
    );
    this.scroller.addEventListener("scroll", () => this.request(), { passive: true });
    this.scroller.addEventListener("click", (event) => this.click(event));
    this.scroller.addEventListener(
      "dblclick",
      () => this.selected >= 0 && this.onSelect(this.rowOf(this.selected), true),
    );
    this.scroller.addEventListener("pointermove", (event) => this.point(event));
    this.scroller.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.scroller.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.repaint = () => this.request();
    window.addEventListener("qt-theme", this.repaint);
    this.resized = new ResizeObserver(this.repaint);
    this.resized.observe(this.scroller);
  }

  destroy() {
    this.resized.disconnect();
    window.removeEventListener("qt-theme", this.repaint);
    cancelAnimationFrame(this.frame);
  }

  setModel(model, colours) {
    const row = this.selected >= 0 ? this.model.spanId(this.rowOf(this.selected)) : "";
    Object.assign(this, { model, colours });
    this.setOrder(this.order);
    if (row) this.select(model.rowOf(row));
  }

  setOrder(order) {
    this.order = order;
    for (const button of this.host.querySelectorAll("[data-order]"))
      button.setAttribute("aria-pressed", String(button.dataset.order === order));
    this.boxes = order === "time" ? qt.flameByTime(this.model) : qt.flameByOperation(this.model);
    this.selected = -1;
    this.pad.style.height = `${this.boxes.lanes.length * qt.FlameGraph.LANE + qt.FlameGraph.TOP + 8}px`;
    this.zoom(null);
  }

  rowOf(box) {
    return this.boxes.row ? this.boxes.row[box] : box;
  }

  // Select what stands for a row of the waterfall, without telling anyone.
  select(row) {
    const { row: rows } = this.boxes;
    this.selected = !rows ? row : rows.indexOf(row);
    this.request();
  }

  zoom(box) {
    const { x0, x1, from, to } = this.boxes;
    const isWhole = box === null || x1[box] <= x0[box];
    [this.from, this.to] = isWhole ? [from, to] : [x0[box], x1[box]];
    this.reset.hidden = isWhole;
    this.say();
    this.request();
  }

  say() {
    const { boxes, model } = this,
      count = boxes.lane.length;
    const whole = this.order === "time" ? `${qt.count(count)} spans` : `${qt.count(count)} paths of operations`;
    const name =
      this.selected < 0
        ? whole
        : `${model.service(this.rowOf(this.selected))} ${model.operation(this.rowOf(this.selected))}`;
    this.status.textContent = `${name} · ${qt.duration(this.to - this.from)}${this.order === "time" ? "" : " of self time"}`;
  }

  boxAt(event) {
    const bounds = this.canvas.getBoundingClientRect(),
      { LANE, TOP } = qt.FlameGraph;
    const lane = Math.floor((event.clientY - bounds.top - TOP + this.scroller.scrollTop) / LANE);
    if (event.clientY - bounds.top < TOP) return -1;
    const scale = bounds.width / (this.to - this.from),
      at = this.from + (event.clientX - bounds.left) / scale,
      near = 2 / scale;
    let best = -1,
      distance = Infinity;
    for (const i of this.boxes.lanes[lane] || []) {
      if (this.boxes.x0[i] > at + near) break;
      const away = Math.max(this.boxes.x0[i] - at, at - this.boxes.x1[i], 0);
      if (away <= near && away <= distance) [best, distance] = [i, away];
    }
    return best;
  }

  click(event) {
    const box = this.boxAt(event);
    if (box < 0) return;
    this.selected = box;
    this.zoom(box);
    this.onSelect(this.rowOf(box), false);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const bounds = this.canvas.getBoundingClientRect(),
      at = this.from + ((event.clientX - bounds.left) / bounds.width) * (this.to - this.from);
    const factor = Math.exp(Math.min(Math.max(event.deltaY, -100), 100) / 250);
    this.from = Math.max(at - (at - this.from) * factor, this.boxes.from);
    this.to = Math.min(at + (this.to - at) * factor, this.boxes.to);
    this.reset.hidden = this.from <= this.boxes.from && this.to >= this.boxes.to;
    this.say();
    this.request();
  }

  key(event) {
    const { boxes, selected } = this;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Z") this.zoom(null);
    else if (event.key === "Enter" && selected >= 0) {
      this.zoom(selected);
      this.onSelect(this.rowOf(selected), true);
    } else if (/^Arrow/.test(event.key)) {
      const lane = selected < 0 ? -1 : boxes.lane[selected],
        row = boxes.lanes[lane] || [];
      const middle = selected < 0 ? 0 : (boxes.x0[selected] + boxes.x1[selected]) / 2;
      const nearest = (candidates) =>
        candidates.reduce(
          (best, i) =>
            Math.abs((boxes.x0[i] + boxes.x1[i]) / 2 - middle) <
            Math.abs((boxes.x0[best] + boxes.x1[best]) / 2 - middle)
              ? i
              : best,
          candidates[0],
        );
      const next = {
        ArrowDown: () => (boxes.lanes[lane + 1]?.length ? nearest(boxes.lanes[lane + 1]) : selected),
        ArrowUp: () => (lane > 0 ? nearest(boxes.lanes[lane - 1]) : selected),
        ArrowRight: () => row[row.indexOf(selected) + 1] ?? selected,
        ArrowLeft: () => row[row.indexOf(selected) - 1] ?? selected,
      }[event.key]();
      if (next === undefined || next < 0) return;
      this.selected = next;
      this.bringIntoView(next);
      this.onSelect(this.rowOf(next), false);
      this.say();
      this.request();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  bringIntoView(box) {
    const { LANE, TOP } = qt.FlameGraph,
      top = this.boxes.lane[box] * LANE,
      { scroller } = this;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + LANE + TOP > scroller.scrollTop + scroller.clientHeight)
      scroller.scrollTop = top + LANE + TOP - scroller.clientHeight;
    if (this.boxes.x0[box] >= this.to || this.boxes.x1[box] <= this.from) this.zoom(null);
  }

  request() {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        qt.paintFlame(this);
        this.host.dataset.ready = "true";
      });
  }

  point(event) {
    const box = this.boxAt(event);
    this.tip.hidden = box < 0 || event.pointerType === "touch";
    this.scroller.style.cursor = box < 0 ? "" : "pointer";
    if (this.tip.hidden) return;
    if (this.tipBox !== `${this.order}${box}`) {
      this.tipBox = `${this.order}${box}`;
      const row = this.rowOf(box),
        { boxes } = this;
      const merged =
        boxes.count &&
        qt.make(
          "div",
          {},
          qt.make("span", { text: `${qt.count(boxes.count[box])} alike, self time in and below` }),
          qt.make("b", { text: qt.duration(boxes.x1[box] - boxes.x0[box]) }),
        );
      this.tip.replaceChildren(
        ...qt.spanTipLines(this.model, row, this.colours[this.model.data.svc[row]]),
        ...(merged ? [merged] : []),
      );
    }
    qt.placeTip(this.tip, event);
  }
};
