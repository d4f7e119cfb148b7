// A chart of any result: line, bar, scatter or heatmap, drawn as SVG in the theme's colours; dragging chooses a part.
"use strict";

(function () {
  const MOST = 5000, MOST_SERIES = 12, HEIGHT = 320, LEFT = 62, RIGHT = 14, TOP = 12, BOTTOM = 34;
  const NS = "http://www.w3.org/2000/svg";
  const isNumber = (type) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL|REAL)/.test(type);
  const isTime = (type) => /^(TIMESTAMP|DATE)/.test(type);

  function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // A value of a JSON answer as a number to place it by; NaN where it has no place.
  const placed = (value, type) => (value === null ? NaN : isTime(type) ? Date.parse(String(value).replace(/(\.\d{3})\d*/, "$1")) : Number(value));

  const short = (value) => {
    const size = Math.abs(value);
    if (size >= 1e4) return value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
    return String(Number(value.toPrecision(size >= 1 ? 4 : 2)));
  };

  function timeText(ms, span) {
    const date = new Date(ms), clock = qt.clock(date);
    return span > 2 * 86400e3 ? qt.day(date) : span > 120e3 ? clock.slice(0, 5) : clock.slice(0, span > 4e3 ? 8 : 12);
  }

  const TIME_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * 60e3), ...[1, 2, 7, 14, 30, 90, 365].map((days) => days * 86400e3)];

  function timeTicks(low, high, count) {
    const step = TIME_STEPS.find((one) => (high - low) / one <= count) || (high - low) / count, zone = new Date(low).getTimezoneOffset() * 60e3, list = [];
    for (let at = Math.ceil((low - zone) / step) * step + zone; at <= high; at += step) list.push(at);
    return list;
  }

  function ticks(low, high, count) {
    const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power, list = [];
    for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) list.push(at);
    return list;
  }

  qt.SqlChart = class {
    constructor(host, { onChoose }) {
      Object.assign(this, { host, onChoose, answer: null, choice: null });
      this.resized = new ResizeObserver(() => this.answer && this.draw());
      this.resized.observe(host);
    }

    destroy() { this.resized.disconnect(); }

    show(answer) {
      const names = JSON.stringify(answer.columns);
      if (names !== this.names) this.choice = this.guess(answer.columns);
      Object.assign(this, { answer, names });
      this.draw();
    }

    guess(columns) {
      const find = (claim) => columns.findIndex((column, i) => claim(column.type, i));
      const time = find(isTime), x = Math.max(time, 0) === time ? time : Math.max(find((type) => !isNumber(type)), 0);
      const y = Math.max(find((type, i) => isNumber(type) && i !== x), 0);
      const series = time >= 0 ? find((type, i) => i !== x && i !== y && /VARCHAR|BOOLEAN/.test(type)) : -1;
      const others = columns.filter((column, i) => isNumber(column.type) && i !== x).length;
      return { kind: time >= 0 ? "line" : isNumber(columns[x]?.type || "") && others ? "scatter" : "bar", x, y, series };
    }

    draw() {
      const { columns, rows } = this.answer, { choice } = this;
      const select = (label, name, none) => qt.make("label", {}, qt.make("span", { text: label }), this.select(name, columns, none));
      const kinds = ["line", "bar", "scatter", "heatmap"].map((kind) => qt.make("button", {
        type: "button", className: "qt-segment", text: kind, "aria-pressed": String(choice.kind === kind), onclick: () => this.change({ kind }),
      }));
      const bar = qt.make("div", { className: "qt-sql-chart-bar" },
        qt.make("span", { className: "qt-segments", role: "group", "aria-label": "Kind of chart" }, ...kinds),
        select("x", "x"), select(choice.kind === "heatmap" ? "row" : "y", "y"), select(choice.kind === "heatmap" ? "colour" : "by", "series", choice.kind !== "heatmap"),
        (this.chosen = qt.make("span", { className: "qt-sql-chosen" })));
      const points = this.points(columns, rows.slice(0, MOST));
      this.host.replaceChildren(bar, points.length ? this.picture(points, columns) : qt.make("p", { className: "qt-muted qt-card-empty", text: "Nothing to draw with these columns." }));
      if (rows.length > MOST) bar.append(qt.make("span", { className: "qt-muted", text: `The first ${MOST.toLocaleString("en")} rows` }));
    }

    select(name, columns, hasNone) {
      const list = qt.make("select", { "aria-label": `Column for ${name}`, onchange: (event) => this.change({ [name]: Number(event.target.value) }) },
        hasNone && qt.make("option", { value: "-1", text: "–" }), ...columns.map((column, i) => qt.make("option", { value: i, text: column.name.slice(0, 40) })));
      list.value = this.choice[name];
      return list;
    }

    change(changes) {
      Object.assign(this.choice, changes);
      if (this.choice.kind === "heatmap" && this.choice.series < 0) this.choice.series = this.answer.columns.findIndex((column, i) => isNumber(column.type) && i !== this.choice.x && i !== this.choice.y);
      this.draw();
    }

    points(columns, rows) {
      const { x, y, series, kind } = this.choice, list = [];
      const isWords = (i) => !isNumber(columns[i].type) && !isTime(columns[i].type);
      for (const row of rows) {
        const point = { x: isWords(x) ? String(row[x]) : placed(row[x], columns[x].type), y: kind === "heatmap" && isWords(y) ? String(row[y]) : placed(row[y], columns[y].type), series: series >= 0 ? String(row[series]) : "", value: series >= 0 ? Number(row[series]) : NaN };
        if ((typeof point.x === "string" || Number.isFinite(point.x)) && (typeof point.y === "string" || Number.isFinite(point.y))) list.push(point);
      }
      return list;
    }

    // ---- drawing ----
    picture(points, columns) {
      const { kind, x, y, series } = this.choice, width = Math.max(320, this.host.clientWidth - 20);
      const across = this.scale(points.map((point) => point.x), LEFT, width - RIGHT, kind === "bar" || kind === "heatmap");
      const up = this.scale(points.map((point) => point.y), HEIGHT - BOTTOM, TOP, kind === "heatmap", kind === "bar" || kind === "line");
      const picture = svg("svg", { class: "qt-sql-chart", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": `${kind} of ${columns[y].name} over ${columns[x].name}` });
      this.axis(picture, across, isTime(columns[x].type), true, width);
      this.axis(picture, up, isTime(columns[y].type), false, width);
      const groups = new Map();
      for (const point of points) groups.set(point.series, [...(groups.get(point.series) || []), point]);
      if (kind === "heatmap") this.cells(picture, points, across, up);
      const isService = series >= 0 && /(^|_)service(_name)?$/.test(columns[series].name);
      const colour = (name, i) => (isService ? qt.serviceColour(name) : series >= 0 ? `var(--qt-service-${i})` : "var(--qt-accent-solid)");
      if (kind !== "heatmap") [...groups].slice(0, MOST_SERIES).forEach(([name, list], i) => this.series(picture, list, across, up, colour(name, i), i, Math.min(groups.size, MOST_SERIES), name));
      this.brush(picture, across, up, columns);
      const legend = series >= 0 && kind !== "heatmap" && qt.make("div", { className: "qt-sql-legend" }, ...[...groups.keys()].slice(0, MOST_SERIES).map((name, i) => qt.make("span", {}, qt.make("i", { className: "qt-swatch", style: `background: ${colour(name, i)}` }), name.slice(0, 60))),
        groups.size > MOST_SERIES && qt.make("span", { className: "qt-muted", text: `and ${groups.size - MOST_SERIES} more` }));
      return qt.make("div", { className: "qt-sql-picture" }, picture, legend);
    }

    // Words stand in bands, in the order of the rows; numbers and times on a line.
    scale(values, from, to, isBanded, hasZero) {
      const distinct = [...new Set(values)];
      const words = distinct.some((value) => typeof value === "string");
      if (words || (isBanded && distinct.length <= 400)) {
        const list = words ? distinct.map(String) : distinct.sort((a, b) => a - b), step = (to - from) / list.length, places = new Map(list.map((value, i) => [value, from + step * (i + 0.5)]));
        return { list, step: Math.abs(step), at: (value) => places.get(words ? String(value) : value), isWords: words, value: (pixel) => list[Math.min(list.length - 1, Math.max(0, Math.floor((pixel - from) / step)))] };
      }
      let low = hasZero ? 0 : Infinity, high = hasZero ? 0 : -Infinity;
      for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
      if (low === high) high = low + 1;
      return { low, high, step: 0, at: (value) => from + ((value - low) / (high - low)) * (to - from), value: (pixel) => low + ((pixel - from) / (to - from)) * (high - low) };
    }

    axis(picture, scale, isTime, isAcross, width) {
      const most = isAcross ? Math.floor((width - LEFT) / 90) : 6;
      const list = scale.list ? scale.list.filter((_, i) => i % Math.ceil(scale.list.length / most) === 0) : (isTime ? timeTicks : ticks)(scale.low, scale.high, most);
      const span = scale.list ? (isTime ? scale.list.at(-1) - scale.list[0] : 0) : scale.high - scale.low;
      for (const value of list) {
        const at = scale.at(value), text = typeof value === "string" ? value : isTime ? timeText(value, span) : short(value);
        if (!isAcross) picture.append(svg("line", { x1: LEFT, x2: width - RIGHT, y1: at, y2: at, class: "qt-sql-rule" }));
        const label = svg("text", isAcross ? { x: at, y: HEIGHT - BOTTOM + 18, "text-anchor": "middle" } : { x: LEFT - 8, y: at + 4, "text-anchor": "end" });
        label.textContent = text.length > (isAcross ? 14 : 9) ? `${text.slice(0, isAcross ? 13 : 8)}…` : text;
        label.append(svg("title"));
        label.lastChild.textContent = text;
        picture.append(label);
      }
    }

    series(picture, list, across, up, colour, index, count, name) {
      const titled = (element, point) => {
        element.append(svg("title"));
        element.lastChild.textContent = `${name && `${name}: `}${typeof point.x === "string" ? point.x : isTime(this.answer.columns[this.choice.x].type) ? timeText(point.x, 0) : point.x}, ${point.y}`;
        picture.append(element);
      };
      if (this.choice.kind === "line") {
        const sorted = typeof list[0].x === "number" ? [...list].sort((a, b) => a.x - b.x) : list;
        picture.append(svg("polyline", { points: sorted.map((point) => `${across.at(point.x)},${up.at(point.y)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 1.7, "stroke-linejoin": "round" }));
        if (sorted.length <= 200) for (const point of sorted) titled(svg("circle", { cx: across.at(point.x), cy: up.at(point.y), r: 2.5, fill: colour }), point);
      } else if (this.choice.kind === "bar") {
        const width = Math.max(1, (across.step * 0.8) / count), zero = up.at(0);
        for (const point of list) titled(svg("rect", { x: across.at(point.x) - across.step * 0.4 + width * index, width, y: Math.min(zero, up.at(point.y)), height: Math.max(1, Math.abs(zero - up.at(point.y))), fill: colour, rx: Math.min(2, width / 4) }), point);
      } else for (const point of list) titled(svg("circle", { cx: across.at(point.x), cy: up.at(point.y), r: 3, fill: colour, "fill-opacity": 0.65 }), point);
    }

    cells(picture, points, across, up) {
      const most = Math.max(...points.map((point) => point.value || 0), 1e-9);
      for (const point of points) {
        const cell = svg("rect", { x: across.at(point.x) - (across.step || 8) / 2, width: Math.max(1, (across.step || 8) - 1), y: up.at(point.y) - (up.step || 8) / 2, height: Math.max(1, (up.step || 8) - 1), fill: "var(--qt-accent-solid)", "fill-opacity": 0.08 + 0.92 * Math.sqrt(Math.max(point.value || 0, 0) / most) });
        cell.append(svg("title"));
        cell.lastChild.textContent = `${point.x}, ${point.y}: ${point.value}`;
        picture.append(cell);
      }
    }

    // ---- choosing ----
    brush(picture, across, up, columns) {
      const shade = svg("rect", { class: "qt-sql-brush", y: TOP, height: HEIGHT - TOP - BOTTOM, visibility: "hidden" });
      const place = (event) => Math.min(Math.max(event.clientX - picture.getBoundingClientRect().left, LEFT), picture.viewBox.baseVal.width - RIGHT);
      let start = null;
      picture.append(shade);
      picture.addEventListener("pointerdown", (event) => { start = place(event); picture.setPointerCapture(event.pointerId); });
      picture.addEventListener("pointermove", (event) => {
        if (start === null) return;
        const now = place(event);
        for (const [name, value] of Object.entries({ x: Math.min(start, now), width: Math.abs(now - start), visibility: "visible" })) shade.setAttribute(name, value);
      });
      picture.addEventListener("pointerup", (event) => {
        const from = start, to = place(event);
        start = null;
        if (from === null || Math.abs(to - from) < 4) { shade.setAttribute("visibility", "hidden"); this.chosen.replaceChildren(); return; }
        this.offer(columns[this.choice.x], across, Math.min(from, to), Math.max(from, to));
      });
    }

    offer(column, scale, from, to) {
      const name = /^[a-z_][a-z0-9_]*$/.test(column.name) ? column.name : `"${column.name.replaceAll('"', '""')}"`;
      const literal = (value) => (isTime(column.type) ? `timestamp '${new Date(value).toISOString().replace("T", " ").replace("Z", "")}'` : String(value));
      let condition;
      if (scale.isWords) {
        const words = scale.list.filter((word) => scale.at(word) >= from && scale.at(word) <= to);
        if (!words.length) return;
        condition = `${name}::varchar in (${words.map((word) => `'${word.replaceAll("'", "''")}'`).join(", ")})`;
      } else condition = `${name} >= ${literal(scale.value(from))} and ${name} <= ${literal(scale.value(to))}`;
      this.chosen.replaceChildren(qt.make("button", { type: "button", className: "qt-button", title: condition, text: "Only this part", onclick: () => this.onChoose(condition) }));
    }
  };
})();
