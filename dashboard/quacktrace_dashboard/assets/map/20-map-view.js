// What part of a service map is in sight: zoom at the pointer, pan by drag and arrow keys, fit, keep a card in sight.
"use strict";

(function () {
  const ZOOM_MIN = 0.08;
  const ZOOM_MAX = 3;
  const READABLE = 0.55; // a picture opens at least at this zoom; the Fit button shows all of it
  const FAR = 0.5; // below this zoom edge labels are too small to read
  const DRAG_THRESHOLD_PX = 4;
  const DRAWER_WIDTH = 420;
  const LEGEND_HEIGHT = 26;
  const NOTE_HEIGHT = 22;

  qt.map.View = class {
    constructor(host, svg, layer) {
      Object.assign(this, { host, svg, layer, view: { x: 0, y: 0, scale: 1 }, bounds: null, hasNote: false, movedByUser: false, draggedNow: false });
      this._wheel();
      this._drag();
    }

    _wheel() {
      this.svg.addEventListener("wheel", (event) => {
        if (this.isSmall() && !event.ctrlKey) return; // the page scrolls on
        event.preventDefault();
        const box = this.svg.getBoundingClientRect();
        const lines = event.deltaMode === 1 ? 16 : 1;
        this.movedByUser = true;
        this._zoomAt(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - box.left, event.clientY - box.top);
      }, { passive: false });
    }

    _drag() {
      const { svg } = this;
      let drag = null;
      svg.addEventListener("pointerdown", (event) => {
        if (event.button === 0) drag = { x: event.clientX, y: event.clientY, view: { ...this.view }, moving: false };
      });
      svg.addEventListener("pointermove", (event) => {
        if (!drag) return;
        const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
        if (!drag.moving && Math.hypot(dx, dy) < DRAG_THRESHOLD_PX) return;
        if (!drag.moving) {
          drag.moving = true;
          svg.setPointerCapture(event.pointerId);
          svg.classList.add("panning");
        }
        this.movedByUser = true;
        this.set(drag.view.x + dx, drag.view.y + dy, this.view.scale);
      });
      const drop = () => {
        this.draggedNow = Boolean(drag && drag.moving);
        drag = null;
        svg.classList.remove("panning");
      };
      svg.addEventListener("pointerup", drop);
      svg.addEventListener("pointercancel", drop);
    }

    set(x, y, scale) {
      this.view = { x, y, scale };
      this.layer.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
      this.svg.classList.toggle("far", scale < FAR);
    }

    /** Move by so many pixels. */
    pan(dx, dy) {
      this.movedByUser = true;
      this.set(this.view.x + dx, this.view.y + dy, this.view.scale);
    }

    _zoomAt(factor, x, y) {
      const scale = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, this.view.scale * factor));
      const ratio = scale / this.view.scale;
      this.set(x - (x - this.view.x) * ratio, y - (y - this.view.y) * ratio, scale);
    }

    zoomBy(factor) {
      this.movedByUser = true;
      this._zoomAt(factor, this.host.clientWidth / 2, this.host.clientHeight / 2);
    }

    /** Show the whole picture, or with a smallest zoom as much of its left side as that lets in. */
    fit(smallest = ZOOM_MIN, coveredRight = 0) {
      this.movedByUser = false;
      if (!this.bounds || !this.host.clientWidth || !this.host.clientHeight) return;
      const [left, top, right, bottom] = this.bounds;
      const width = this.host.clientWidth - coveredRight, margin = 28;
      const above = this.hasNote ? NOTE_HEIGHT : 0;
      const height = this.host.clientHeight - above - (this.isSmall() ? 0 : LEGEND_HEIGHT);
      const whole = Math.min(1.1, (width - 2 * margin) / (right - left), (height - 2 * margin) / (bottom - top));
      const scale = Math.max(smallest, whole);
      const isWider = (right - left) * scale > width;
      this.set(
        isWider ? margin - left * scale : (width - (left + right) * scale) / 2, above + (height - (top + bottom) * scale) / 2, scale,
      );
    }

    /** As a picture opens: readable, with this card in sight. */
    open(card, isDrawerOpen) {
      const covered = isDrawerOpen ? this.drawerWidth() : 0;
      this.fit(this.isSmall() ? ZOOM_MIN : READABLE, covered);
      if (card) this.bringIntoView(card, covered);
    }

    /** A map among other things on a page shows all of itself, and leaves the wheel to the page. */
    isSmall() {
      return this.host.dataset.small !== undefined;
    }

    drawerWidth() {
      return this.host.clientWidth > 1.6 * DRAWER_WIDTH ? DRAWER_WIDTH : 0;
    }

    /** Pan just so far that a card is in sight, and not below the drawer on the right. */
    bringIntoView(card, coveredRight = 0) {
      const { x, y, scale } = this.view;
      const px = card.x * scale + x, py = card.y * scale + y;
      const mx = 120 * scale, my = 50 * scale;
      const dx = px < mx ? mx - px : Math.min(0, this.host.clientWidth - coveredRight - mx - px);
      const dy = py < my ? my - py : Math.min(0, this.host.clientHeight - my - py);
      if (dx || dy) this.set(x + dx, y + dy, scale);
    }
  };
})();
