// One row of the waterfall, used again for another span whenever it is scrolled out of sight; and what a span's tip says.
"use strict";

qt.WaterfallRow = class {
  static MAX_SEGMENTS = 40; // after those closer than two pixels are drawn as one
  static MAX_MARKS = 60;

  constructor(waterfall, slot) {
    const { make } = qt;
    this.waterfall = waterfall;
    this.position = this.row = this.version = -1;
    this.ticks = [];
    this.segments = [];
    this.marks = [];
    this.twisty = make("span", { className: "qt-wf-twisty" });
    this.swatch = make("i", { className: "qt-swatch" });
    this.service = make("span", { className: "qt-wf-service" });
    this.operation = make("span", { className: "qt-wf-operation" });
    this.query = make("span", { className: "qt-wf-query" });
    this.repeat = make("span", { className: "qt-wf-repeat", hidden: true });
    this.badges = make("span", { className: "qt-wf-badges" });
    this.self = make("span", { className: "qt-wf-self" });
    this.names = make(
      "div",
      { className: "qt-wf-names", role: "gridcell" },
      this.twisty,
      this.swatch,
      this.service,
      this.operation,
      this.repeat,
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
      { selected, colours } = this.waterfall,
      { data } = model;
    const isError = model.isError(row),
      children = model.childCount[row],
      group = model.repeatsAt(row),
      isFolded = Boolean(model.foldedGroup(row)),
      isCollapsed = Boolean(model.collapsed[row]);
    const { element } = this;
    element.hidden = false;
    element.style.transform = `translateY(${position * qt.Waterfall.ROW_HEIGHT}px)`;
    element.dataset.row = row;
    const states = [
      (isFolded ? group.errors > 0 : isError) && "is-error",
      row === selected && "is-selected",
      model.asked[row] && "is-asked",
      model.matched[row] && "is-match",
      isFolded && "is-folded",
    ];
    element.className = ["qt-wf-row", ...states.filter(Boolean)].join(" ");
    element.setAttribute("aria-rowindex", position + 1);
    element.setAttribute("aria-level", model.depth(row) + 1);
    element.setAttribute("aria-selected", row === selected);
    const isParent = isFolded || (children > 0 && model.mode !== "services");
    isParent
      ? element.setAttribute("aria-expanded", !isCollapsed && !isFolded)
      : element.removeAttribute("aria-expanded");

    this.names.style.setProperty("--qt-depth", Math.min(model.depth(row), 30));
    this.twisty.className = `qt-wf-twisty${isParent ? (isCollapsed || isFolded ? " is-collapsed" : " is-open") : ""}`;
    this.twisty.textContent = isFolded || !isParent || !isCollapsed ? "" : qt.count(model.subtreeEnd[row] - row - 1);
    this.swatch.style.background = colours[data.svc[row]];
    // A service is named where it begins; below itself its colour is enough, and operations get the room.
    this.service.textContent = model.service(row);
    this.service.classList.toggle("is-same", !model.isEntry(row) && row !== selected);
    this.operation.textContent = model.operation(row);
    this.query.textContent = model.queryText(row);
    this.self.textContent = qt.duration(isFolded ? group.self : data.self_us[row]);
    this.drawRepeat(group, isFolded);
    this.drawBadges(isError);
    this.drawTimes(isError, isFolded ? group : null);
  }

  // What stands for alike siblings, and on the first of them the way to fold them again.
  drawRepeat(group, isFolded) {
    const isShown = Boolean(group) && (isFolded || (group.first === this.row && this.model.mode === "all"));
    this.repeat.hidden = !isShown;
    if (!isShown) return;
    const failed = group.errors ? `, ${qt.count(group.errors)} failed` : "";
    const times = `×${qt.count(group.count)}`;
    this.repeat.textContent = isFolded ? `${times}, ${qt.duration(group.total)}${failed}` : `fold ${times}`;
    this.repeat.title = isFolded
      ? `${times} alike below one parent, ${qt.duration(group.total)} in all${failed}. Click to see each`
      : "Show these alike siblings as one row";
  }

  drawTimes(isError, group) {
    const { model, row } = this,
      { width, colours } = this.waterfall,
      { data } = model;
    const scale = width / (model.to - model.from);
    const end = group ? group.rows.reduce((last, i) => Math.max(last, model.end(i)), 0) : model.end(row);
    const left = (model.start[row] - model.from) * scale,
      right = (end - model.from) * scale;
    const shownLeft = Math.max(left, -4),
      shownWidth = Math.max(Math.min(right, width + 4) - shownLeft, 2);
    const isOutside = right < -1 || left > width + 1;
    this.bar.hidden = isOutside;
    this.bar.style.cssText = `transform:translateX(${shownLeft}px);width:${shownWidth}px;background-color:${colours[data.svc[row]]}`;
    this.bar.classList.toggle("is-unfinished", model.has(row, qt.FLAG.UNFINISHED));
    this.drawLabel(
      group ? group.errors > 0 : isError,
      left,
      right,
      isOutside,
      group ? end - model.start[row] : data.dur_us[row],
    );
    this.drawMarks(scale, group, isOutside);
    this.drawSegments(group ? 0 : scale);
    this.drawTicks(group ? 0 : scale);
  }

  // Over the bar: time in which no child ran, time after the parent's end, and of folded siblings each one.
  drawMarks(scale, group, isOutside) {
    const { MAX_MARKS } = qt.WaterfallRow,
      { model, row } = this,
      { width, colours } = this.waterfall;
    let used = 0;
    const mark = (from, to, className, least) => {
      const left = Math.max((from - model.from) * scale, 0),
        right = Math.min((to - model.from) * scale, width);
      if (used >= MAX_MARKS || right - left < least) return;
      const line = (this.marks[used] ??= this.times.insertBefore(qt.make("i", {}), this.label));
      line.hidden = false;
      line.className = className;
      line.style.cssText = `transform:translateX(${left}px);width:${Math.max(right - left, 1.5)}px`;
      if (className === "qt-wf-each") line.style.backgroundColor = colours[model.data.svc[row]];
      used++;
    };
    if (!isOutside && group) {
      for (const [from, to] of this.joined(
        group.rows.map((i) => [model.start[i], model.end(i)]),
        scale,
        1,
      ))
        mark(from, to, "qt-wf-each", -Infinity);
    } else if (!isOutside) {
      const least = Math.max(10, width * 0.015);
      for (const [from, to] of model.gapsOf(row)) mark(from, to, "qt-wf-gap", least);
      const late = model.overhang(row);
      if (late > 0) mark(model.end(row) - late, model.end(row), "qt-wf-late", 3);
    }
    for (; used < this.marks.length; used++) this.marks[used].hidden = true;
  }

  drawLabel(isError, left, right, isOutside, us) {
    const { width } = this.waterfall;
    this.label.hidden = isOutside && !isError;
    this.label.textContent =
      (isError ? "✕ " : "") +
      (isOutside && right < 0 ? "‹ " : "") +
      qt.duration(us) +
      (isOutside && left > 0 ? " ›" : "");
    const room = 78;
    if (right + room < width || right < 0)
      this.label.style.cssText = `transform:translateX(${Math.max(this.lastTick(right, room), 0) + 6}px)`;
    else if (left > room) this.label.style.cssText = `right:${Math.max(width - left, 0) + 6}px`;
    else this.label.style.cssText = "right:8px";
    this.label.classList.toggle("is-inside", right + room >= width && left <= room && right >= 0);
  }

  // The bar's end, or behind it the last event that would stand in the label's place.
  lastTick(right, room) {
    const { model, row } = this,
      scale = this.waterfall.width / (model.to - model.from);
    return (model.events.get(row) || []).reduce((last, [, at]) => {
      const x = (at + model.shift(row) - model.from) * scale + 5;
      return x > last && x < right + room / 2 ? x : last;
    }, right);
  }

  drawBadges(isError) {
    const { model, row } = this,
      { FLAG, make } = qt;
    const flags =
      model.data.flags[row] & (FLAG.ORPHAN | FLAG.SKEWED | FLAG.LINKS | FLAG.LOGS | FLAG.UNFINISHED | FLAG.CYCLE);
    const wait = model.queueWait(row),
      key = `${flags}${isError}${wait}${flags & (FLAG.ORPHAN | FLAG.SKEWED) ? row + String(model.isAligned) : ""}`;
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
        flags & FLAG.ORPHAN && badge("parent missing", qt.orphanReason(model, row)),
        flags & FLAG.UNFINISHED && badge("unfinished", "The span has begun and not ended"),
        flags & FLAG.CYCLE && badge("cycle", "Its parents formed a circle, which was cut here"),
        flags & FLAG.SKEWED &&
          small(
            "clock",
            model.isAligned && model.shift(row)
              ? `Begins before its parent by its own clock; moved by ${qt.duration(model.shift(row))}`
              : "Begins before its parent: clocks disagree; shown as sent",
          ),
        flags & FLAG.LINKS && small("span-link", "Linked to other spans"),
        flags & FLAG.LOGS && small("logs", "Has log records"),
      ].filter(Boolean),
    );
  }

  // Stretches of time by their start, those closer than `near` pixels as one; what is out of sight is left out.
  joined(stretches, scale, near) {
    const { from: first, to: last } = this.model,
      joined = [];
    for (const [from, to] of stretches) {
      if (to < first || from > last) continue;
      const before = joined[joined.length - 1];
      if (before && (from - before[1]) * scale < near) before[1] = Math.max(before[1], to);
      else joined.push([from, to]);
    }
    return joined;
  }

  drawSegments(scale) {
    const { model, row } = this,
      shift = model.shift(row);
    const segments = (scale && model.segments.get(row)) || [];
    let used = 0;
    for (const [from, to] of this.joined(
      segments.map(([, from, to]) => [from + shift, to + shift]),
      scale,
      2,
    )) {
      if (used >= qt.WaterfallRow.MAX_SEGMENTS) break;
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
    for (const [, sentAt, name] of scale ? events : []) {
      const at = sentAt + model.shift(row);
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
