/* Service map: draws the picture that figures/service_map.py computes, and updates it in place.
 *
 * Positions, edge paths and label places come from the server, so the same graph looks the same everywhere and a refresh
 * moves nothing. Every text is set as text: names come from telemetry and are never markup.
 */
"use strict";

(function () {
  const PAN = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };

  class ServiceMap {
    constructor(host, onSelect) {
      this.host = host;
      this.onSelect = onSelect;
      this.pictureKey = null;
      this.selected = null;
      this.updates = 0;
      this._build();
      this._listen();
    }

    _build() {
      const { element } = qt.map;
      this.host.replaceChildren();
      this.svg = element(this.host, "svg", "qt-map", { role: "group", "aria-label": "Service map", tabindex: "-1" });
      const markers = element(this.svg, "defs");
      for (const name of ["qt-map-arrow", "qt-map-arrow-bad"]) {
        const marker = element(markers, "marker", "", {
          id: name, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse",
          orient: "auto",
        });
        element(marker, "path", name, { d: "M0 0.5L8 4L0 7.5Z" });
      }
      const layer = element(this.svg, "g", "qt-map-view");
      const lines = element(layer, "g"), cards = element(layer, "g"), labels = element(layer, "g", "qt-map-labels");
      this.edges = new qt.map.Edges(lines, labels);
      this.cards = new qt.map.Cards(cards);
      this.view = new qt.map.View(this.host, this.svg, layer);
      this.host.appendChild(qt.make("div", { className: "qt-map-buttons" },
        this._button("Zoom in", "+", () => this.view.zoomBy(1.25)),
        this._button("Zoom out", "−", () => this.view.zoomBy(0.8)),
        this._button("Fit the map to the window", "Fit", () => this.view.fit())));
    }

    _button(label, text, onclick) {
      return qt.make("button", { type: "button", text, title: label, "aria-label": label, onclick });
    }

    _listen() {
      const { svg } = this;
      svg.addEventListener("click", (event) => {
        const id = this._nodeAt(event.target);
        if (id !== null && !this.view.draggedNow) this._select(id);
      });
      svg.addEventListener("pointerover", (event) => this._highlight(this._subjectAt(event.target)));
      svg.addEventListener("pointerleave", () => this._highlight(null));
      svg.addEventListener("focusin", (event) => {
        const id = this._nodeAt(event.target);
        if (id !== null && event.target.matches(":focus-visible")) this.view.bringIntoView(this.cards.get(id));
        this._highlight(id === null ? null : { node: id });
      });
      svg.addEventListener("focusout", () => this._highlight(null));
      svg.addEventListener("keydown", (event) => this._key(event));
      new ResizeObserver(() => { if (!this.view.movedByUser) this._open(); }).observe(this.host);
    }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const pan = PAN[event.key], id = this._nodeAt(event.target);
      if ((event.key === "Enter" || event.key === " ") && id !== null) this._select(id);
      else if (event.key === "+" || event.key === "=") this.view.zoomBy(1.25);
      else if (event.key === "-") this.view.zoomBy(0.8);
      else if (event.key === "0") this.view.fit();
      else if (pan) this.view.pan(...pan);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    _select(id) {
      this.onSelect(id, this.cards.get(id)?.opens);
    }

    _nodeAt(target) {
      const group = target.closest ? target.closest(".qt-node") : null;
      return group ? group.dataset.id : null;
    }

    _subjectAt(target) {
      const node = this._nodeAt(target);
      if (node !== null) return { node };
      const path = target.closest ? target.closest(".qt-edge-hit") : null;
      return path ? { edge: path.dataset.id } : null;
    }

    _highlight(subject) {
      const lit = new Set();
      for (const [id, edge] of this.edges.drawn) {
        const on = subject !== null &&
          (subject.edge === id || edge.client === subject.node || edge.server === subject.node);
        edge.path.classList.toggle("on", on);
        edge.label.classList.toggle("on", on);
        if (on) lit.add(edge.client).add(edge.server);
      }
      if (subject && subject.node !== undefined) lit.add(subject.node);
      for (const [id, card] of this.cards.drawn) card.group.classList.toggle("on", lit.has(id));
      this.svg.classList.toggle("dimmed", subject !== null);
    }

    _open() {
      this.view.open(this.cards.get(this.selected) || this.cards.get(this.focus), Boolean(this.selected));
    }

    /** Draw a picture over the one that is there: what stays keeps its DOM nodes, the view and the keyboard focus. */
    set(picture, selected) {
      this.cards.set(picture.nodes, picture.card, selected);
      this.edges.set(picture.edges);
      const { view } = this, isNew = selected !== this.selected;
      const hasGrown = String(picture.bounds) !== String(view.bounds);
      view.bounds = picture.bounds;
      view.hasNote = Boolean(picture.thinned_from) && !view.isSmall();
      this.selected = selected;
      this.focus = picture.focus;
      if (picture.key !== this.pictureKey || (hasGrown && !view.movedByUser)) this._open();
      else if (isNew && this.cards.get(selected)) view.bringIntoView(this.cards.get(selected), view.drawerWidth());
      this.pictureKey = picture.key;
      this.updates += 1;
      this.host.dataset.updates = String(this.updates);
      this.host.dataset.ready = "true";
    }
  }

  const maps = new WeakMap();

  /** Draw a picture into a host element, once per element; later calls update it.
   *
   * `onSelect` gets the id of a card, and what it opens where that is not the card itself.
   */
  qt.drawServiceMap = (host, picture, selected, onSelect) => {
    let map = maps.get(host);
    if (!map || !host.contains(map.svg)) {
      map = new ServiceMap(host, onSelect);
      maps.set(host, map);
    }
    map.set(picture, selected);
    return map;
  };
})();
