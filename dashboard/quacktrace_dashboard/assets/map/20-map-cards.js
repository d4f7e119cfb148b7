// The cards of a service map: one of each kind is built, the others are copies of it.
"use strict";

(function () {
  const RING_RADIUS = 15, RING_X = 26, TEXT_X = 49;
  const RING_LENGTH = 2 * Math.PI * RING_RADIUS;
  const NAME_FONT = "600 13.5px", NOTE_FONT = "italic 10.5px";

  function template(kind, isNoted, { width, height }) {
    const { element, outline, symbol } = qt.map;
    const inferred = kind === "service" || kind === "group" ? "" : " inferred";
    const group = element(null, "g", `qt-node ${kind}${inferred}`, { tabindex: 0, role: "button" });
    element(group, "title");
    element(group, "path", "qt-node-outline", { d: outline(kind, width, height) });
    if (kind === "service") element(group, "rect", "qt-node-colour", { x: 0, y: 12, width: 3.5, height: height - 24, rx: 1.5 });
    const ring = { cx: RING_X, cy: height / 2, r: RING_RADIUS };
    element(group, "circle", "qt-node-ring", ring);
    element(group, "circle", "qt-node-arc", { ...ring, transform: `rotate(-90 ${RING_X} ${height / 2})` });
    element(group, "text", "qt-node-share", { x: RING_X, y: height / 2 + 3.5 });
    element(group, "text", "qt-node-name", { x: TEXT_X, y: isNoted ? 21 : 27 });
    element(group, "text", "qt-node-rate", { x: TEXT_X, y: isNoted ? 36 : 43 });
    element(group, "text", "qt-node-note", { x: TEXT_X + (isNoted && symbol(kind) ? 14 : 0), y: 49 });
    if (isNoted && symbol(kind)) element(group, "path", "qt-node-icon", { d: symbol(kind), transform: `translate(${TEXT_X} 40) scale(.66)` });
    const warning = element(group, "g", "qt-node-warning", { transform: `translate(${width - 14} 1)` });
    element(warning, "path", "", { d: "M0 -8.5L9 7H-9Z" });
    element(warning, "text", "", { x: 0, y: 5 }).textContent = "!";
    return group;
  }

  qt.map.Cards = class {
    constructor(layer) {
      this.layer = layer;
      this.drawn = new Map();
      this.templates = new Map();
    }

    get(id) {
      return this.drawn.get(id);
    }

    /** Draw these cards over those that are there: what stays keeps its elements and the keyboard focus. */
    set(nodes, card, selected) {
      const wanted = new Set(nodes.map((node) => node.id));
      for (const [id, { group }] of this.drawn) if (!wanted.has(id)) { group.remove(); this.drawn.delete(id); }
      const isEmpty = !this.drawn.size, fragment = document.createDocumentFragment();
      for (const node of nodes) {
        const group = this._set(node, card, node.id === selected);
        if (isEmpty) fragment.appendChild(group);
      }
      if (isEmpty) this.layer.appendChild(fragment);
      else this._order(nodes);
    }

    // Tab follows the picture, left to right and top to bottom; moving a focused element would take its focus away.
    _order(nodes) {
      let previous = null;
      for (const { id } of nodes) {
        const { group } = this.drawn.get(id);
        const next = previous ? previous.nextSibling : this.layer.firstChild;
        if (next !== group && group !== document.activeElement) this.layer.insertBefore(group, next);
        previous = group;
      }
    }

    _set(node, card, isSelected) {
      const { setText, setAttribute, fitted } = qt.map;
      const look = `${node.kind} ${Boolean(node.note)}`;
      let drawn = this.drawn.get(node.id);
      if (drawn && drawn.look !== look) {
        drawn.group.remove();
        drawn = null;
      }
      if (!drawn) this.drawn.set(node.id, (drawn = this._new(node, look, card)));
      drawn.opens = node.opens;
      drawn.x = node.x;
      drawn.y = node.y;
      const { group } = drawn;
      group.style.transform = `translate(${node.x - card.width / 2}px,${node.y - card.height / 2}px)`;
      setAttribute(group, "aria-label", node.description);
      setAttribute(group, "aria-pressed", isSelected);
      if (drawn.colour) drawn.colour.style.fill = node.colour || qt.serviceColour(node.id);
      setAttribute(drawn.arc, "stroke-dasharray", `${RING_LENGTH * node.arc} ${RING_LENGTH}`);
      group.classList.toggle("bad", node.is_failing);
      group.classList.toggle("some", node.arc > 0);
      group.classList.toggle("selected", isSelected);
      group.classList.toggle("focus", Boolean(node.is_focus));
      setText(drawn.share, node.share);
      setText(drawn.name, fitted(node.name, card.width - TEXT_X - 10, NAME_FONT));
      setText(drawn.rate, node.rate);
      setText(drawn.note, fitted(node.note, card.width - TEXT_X - 22, NOTE_FONT));
      setText(drawn.title, node.title);
      return group;
    }

    _new(node, look, card) {
      if (!this.templates.has(look)) this.templates.set(look, template(qt.map.kindOf(node.kind), Boolean(node.note), card));
      const group = this.templates.get(look).cloneNode(true);
      group.dataset.id = node.id;
      const drawn = { group, look, title: group.firstChild };
      for (const child of group.children) {
        const part = /^qt-node-(colour|arc|share|name|rate|note)$/.exec(child.getAttribute("class") || "");
        if (part) drawn[part[1]] = child;
      }
      return drawn;
    }
  };
})();
