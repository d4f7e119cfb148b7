// One row of the waterfall, used again for another span whenever it is scrolled out of sight; and what a span's tip says.
"use strict";

qt.WaterfallRow = class {
  static MAX_SEGMENTS = 40;

  constructor(waterfall, slot) {
    const { make } = qt;
    this.waterfall = waterfall;
    this.position = this.row = this.version = -1;
    this.ticks = [];
    this.segments = [];
    this.twisty = make("span", { className: "qt-wf-twisty" });
    this.swatch = make("i", { className: "qt-swatch" });
    this.service = make("span", { className: "qt-wf-service" });
    this.operation = make("span", { className: "qt-wf-operation" });
    this.query = make("span", { className: "qt-wf-query" });
    this.badges = make("span", { className: "qt-wf-badges" });
    this.self = make("span", { className: "qt-wf-self" });
    this.names = make(
      "div",
      { className: "qt-wf-names", role: "gridcell" },
      this.twisty,
      this.swatch,
      this.service,
      this.operation,
      this.query,
      this.badges,
      this.self,
    );
    this.bar = make("div", { className: "qt-wf-bar" });
    this.label = make("span", { className: "qt-wf-label" });
    this.times = make("div", { className: "qt-wf-bars", role: "gridcell" }, this.bar, this.label);
    this.element = make(
      "div",
      { className: "qt-wf-row", role: "row", id: `qt-wf-row-${slot}`, hidden: true },
      this.names,
      this.times,
    );
    waterfall.pad.append(this.element);
  }

  get model() {
    return this.waterfall.model;
  }

  hide() {
    if (this.position === -1) return;
    this.position = -1;
    this.element.hidden = true;
  }

  // Rewrites the row if anything about it may have changed since it was drawn.
  show(position, row) {
    const { version } = this.waterfall;
    if (this.position === position && this.row === row && this.version === version) return;
    Object.assign(this, { position, row, version });
    this.draw();
  }

  draw() {
    const { model, row, position } = this,
      { width, selected, colours } = this.waterfall,
      { data } = model;
    const isError = model.isError(row),
      children = model.childCount[row],
      isCollapsed = Boolean(model.collapsed[row]);
    const { element } = this;
    element.hidden = false;
    element.style.transform = `translateY(${position * qt.Waterfall.ROW_HEIGHT}px)`;
    element.dataset.row = row;
    element.className = `qt-wf-row${isError ? " is-error" : ""}${row === selected ? " is-selected" : ""}${model.matched[row] ? " is-match" : ""}`;
    element.setAttribute("aria-rowindex", position + 1);
    element.setAttribute("aria-level", data.depth[row] + 1);
    element.setAttribute("aria-selected", row === selected);
    children ? element.setAttribute("aria-expanded", !isCollapsed) : element.removeAttribute("aria-expanded");

    this.names.style.setProperty("--qt-depth", Math.min(data.depth[row], 30));
    this.twisty.className = `qt-wf-twisty${children ? (isCollapsed ? " is-collapsed" : " is-open") : ""}`;
    this.twisty.textContent = isCollapsed ? qt.count(model.subtreeEnd[row] - row - 1) : "";
    this.swatch.style.background = colours[data.svc[row]];
    // A service is named where it begins; below itself its colour is enough, and operations get the room.
    this.service.textContent = model.service(row);
    this.service.classList.toggle(
      "is-same",
      data.parent[row] >= 0 && data.svc[data.parent[row]] === data.svc[row] && row !== selected,
    );
    this.operation.textContent = model.operation(row);
    this.query.textContent = model.queryText(row);
    this.self.textContent = qt.duration(data.self_us[row]);
    this.drawBadges(isError);

    const scale = width / (model.to - model.from);
    const left = (data.start[row] - model.from) * scale,
      right = left + data.dur_us[row] * scale;
    const shownLeft = Math.max(left, -4),
      shownWidth = Math.max(Math.min(right, width + 4) - shownLeft, 2);
    const isOutside = right < -1 || left > width + 1;
    this.bar.hidden = isOutside;
    this.bar.style.cssText = `transform:translateX(${shownLeft}px);width:${shownWidth}px;background-color:${colours[data.svc[row]]}`;
    this.bar.classList.toggle("is-unfinished", model.has(row, qt.FLAG.UNFINISHED));
    this.drawLabel(isError, left, right, isOutside);
    this.drawSegments(scale);
    this.drawTicks(scale);
  }

  drawLabel(isError, left, right, isOutside) {
    const { model, row } = this,
      { width } = this.waterfall;
    this.label.hidden = isOutside && !isError;
    this.label.textContent =
      (isError ? "✕ " : "") +
      (isOutside && right < 0 ? "‹ " : "") +
      qt.duration(model.data.dur_us[row]) +
      (isOutside && left > 0 ? " ›" : "");
    const room = 78;
    if (right + room < width || right < 0)
      this.label.style.cssText = `transform:translateX(${Math.max(right, 0) + 6}px)`;
    else if (left > room) this.label.style.cssText = `right:${Math.max(width - left, 0) + 6}px`;
    else this.label.style.cssText = "right:8px";
    this.label.classList.toggle("is-inside", right + room >= width && left <= room && right >= 0);
  }

  drawBadges(isError) {
    const { model, row } = this,
      { FLAG, make } = qt;
    const flags =
      model.data.flags[row] & (FLAG.ORPHAN | FLAG.SKEWED | FLAG.LINKS | FLAG.LOGS | FLAG.UNFINISHED | FLAG.CYCLE);
    const wait = model.queueWait(row),
      key = `${flags}${isError}${wait}`;
    if (this.badgeKey === key) return;
    this.badgeKey = key;
    const badge = (text, title, more = "") => make("em", { className: `qt-wf-badge ${more}`, text, title });
    const small = (name, title) => {
      const mark = qt.icon(name);
      mark.title = title;
      return mark;
    };
    this.badges.replaceChildren(
      ...[
        isError && small("error", "This span failed"),
        wait > 1000 &&
          badge(`queued ${qt.duration(wait)}`, "From the end of sending to the beginning of processing", "is-quiet"),
        flags & FLAG.ORPHAN && badge("parent missing", "Its parent span never arrived"),
        flags & FLAG.UNFINISHED && badge("unfinished", "The span has begun and not ended"),
        flags & FLAG.CYCLE && badge("cycle", "Its parents formed a circle, which was cut here"),
        flags & FLAG.SKEWED && small("clock", "Its clock disagrees with its parent's; the bar was moved"),
        flags & FLAG.LINKS && small("span-link", "Linked to other spans"),
        flags & FLAG.LOGS && small("logs", "Has log records"),
      ].filter(Boolean),
    );
  }

  drawSegments(scale) {
    const { model, row } = this,
      segments = model.segments.get(row) || [];
    let used = 0;
    for (const [, from, to] of segments) {
      if (used >= qt.WaterfallRow.MAX_SEGMENTS) break;
      if (to < model.from || from > model.to) continue;
      const left = Math.max((from - model.from) * scale, 0),
        right = Math.min((to - model.from) * scale, this.waterfall.width);
      const line = (this.segments[used] ??= this.times.appendChild(qt.make("i", { className: "qt-wf-critical" })));
      line.hidden = false;
      line.style.cssText = `transform:translateX(${left}px);width:${Math.max(right - left, 1.5)}px`;
      used++;
    }
    for (; used < this.segments.length; used++) this.segments[used].hidden = true;
  }

  drawTicks(scale) {
    const { model, row } = this,
      events = model.events.get(row) || [];
    let used = 0;
    for (const [, at, name] of events) {
      if (at < model.from || at > model.to) continue;
      const tick = (this.ticks[used] ??= this.times.appendChild(qt.make("i", {})));
      tick.hidden = false;
      tick.className = `qt-wf-tick${model.data.event_names[name] === "exception" ? " is-exception" : ""}`;
      tick.style.transform = `translateX(${(at - model.from) * scale}px)`;
      used++;
    }
    for (; used < this.ticks.length; used++) this.ticks[used].hidden = true;
  }
};

qt.spanTipLines = function (model, row, colour) {
  const { data } = model,
    { make } = qt,
    critical = model.criticalTime(row);
  const line = (label, value) => make("div", {}, make("span", { text: label }), make("b", { text: value }));
  const children = model.childCount[row],
    events = (model.events.get(row) || []).length;
  return [
    make("strong", { text: model.operation(row) }),
    make(
      "div",
      { className: "qt-wf-tip-service" },
      make("i", { className: "qt-swatch", style: `background:${colour}` }),
      make("span", { text: model.service(row) }),
      make("span", { text: qt.KINDS[data.kind[row]] || "" }),
    ),
    model.isError(row) && make("div", { className: "qt-error-text", text: "✕ error" }),
    line("Duration", qt.duration(data.dur_us[row])),
    line("Self time", qt.duration(data.self_us[row])),
    line("Starts at", `+${qt.duration(Math.max(data.start[row], 0))}`),
    model.queueWait(row) > 0 && line("Waited in the queue", qt.duration(model.queueWait(row))),
    critical > 0 && line("On the critical path", qt.duration(critical)),
    children > 0 && line("Children", qt.count(children)),
    events > 0 && line("Events", qt.count(events)),
    model.queryText(row) && make("code", { text: model.queryText(row) }),
  ].filter(Boolean);
};
