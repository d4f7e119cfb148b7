// The whole trace in 48 pixels, and the window that the waterfall is zoomed to: drag to zoom, drag the window or its
// edges to move it, double-click to see everything again.
"use strict";

qt.Minimap = class {
  static HEIGHT = 48;
  static MAX_BARS = 4000; // 50,000 spans in 48 rows of pixels: every 12th is the same picture
  static EDGE = 6;

  constructor(host, onZoom) {
    this.host = host;
    this.onZoom = onZoom;
    this.canvas = qt.make("canvas", { className: "qt-mini-canvas", "aria-hidden": "true" });
    this.before = qt.make("div", { className: "qt-mini-shade" });
    this.after = qt.make("div", { className: "qt-mini-shade" });
    this.window = qt.make("div", { className: "qt-mini-window" });
    host.classList.add("qt-mini");
    host.title = "Drag to zoom, double-click to zoom out";
    host.replaceChildren(this.canvas, this.before, this.after, this.window);
    host.addEventListener("pointerdown", (event) => this.grab(event));
    host.addEventListener("pointermove", (event) => this.showCursor(event));
    host.addEventListener("dblclick", () => {
      this.model.resetZoom();
      this.draw();
      this.onZoom();
    });
    this.repaint = () => {
      this.paint();
      this.draw();
    };
    window.addEventListener("qt-theme", this.repaint);
    this.resized = new ResizeObserver(this.repaint);
    this.resized.observe(host);
  }

  destroy() {
    this.resized.disconnect();
    window.removeEventListener("qt-theme", this.repaint);
  }

  setModel(model, colours) {
    this.model = model;
    this.variables = colours.map((colour) => colour.slice(4, -1));
    this.repaint();
  }

  paint() {
    const width = this.host.clientWidth,
      { HEIGHT, MAX_BARS } = qt.Minimap;
    if (!this.model || !width) return;
    const ratio = window.devicePixelRatio || 1,
      { canvas, model } = this,
      { data, n } = model;
    canvas.width = width * ratio;
    canvas.height = HEIGHT * ratio;
    const style = getComputedStyle(document.documentElement),
      context = canvas.getContext("2d");
    const colours = this.variables.map((variable) => style.getPropertyValue(variable));
    const error = style.getPropertyValue("--qt-error");
    context.scale(ratio, ratio);
    const [first, last] = model.extent,
      scale = width / (last - first),
      rowHeight = HEIGHT / n,
      step = Math.max(1, Math.floor(n / MAX_BARS));
    const paintRow = (i, colour) => {
      context.fillStyle = colour;
      context.fillRect(
        (model.start[i] - first) * scale,
        i * rowHeight,
        Math.max(1, data.dur_us[i] * scale),
        Math.max(1, Math.min(rowHeight * 0.75, 6)),
      );
    };
    for (let i = 0; i < n; i += step) paintRow(i, colours[data.svc[i]]);
    for (let i = 0, painted = 0; i < n && painted < MAX_BARS; i++)
      if (model.isError(i)) {
        paintRow(i, error);
        painted++;
      }
  }

  draw() {
    const [first, last] = this.model.extent,
      width = this.host.clientWidth,
      scale = width / (last - first);
    const left = (this.model.from - first) * scale,
      right = (this.model.to - first) * scale;
    this.before.style.width = `${left}px`;
    this.after.style.cssText = `left:${right}px;right:0`;
    this.window.style.cssText = `left:${left}px;width:${Math.max(right - left, 2)}px`;
    this.window.hidden = !this.model.isZoomed;
  }

  edges() {
    const box = this.host.getBoundingClientRect(),
      [first, last] = this.model.extent,
      scale = box.width / (last - first);
    return {
      box,
      scale,
      first,
      left: box.left + (this.model.from - first) * scale,
      right: box.left + (this.model.to - first) * scale,
    };
  }

  // What a press at this point would take hold of.
  gripAt(clientX) {
    const { EDGE } = qt.Minimap,
      { left, right } = this.edges();
    if (!this.model.isZoomed) return "new";
    if (Math.abs(clientX - left) <= EDGE) return "left";
    if (Math.abs(clientX - right) <= EDGE) return "right";
    return clientX > left && clientX < right ? "window" : "new";
  }

  showCursor(event) {
    if (!event.buttons)
      this.host.style.cursor = { new: "crosshair", left: "ew-resize", right: "ew-resize", window: "grab" }[
        this.gripAt(event.clientX)
      ];
  }

  grab(event) {
    if (event.button) return;
    event.preventDefault();
    const { box, scale, first } = this.edges(),
      grip = this.gripAt(event.clientX),
      { from, to } = this.model;
    const timeAt = (clientX) => first + (Math.min(Math.max(clientX, box.left), box.right) - box.left) / scale,
      grabbed = timeAt(event.clientX);
    const moved = (move) => {
      const now = timeAt(move.clientX),
        shift = now - grabbed;
      if (grip === "new" && Math.abs(move.clientX - event.clientX) < 3) return;
      const [a, b] = { new: [grabbed, now], left: [now, to], right: [from, now], window: [from + shift, to + shift] }[
        grip
      ];
      this.model.zoom(Math.min(a, b), Math.max(a, b));
      this.draw();
      this.onZoom();
    };
    const released = () => {
      this.host.removeEventListener("pointermove", moved);
    };
    this.host.setPointerCapture(event.pointerId);
    this.host.addEventListener("pointermove", moved);
    this.host.addEventListener("pointerup", released, { once: true });
    this.host.addEventListener("pointercancel", released, { once: true });
  }
};
