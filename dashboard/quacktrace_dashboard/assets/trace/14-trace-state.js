// What a link to a trace says besides the trace: the view, what is hidden, found, zoomed and selected.
"use strict";

qt.traceState = {
  MODES: ["all", "critical", "errors", "services"],

  // What the page shows now, as parameters; null for what is as usual.
  of(page) {
    const { model, waterfall } = page;
    const hidden = [...model.hiddenServices].map((service) => model.data.services[service]);
    return {
      view: page.view === page.usualView ? null : page.view,
      span: waterfall.selected >= 0 ? model.spanId(waterfall.selected) : page.awaited,
      mode: model.mode === "all" ? null : model.mode,
      find: page.tools.find.value.trim() || null,
      level: Number.isFinite(page.depth) ? String(page.depth) : null,
      hide: hidden.length ? JSON.stringify(hidden.sort()) : null,
      fold: model.repeats.groups.length && !model.hasFolds ? "0" : null,
      clocks: model.isAligned ? "aligned" : null,
      zoom: model.isZoomed ? `${qt.traceState.us(model.from)}-${qt.traceState.us(model.to)}` : null,
      flame: page.views.flame ? (page.views.flame.order === "time" ? null : page.views.flame.order) : undefined,
      show: page.views.logs ? (page.views.logs.show === "all" ? null : page.views.logs.show) : undefined,
      compare: page.compareId,
    };
  },

  us: (value) => String(Math.round(value * 1000) / 1000),

  // Put a link's parameters into the model; nothing in them is trusted.
  apply(parameters, model) {
    const get = (name) => parameters.get(name) || "";
    if (get("clocks") === "aligned") model.setAligned(true);
    if (this.MODES.includes(get("mode"))) model.mode = get("mode");
    if (get("fold") === "0") model.folded.fill(0);
    for (const service of this.list(get("hide"))) {
      const index = model.data.services.indexOf(service);
      if (index >= 0) model.hiddenServices.add(index);
    }
    const level = /^\d{1,5}$/.test(get("level")) ? Number(get("level")) : Infinity;
    if (Number.isFinite(level)) model.collapseBelow(level);
    const zoom = /^(-?[\d.]+)-(-?[\d.]+)$/.exec(get("zoom"));
    if (zoom && Number(zoom[1]) < Number(zoom[2])) model.zoom(Number(zoom[1]), Number(zoom[2]));
    if (get("find")) model.find(get("find"));
    model.refresh();
    return { level };
  },

  list(text) {
    try {
      const list = JSON.parse(text);
      return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
    } catch {
      return [];
    }
  },
};
