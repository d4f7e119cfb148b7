// The spans of a trace by operation: how often, how long in all and in itself, and how many failed. Headings sort.
"use strict";

qt.operationStatistics = function (model) {
  const { n, data } = model,
    rows = new Map();
  for (let i = 0; i < n; i++) {
    const key = data.svc[i] * data.names.length + data.name[i];
    let one = rows.get(key);
    if (!one) {
      one = {
        service: model.service(i),
        operation: model.operation(i),
        svc: data.svc[i],
        kind: qt.KINDS[data.kind[i]] || "",
      };
      Object.assign(one, { count: 0, total: 0, self: 0, critical: 0, max: 0, errors: 0, slowest: i, matched: 0 });
      rows.set(key, one);
    }
    one.count++;
    one.total += data.dur_us[i];
    one.self += data.self_us[i];
    one.errors += model.isError(i) ? 1 : 0;
    one.matched += model.matched[i];
    if (data.dur_us[i] >= one.max) [one.max, one.slowest] = [data.dur_us[i], i];
  }
  for (const [row] of model.segments)
    rows.get(data.svc[row] * data.names.length + data.name[row]).critical += model.criticalTime(row);
  for (const one of rows.values()) one.avg = one.total / one.count;
  return [...rows.values()];
};

qt.TraceOperations = class {
  static COLUMNS = [
    ["service", "Service", ""],
    ["operation", "Operation", ""],
    ["count", "Count", "Spans"],
    ["total", "Total", "Durations added up; what ran at once counts twice"],
    ["self", "Self time", "Time in the spans themselves, not in their children"],
    ["critical", "Critical", "Time of these spans that the whole trace waited for"],
    ["avg", "Average", "Total by count"],
    ["max", "Longest", "The longest of them; a click opens it"],
    ["errors", "Errors", "Spans that failed"],
  ];

  // `sort` is a column, with - in front for the greatest first; onSort is told when it changes.
  constructor(host, model, { onSelect, onSort, sort, colours }) {
    Object.assign(this, { host, model, onSelect, onSort, colours });
    this.sort = qt.TraceOperations.COLUMNS.some(([name]) => name === (sort || "").replace("-", "")) ? sort : "-self";
    host.classList.add("qt-operations");
    this.head = qt.make("div", { className: "qt-operations-head", role: "row" });
    host.replaceChildren(this.head);
    this.list = new qt.VirtualList(host, {
      rowHeight: 30,
      role: "grid",
      label: "Operations of this trace",
      fill: (element, item) => this.fill(element, item),
      open: (item) => this.onSelect(item.slowest, true),
    });
    this.update();
  }

  destroy() {
    this.list.destroy();
  }

  setModel(model, colours) {
    Object.assign(this, { model, colours });
    this.update();
  }

  update() {
    const found = this.model.matches.length > 0;
    this.items = qt.operationStatistics(this.model).filter((one) => !found || one.matched);
    this.most = this.items.reduce((most, one) => Math.max(most, one.self), 0) || 1;
    this.draw();
  }

  draw() {
    const { make } = qt,
      column = this.sort.replace("-", ""),
      isDescending = this.sort.startsWith("-");
    this.head.replaceChildren(
      ...qt.TraceOperations.COLUMNS.map(([name, label, title]) =>
        make(
          "button",
          {
            type: "button",
            title,
            role: "columnheader",
            className: name === column ? "is-sorted" : "",
            "aria-sort": name !== column ? "none" : isDescending ? "descending" : "ascending",
            onclick: () =>
              this.sortBy(
                name === column
                  ? isDescending
                    ? name
                    : `-${name}`
                  : ["service", "operation"].includes(name)
                    ? name
                    : `-${name}`,
              ),
          },
          make("span", { text: label }),
          name === column && qt.icon(isDescending ? "chevron-down" : "chevron-up"),
        ),
      ),
    );
    const sign = isDescending ? -1 : 1;
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    this.list.setItems(
      this.items.sort((a, b) => sign * compare(a[column], b[column]) || b.self - a.self || a.slowest - b.slowest),
    );
  }

  sortBy(sort) {
    this.sort = sort;
    this.onSort(sort);
    this.draw();
  }

  fill(element, one) {
    const { make } = qt;
    const cell = (text, className = "") =>
      make("span", { className: `qt-number ${className}`, role: "gridcell", text });
    element.replaceChildren(
      make(
        "span",
        { className: "qt-operations-service", role: "gridcell" },
        make("i", { className: "qt-swatch", style: `background:${this.colours[one.svc]}` }),
        make("b", { text: one.service }),
      ),
      make(
        "span",
        { className: "qt-operations-name", role: "gridcell", title: one.operation },
        make("bdi", { text: one.operation }),
        make("small", { text: one.kind }),
      ),
      cell(qt.count(one.count)),
      cell(qt.duration(one.total)),
      make(
        "span",
        { className: "qt-number qt-operations-self", role: "gridcell" },
        make("i", { style: `width:${(one.self / this.most) * 100}%;background:${this.colours[one.svc]}` }),
        make("span", { text: qt.duration(one.self) }),
      ),
      cell(one.critical ? qt.duration(one.critical) : "–", one.critical ? "" : "qt-faint"),
      cell(qt.duration(one.avg)),
      cell(qt.duration(one.max)),
      cell(one.errors ? `${qt.count(one.errors)} ✕` : "–", one.errors ? "qt-error-text" : "qt-faint"),
    );
  }
};
