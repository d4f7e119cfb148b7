// A list of any length in as many elements as fit its window: rows of one height, filled anew when they scroll in.
"use strict";

qt.VirtualList = class {
  static OVERSCAN = 6;

  // fill(element, item, index) writes one row; open(item, index) is called for a click or Enter on one.
  constructor(host, { rowHeight, fill, open, role = "list", label }) {
    Object.assign(this, { host, rowHeight, fill, open, items: [], pool: [], active: -1 });
    this.rowRole = { list: "listitem", treegrid: "row", grid: "row" }[role];
    this.pad = qt.make("div", { className: "qt-list-pad", role: "presentation" });
    this.scroller = qt.make("div", { className: "qt-list", tabindex: "0", role, "aria-label": label }, this.pad);
    host.append(this.scroller);
    this.scroller.addEventListener("scroll", () => this.request(), { passive: true });
    this.scroller.addEventListener("click", (event) => {
      const element = event.target.closest(".qt-list-row");
      if (element && !event.target.closest("a, button")) this.choose(Number(element.dataset.index));
    });
    this.scroller.addEventListener("keydown", (event) => this.key(event));
    this.resized = new ResizeObserver(() => this.request());
    this.resized.observe(this.scroller);
  }

  destroy() {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  setItems(items) {
    this.items = items;
    this.active = -1;
    this.scroller.setAttribute(this.rowRole === "row" ? "aria-rowcount" : "data-count", items.length);
    this.redraw();
  }

  redraw() {
    for (const element of this.pool) element.dataset.index = "-1";
    this.request();
  }

  choose(index) {
    if (index < 0 || index >= this.items.length) return;
    this.show(index);
    this.open(this.items[index], index);
  }

  show(index) {
    const top = index * this.rowHeight,
      { scroller } = this,
      height = scroller.clientHeight;
    this.active = index;
    this.pad.style.height = `${this.items.length * this.rowHeight}px`;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + this.rowHeight > scroller.scrollTop + height) scroller.scrollTop = top + this.rowHeight - height;
    this.redraw();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 1),
      last = this.items.length - 1;
    const to = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + page,
      PageUp: this.active - page,
      Home: 0,
      End: last,
    }[event.key];
    if (event.target !== this.scroller || event.ctrlKey || event.metaKey || event.altKey) return;
    if (to === undefined && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (to === undefined) this.choose(this.active);
    else if (last >= 0) this.show(Math.min(Math.max(to, 0), last));
  }

  request() {
    if (!this.frame)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  draw() {
    const { rowHeight, items, scroller, pool } = this,
      { OVERSCAN } = qt.VirtualList;
    const size = Math.ceil((scroller.clientHeight || 400) / rowHeight) + 2 * OVERSCAN;
    this.host.style.setProperty("--qt-scrollbar", `${scroller.offsetWidth - scroller.clientWidth}px`);
    while (pool.length < size)
      pool.push(this.pad.appendChild(qt.make("div", { className: "qt-list-row", role: this.rowRole, hidden: true })));
    this.pad.style.height = `${items.length * rowHeight}px`;
    const count = pool.length;
    const first = Math.max(0, Math.min(items.length - count, Math.floor(scroller.scrollTop / rowHeight) - OVERSCAN));
    for (let slot = 0; slot < count; slot++) {
      const element = pool[slot],
        index = first + ((((slot - first) % count) + count) % count);
      if (index >= items.length) {
        element.hidden = true;
        element.dataset.index = "-1";
      } else if (element.dataset.index !== String(index)) {
        element.hidden = false;
        element.dataset.index = index;
        element.className = `qt-list-row${index === this.active ? " is-active" : ""}`;
        element.style.transform = `translateY(${index * rowHeight}px)`;
        element.setAttribute(this.rowRole === "row" ? "aria-rowindex" : "aria-posinset", index + 1);
        this.fill(element, items[index], index);
      }
    }
    this.host.dataset.ready = "true";
  }
};
