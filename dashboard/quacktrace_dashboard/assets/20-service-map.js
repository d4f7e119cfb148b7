/* Service map: draws the picture that figures/service_map.py computes, and updates it in place.
 *
 * Positions, edge paths and label places come from the server, so the same graph looks the same everywhere and a refresh
 * moves nothing. Every text is set as text: names come from telemetry and are never markup.
 */
"use strict";

(function () {
  const { qt } = window;
  const SVG = "http://www.w3.org/2000/svg";
  const RING_RADIUS = 15;
  const RING_X = 26;
  const TEXT_X = 49;
  const RING_LENGTH = 2 * Math.PI * RING_RADIUS;
  const ZOOM_MIN = 0.08;
  const ZOOM_MAX = 3;
  const READABLE = 0.55; // a picture opens at least at this zoom; the Fit button shows all of it
  const FAR = 0.5; // below this zoom edge labels are too small to read
  const DRAG_THRESHOLD_PX = 4;
  const DRAWER_WIDTH = 420;

  // Outlines tell the kinds apart without colour: card, cylinder, pipe with pointed ends, cut corners.
  const OUTLINES = {
    service: (w, h) => `M10 0H${w - 10}Q${w} 0 ${w} 10V${h - 10}Q${w} ${h} ${w - 10} ${h}H10Q0 ${h} 0 ${h - 10}V10Q0 0 10 0Z`,
    database: (w, h) =>
      `M0 4C0 -1.6 ${w} -1.6 ${w} 4V${h - 5}C${w} ${h + 2} 0 ${h + 2} 0 ${h - 5}ZM0 4C0 9.6 ${w} 9.6 ${w} 4`,
    messaging: (w, h) => `M12 0H${w - 12}L${w} ${h / 2}L${w - 12} ${h}H12L0 ${h / 2}Z`,
    group: (w, h) => `M8 0H${w - 8}Q${w} 0 ${w} 8V${h - 8}Q${w} ${h} ${w - 8} ${h}H8Q0 ${h} 0 ${h - 8}V8Q0 0 8 0ZM6 ${h + 3.5}H${w - 6}M12 ${h + 7}H${w - 12}`,
    external: (w, h) => `M12 0H${w - 12}L${w} 12V${h - 12}L${w - 12} ${h}H12L0 ${h - 12}V12Z`,
  };
  // 16 × 16 strokes: cards, cylinder, queue, globe.
  const ICONS = {
    group: "M2 5H11V12H2ZM5 5V2.5H14V9.5H11",
    database: "M2.5 4C2.5 1.5 13.5 1.5 13.5 4V12C13.5 14.5 2.5 14.5 2.5 12ZM2.5 4C2.5 6.5 13.5 6.5 13.5 4M2.5 8C2.5 10.5 13.5 10.5 13.5 8",
    messaging: "M1.5 4H8.5V12H1.5ZM11 4V12M14 4V12",
    external: "M8 1.5A6.5 6.5 0 1 0 8 14.5A6.5 6.5 0 1 0 8 1.5M1.5 8H14.5M8 1.5C4.5 5 4.5 11 8 14.5M8 1.5C11.5 5 11.5 11 8 14.5",
  };

  function element(parent, tag, className, attributes) {
    const made = document.createElementNS(SVG, tag);
    if (className) made.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    parent.appendChild(made);
    return made;
  }

  function setText(target, text) {
    if (target.textContent !== text) target.textContent = text;
  }

  /** Write a text, cut in its middle if it is wider than its place: what tells long names apart is often at the end. */
  function setFittingText(target, text, width) {
    if (target.dataset.text === text) return;
    target.dataset.text = text;
    target.textContent = text;
    if (!text || !target.isConnected) return;
    const characters = Array.from(text);
    let keep = characters.length;
    for (let i = 0; i < 4 && target.getComputedTextLength() > width && keep > 4; i++) {
      keep = Math.max(4, Math.floor(Math.min(keep - 1, keep * width / target.getComputedTextLength())));
      const head = Math.ceil((keep - 1) / 2);
      target.textContent = `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (keep - 1 - head)).join("")}`;
    }
  }

  function setAttribute(target, name, value) {
    if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
  }

  class ServiceMap {
    constructor(host, onSelect) {
      this.host = host;
      this.onSelect = onSelect;
      this.nodes = new Map();
      this.edges = new Map();
      this.view = { x: 0, y: 0, scale: 1 };
      this.bounds = null;
      this.fitKey = null;
      this.movedByUser = false;
      this.updates = 0;
      this._build();
      this._listen();
    }

    _build() {
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
      this.layer = element(this.svg, "g", "qt-map-view");
      this.edgeLayer = element(this.layer, "g");
      this.nodeLayer = element(this.layer, "g");
      this.labelLayer = element(this.layer, "g", "qt-map-labels");
      const bar = document.createElement("div");
      bar.className = "qt-map-buttons";
      for (const [label, text, act] of [
        ["Zoom in", "+", () => this.zoomBy(1.25)],
        ["Zoom out", "−", () => this.zoomBy(0.8)],
        ["Fit the map to the window", "Fit", () => this.fit()],
      ]) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = text;
        button.title = label;
        button.setAttribute("aria-label", label);
        button.addEventListener("click", act);
        bar.appendChild(button);
      }
      this.host.appendChild(bar);
    }

    _listen() {
      const svg = this.svg;
      svg.addEventListener("wheel", (event) => {
        if (this.isSmall() && !event.ctrlKey) return; // the page scrolls on
        event.preventDefault();
        const box = svg.getBoundingClientRect();
        const lines = event.deltaMode === 1 ? 16 : 1;
        this.movedByUser = true;
        this._zoomAt(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - box.left, event.clientY - box.top);
      }, { passive: false });
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
        this._setView(drag.view.x + dx, drag.view.y + dy, this.view.scale);
      });
      const drop = () => {
        this.draggedNow = Boolean(drag && drag.moving);
        drag = null;
        svg.classList.remove("panning");
      };
      svg.addEventListener("pointerup", drop);
      svg.addEventListener("pointercancel", drop);
      svg.addEventListener("click", (event) => {
        const id = this._nodeAt(event.target);
        if (id !== null && !this.draggedNow) this.onSelect(id);
      });
      svg.addEventListener("pointerover", (event) => this._highlight(this._subjectAt(event.target)));
      svg.addEventListener("pointerleave", () => this._highlight(null));
      svg.addEventListener("focusin", (event) => {
        const id = this._nodeAt(event.target);
        if (id !== null && event.target.matches(":focus-visible")) this._bringIntoView(id);
        this._highlight(id === null ? null : { node: id });
      });
      svg.addEventListener("focusout", () => this._highlight(null));
      svg.addEventListener("keydown", (event) => this._key(event));
      new ResizeObserver(() => { if (!this.movedByUser) this._open(); }).observe(this.host);
    }

    _key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const pan = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      const id = this._nodeAt(event.target);
      if ((event.key === "Enter" || event.key === " ") && id !== null) this.onSelect(id);
      else if (event.key === "+" || event.key === "=") this.zoomBy(1.25);
      else if (event.key === "-") this.zoomBy(0.8);
      else if (event.key === "0") this.fit();
      else if (pan) {
        this.movedByUser = true;
        this._setView(this.view.x + pan[0], this.view.y + pan[1], this.view.scale);
      } else return;
      event.preventDefault();
      event.stopPropagation();
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
      for (const [id, edge] of this.edges) {
        const on = subject !== null &&
          (subject.edge === id || edge.client === subject.node || edge.server === subject.node);
        edge.path.classList.toggle("on", on);
        edge.label.classList.toggle("on", on);
        if (on) lit.add(edge.client).add(edge.server);
      }
      if (subject && subject.node !== undefined) lit.add(subject.node);
      for (const [id, node] of this.nodes) node.group.classList.toggle("on", lit.has(id));
      this.svg.classList.toggle("dimmed", subject !== null);
    }

    _setView(x, y, scale) {
      this.view = { x, y, scale };
      this.layer.setAttribute("transform", `translate(${x},${y}) scale(${scale})`);
      this.svg.classList.toggle("far", scale < FAR);
    }

    _zoomAt(factor, x, y) {
      const scale = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, this.view.scale * factor));
      const ratio = scale / this.view.scale;
      this._setView(x - (x - this.view.x) * ratio, y - (y - this.view.y) * ratio, scale);
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
      const width = this.host.clientWidth - coveredRight, height = this.host.clientHeight, margin = 28;
      const whole = Math.min(1.1, (width - 2 * margin) / (right - left), (height - 2 * margin) / (bottom - top));
      const scale = Math.max(smallest, whole);
      const isWider = (right - left) * scale > width;
      this._setView(
        isWider ? margin - left * scale : (width - (left + right) * scale) / 2, (height - (top + bottom) * scale) / 2, scale,
      );
    }

    _open(selected = this.selected) {
      const covered = selected ? this._drawerWidth() : 0;
      this.fit(this.isSmall() ? ZOOM_MIN : READABLE, covered);
      if (selected) this._bringIntoView(selected, covered);
    }

    /** A map among other things on a page shows all of itself, and leaves the wheel to the page. */
    isSmall() {
      return this.host.dataset.small !== undefined;
    }

    _drawerWidth() {
      return this.host.clientWidth > 1.6 * DRAWER_WIDTH ? DRAWER_WIDTH : 0;
    }

    /** Pan just so far that a card is in sight, and not below the drawer on the right. */
    _bringIntoView(id, coveredRight = 0) {
      const node = this.nodes.get(id);
      if (!node) return;
      const { x, y, scale } = this.view;
      const px = node.x * scale + x, py = node.y * scale + y;
      const mx = 120 * scale, my = 50 * scale;
      const dx = px < mx ? mx - px : Math.min(0, this.host.clientWidth - coveredRight - mx - px);
      const dy = py < my ? my - py : Math.min(0, this.host.clientHeight - my - py);
      if (dx || dy) this._setView(x + dx, y + dy, scale);
    }

    /** Draw a picture over the one that is there: what stays keeps its DOM nodes, the view and the keyboard focus. */
    set(picture, selected) {
      const nodes = new Set(), edges = new Set();
      for (const node of picture.nodes) {
        nodes.add(node.id);
        this._setNode(node, picture.card, node.id === selected);
      }
      for (const edge of picture.edges) {
        edges.add(edge.id);
        this._setEdge(edge);
      }
      for (const [id, node] of this.nodes) if (!nodes.has(id)) { node.group.remove(); this.nodes.delete(id); }
      for (const [id, edge] of this.edges) {
        if (!edges.has(id)) { edge.path.remove(); edge.hit.remove(); edge.label.remove(); this.edges.delete(id); }
      }
      // Tab follows the picture, left to right and top to bottom; moving a focused element would take its focus away.
      let previous = null;
      for (const { id } of picture.nodes) {
        const group = this.nodes.get(id).group;
        const next = previous ? previous.nextSibling : this.nodeLayer.firstChild;
        if (next !== group && group !== document.activeElement) this.nodeLayer.insertBefore(group, next);
        previous = group;
      }
      const grown = String(picture.bounds) !== String(this.bounds);
      this.bounds = picture.bounds;
      if (picture.key !== this.fitKey || (grown && !this.movedByUser)) this._open(selected);
      else if (selected && selected !== this.selected) this._bringIntoView(selected, this._drawerWidth());
      this.fitKey = picture.key;
      this.selected = selected;
      this.updates += 1;
      this.host.dataset.updates = String(this.updates);
      this.host.dataset.ready = "true";
    }

    _setNode(node, card, selected) {
      let drawn = this.nodes.get(node.id);
      if (drawn && drawn.kind !== node.kind) {
        drawn.group.remove();
        drawn = null;
      }
      if (!drawn) {
        drawn = this._newNode(node, card);
        this.nodes.set(node.id, drawn);
      }
      drawn.x = node.x;
      drawn.y = node.y;
      drawn.group.style.transform = `translate(${node.x - card.width / 2}px,${node.y - card.height / 2}px)`;
      setAttribute(drawn.group, "aria-label", node.description);
      setAttribute(drawn.group, "aria-pressed", selected);
      if (drawn.colour) drawn.colour.style.fill = node.colour || qt.serviceColour(node.id);
      setAttribute(drawn.arc, "stroke-dasharray", `${RING_LENGTH * node.arc} ${RING_LENGTH}`);
      drawn.group.classList.toggle("bad", node.is_failing);
      drawn.group.classList.toggle("some", node.arc > 0);
      drawn.group.classList.toggle("selected", selected);
      setText(drawn.share, node.share);
      setFittingText(drawn.name, node.name, card.width - TEXT_X - 10);
      setText(drawn.rate, node.rate);
      setFittingText(drawn.note, node.note, card.width - TEXT_X - 22);
      setText(drawn.title, node.title);
    }

    _newNode(node, { width, height }) {
      const kind = OUTLINES[node.kind] ? node.kind : "external";
      const inferred = kind === "service" || kind === "group" ? "" : " inferred";
      const group = element(this.nodeLayer, "g", `qt-node ${kind}${inferred}`, { tabindex: 0, role: "button" });
      group.dataset.id = node.id;
      const drawn = { group, kind: node.kind, title: element(group, "title") };
      element(group, "path", "qt-node-outline", { d: OUTLINES[kind](width, height) });
      if (kind === "service") drawn.colour = element(group, "rect", "qt-node-colour", { x: 0, y: 12, width: 3.5, height: height - 24, rx: 1.5 });
      const ring = { cx: RING_X, cy: height / 2, r: RING_RADIUS };
      element(group, "circle", "qt-node-ring", ring);
      drawn.arc = element(group, "circle", "qt-node-arc", { ...ring, transform: `rotate(-90 ${RING_X} ${height / 2})` });
      drawn.share = element(group, "text", "qt-node-share", { x: RING_X, y: height / 2 + 3.5 });
      const noted = Boolean(node.note);
      drawn.name = element(group, "text", "qt-node-name", { x: TEXT_X, y: noted ? 21 : 27 });
      drawn.rate = element(group, "text", "qt-node-rate", { x: TEXT_X, y: noted ? 36 : 43 });
      drawn.note = element(group, "text", "qt-node-note", { x: TEXT_X + (noted ? 14 : 0), y: 49 });
      if (noted) element(group, "path", "qt-node-icon", { d: ICONS[kind], transform: `translate(${TEXT_X} 40) scale(.66)` });
      const warning = element(group, "g", "qt-node-warning", { transform: `translate(${width - 14} 1)` });
      element(warning, "path", "", { d: "M0 -8.5L9 7H-9Z" });
      element(warning, "text", "", { x: 0, y: 5 }).textContent = "!";
      return drawn;
    }

    _setEdge(edge) {
      let drawn = this.edges.get(edge.id);
      if (!drawn) {
        drawn = {
          path: element(this.edgeLayer, "path", "qt-edge"),
          hit: element(this.edgeLayer, "path", "qt-edge-hit"),
          label: element(this.labelLayer, "text", "qt-edge-label"),
          client: edge.client_service,
          server: edge.server_service,
        };
        drawn.title = element(drawn.hit, "title");
        drawn.hit.dataset.id = edge.id;
        this.edges.set(edge.id, drawn);
      }
      for (const path of [drawn.path, drawn.hit]) setAttribute(path, "d", edge.path);
      drawn.path.style.strokeWidth = edge.width;
      drawn.path.classList.toggle("bad", edge.is_failing);
      drawn.path.classList.toggle("link", edge.type === "link" || edge.type === "messaging");
      setAttribute(drawn.path, "marker-end", edge.is_failing ? "url(#qt-map-arrow-bad)" : "url(#qt-map-arrow)");
      drawn.label.classList.toggle("bad", edge.is_failing);
      drawn.label.classList.toggle("quiet", edge.is_quiet);
      setAttribute(drawn.label, "x", edge.label_x);
      setAttribute(drawn.label, "y", edge.label_y);
      setText(drawn.label, edge.label);
      setText(drawn.title, edge.title);
    }
  }

  const maps = new WeakMap();

  /** Draw a picture into a host element, once per element; later calls update it. */
  function drawServiceMap(host, picture, selected, onSelect) {
    let map = maps.get(host);
    if (!map || !host.contains(map.svg)) {
      map = new ServiceMap(host, onSelect);
      maps.set(host, map);
    }
    map.set(picture, selected);
    return map;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    drawServices: (picture) => {
      const host = document.getElementById("services-map");
      if (!host || !picture) return;
      const groups = new Set(picture.nodes.filter((node) => node.kind === "group").map((node) => node.id));
      const open = (id) => qt.patchUrl(map.groups.has(id) ? { namespace: id.replace(/^namespace:\/\//, ""), service: null } : { service: id });
      const map = drawServiceMap(host, picture, picture.selected, open);
      map.groups = groups;
    },
    focusService: (id) => {
      const here = new URLSearchParams(location.search).get("focus") || "";
      if (location.pathname === "/services" && (id || "") !== here) qt.patchUrl({ focus: id || null });
    },
    openService: (cell) => {
      if (cell && cell.rowId) qt.patchUrl({ service: cell.rowId });
    },
  });
  qt.drawServiceMap = drawServiceMap;

  // Escape closes the drawer that a click on a card opened, and the keyboard is back on that card.
  document.addEventListener("keydown", (event) => {
    const drawer = document.getElementById("services-drawer");
    if (event.key !== "Escape" || event.defaultPrevented || !drawer || drawer.hidden || document.querySelector("dialog[open]")) return;
    const id = new URLSearchParams(location.search).get("service");
    qt.patchUrl({ service: null });
    document.querySelector(`.qt-node[data-id="${CSS.escape(id || "")}"]`)?.focus();
  });
})();
