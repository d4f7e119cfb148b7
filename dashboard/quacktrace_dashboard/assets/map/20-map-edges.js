// The lines of a service map: each a path, a wider one that the pointer finds, and a label above the cards.
"use strict";

(function () {
  qt.map.Edges = class {
    constructor(lines, labels) {
      this.lines = lines;
      this.labels = labels;
      this.drawn = new Map();
    }

    set(edges) {
      const wanted = new Set(edges.map((edge) => edge.id));
      for (const [id, { path, hit, label }] of this.drawn) {
        if (wanted.has(id)) continue;
        for (const part of [path, hit, label]) part.remove();
        this.drawn.delete(id);
      }
      const lines = document.createDocumentFragment(), labels = document.createDocumentFragment();
      for (const edge of edges) {
        let drawn = this.drawn.get(edge.id);
        if (!drawn) this.drawn.set(edge.id, (drawn = this._new(edge, lines, labels)));
        this._update(drawn, edge);
      }
      this.lines.appendChild(lines);
      this.labels.appendChild(labels);
    }

    _new(edge, lines, labels) {
      const { element } = qt.map;
      const drawn = {
        path: element(lines, "path", "qt-edge"),
        hit: element(lines, "path", "qt-edge-hit"),
        label: element(labels, "text", "qt-edge-label"),
        client: edge.client_service,
        server: edge.server_service,
      };
      drawn.title = element(drawn.hit, "title");
      drawn.hit.dataset.id = edge.id;
      return drawn;
    }

    _update(drawn, edge) {
      const { setText, setAttribute } = qt.map;
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
  };
})();
