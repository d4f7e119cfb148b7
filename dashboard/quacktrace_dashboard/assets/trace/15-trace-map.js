// The service map of one trace; a service selects its slowest span here.
"use strict";

qt.TraceMap = class {
  constructor(host, model, { onSelect, source, colours }) {
    Object.assign(this, { host, model, onSelect, source, colours });
    host.classList.add("qt-trace-map");
    this.load();
  }

  destroy() {}

  setModel(model, colours) {
    Object.assign(this, { model, colours });
    this.load();
  }

  async load() {
    if (!this.surface)
      this.host.replaceChildren(qt.make("div", { className: "qt-skeleton", style: "height:180px;margin:16px" }));
    try {
      const picture = await this.source.mapPicture();
      if (!this.surface) {
        this.surface = qt.make("div", { className: "qt-map-host" });
        this.host.replaceChildren(this.surface);
      }
      // The same colours as everywhere on this page, where two of its services never share one.
      const { services } = this.model.data;
      for (const node of picture.nodes) node.colour = this.colours[services.indexOf(node.id)];
      qt.drawServiceMap(this.surface, picture, "", (id) => this.open(id));
      this.host.dataset.ready = "true";
    } catch (error) {
      this.surface = null;
      this.host.replaceChildren(
        qt.make(
          "div",
          { className: "qt-state", role: "alert" },
          qt.make("h2", { text: "The map could not be drawn" }),
          qt.make("p", { text: error.message }),
          qt.make("button", { className: "qt-button", type: "button", text: "Try again", onclick: () => this.load() }),
        ),
      );
    }
  }

  // The longest entry of a service; an inferred node has no spans of its own.
  open(id) {
    const { model } = this;
    let best = -1;
    for (let i = 0; i < model.n; i++) {
      if (model.service(i) !== id || !model.isEntry(i)) continue;
      if (best < 0 || model.data.dur_us[i] > model.data.dur_us[best]) best = i;
    }
    if (best >= 0) this.onSelect(best, true);
    else qt.toast(`${id} sent no spans: it is known from its callers`);
  }
};
