// What the waterfall shows, without a pixel of it: the tree, what is collapsed or filtered out, the zoom, the matches.
// Rows are in depth-first order, so a subtree is a slice and the shown rows are always ascending.
"use strict";

qt.FLAG = { CRITICAL: 1, ORPHAN: 2, SKEWED: 4, LINKS: 8, LOGS: 16, UNFINISHED: 32, CYCLE: 64 };
qt.STATUS_ERROR = 2;
qt.KINDS = ["", "internal", "server", "client", "producer", "consumer"];

qt.WaterfallModel = class {
  constructor(data) {
    this.data = data;
    const n = (this.n = data.n);
    this.subtreeEnd = new Int32Array(n);
    this.childCount = new Int32Array(n);
    for (let i = 0; i < n; i++) this.subtreeEnd[i] = i + 1;
    for (let i = n - 1; i > 0; i--) {
      const parent = data.parent[i];
      if (parent < 0) continue;
      this.childCount[parent]++;
      if (this.subtreeEnd[parent] < this.subtreeEnd[i]) this.subtreeEnd[parent] = this.subtreeEnd[i];
    }
    this.collapsed = new Uint8Array(n);
    this.hiddenServices = new Set();
    this.mode = "all";
    this.events = qt.groupByRow(data.events);
    this.segments = qt.groupByRow(data.crit);
    this.matches = [];
    this.matched = new Uint8Array(n);
    this.resetZoom();
    this.refresh();
  }

  // The whole trace, from its first span (which clock skew may put before zero) to its last.
  get extent() {
    if (this._extent) return this._extent;
    const { start, dur_us: duration } = this.data;
    let first = 0,
      last = this.data.dur;
    for (let i = 0; i < this.n; i++) {
      if (start[i] < first) first = start[i];
      if (start[i] + duration[i] > last) last = start[i] + duration[i];
    }
    return (this._extent = [first, last > first ? last : first + 1]);
  }

  resetZoom() {
    [this.from, this.to] = this.extent;
  }

  get isZoomed() {
    return this.from !== this.extent[0] || this.to !== this.extent[1];
  }

  // Keep the zoom inside the trace, and a thousandth of a microsecond wide at least.
  zoom(from, to) {
    const [first, last] = this.extent;
    const width = Math.min(Math.max(to - from, 0.001), last - first);
    this.from = Math.min(Math.max(from, first), last - width);
    this.to = this.from + width;
  }

  refresh() {
    const { svc, parent, status, flags } = this.data;
    const keep = this.mode === "all" ? null : new Uint8Array(this.n);
    if (keep) {
      for (let i = this.n - 1; i >= 0; i--) {
        const isWanted = this.mode === "errors" ? status[i] === qt.STATUS_ERROR : flags[i] & qt.FLAG.CRITICAL;
        if (isWanted) keep[i] = 1;
        if (keep[i] && parent[i] >= 0) keep[parent[i]] = 1;
      }
    }
    const rows = new Int32Array(this.n);
    let count = 0;
    for (let i = 0; i < this.n;) {
      if ((!keep || keep[i]) && !this.hiddenServices.has(svc[i])) rows[count++] = i;
      i = this.collapsed[i] ? this.subtreeEnd[i] : i + 1;
    }
    this.rows = rows.subarray(0, count);
  }

  // Where a row is shown, or where it would be: -1 - position.
  position(row) {
    let low = 0,
      high = this.rows.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle] === row) return middle;
      if (this.rows[middle] < row) low = middle + 1;
      else high = middle - 1;
    }
    return -1 - low;
  }

  setCollapsed(row, isCollapsed) {
    if (!this.childCount[row] || Boolean(this.collapsed[row]) === isCollapsed) return false;
    this.collapsed[row] = isCollapsed ? 1 : 0;
    this.refresh();
    return true;
  }

  // Collapse everything below a depth; Infinity opens everything.
  collapseBelow(depth) {
    for (let i = 0; i < this.n; i++) this.collapsed[i] = this.childCount[i] && this.data.depth[i] >= depth ? 1 : 0;
    this.refresh();
  }

  // Make a row visible, whatever hides it.
  reveal(row) {
    if (this.position(row) >= 0) return;
    for (let i = this.data.parent[row]; i >= 0; i = this.data.parent[i]) this.collapsed[i] = 0;
    this.hiddenServices.delete(this.data.svc[row]);
    this.refresh();
    if (this.position(row) < 0) {
      this.mode = "all";
      this.refresh();
    }
  }

  toggleService(service) {
    this.hiddenServices.has(service) ? this.hiddenServices.delete(service) : this.hiddenServices.add(service);
    this.refresh();
  }

  showOnlyService(service) {
    const isAlready = this.data.services.every((_, i) => this.hiddenServices.has(i) === (i !== service));
    this.hiddenServices = new Set(isAlready ? [] : this.data.services.map((_, i) => i).filter((i) => i !== service));
    this.refresh();
  }

  setMode(mode) {
    this.mode = mode;
    this.refresh();
  }

  // Words match in any order in service, operation and span id; collapsed rows are searched too.
  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.matched.fill(0);
    this.matches = [];
    if (!words.length) return;
    const { services, names, svc, name } = this.data;
    const lowServices = services.map((s) => s.toLowerCase()),
      lowNames = names.map((s) => s.toLowerCase());
    for (let i = 0; i < this.n; i++) {
      const service = lowServices[svc[i]],
        operation = lowNames[name[i]];
      if (
        words.every((word) => service.includes(word) || operation.includes(word) || this.spanId(i).startsWith(word))
      ) {
        this.matched[i] = 1;
        this.matches.push(i);
      }
    }
  }

  // The next row after this one for which a claim holds, around the end; hidden rows count.
  next(row, direction, claim) {
    for (let step = 1; step <= this.n; step++) {
      const i = (((row + direction * step) % this.n) + this.n) % this.n;
      if (claim(i)) return i;
    }
    return -1;
  }

  isError(row) {
    return this.data.status[row] === qt.STATUS_ERROR;
  }
  isCritical(row) {
    return Boolean(this.data.flags[row] & qt.FLAG.CRITICAL);
  }
  has(row, flag) {
    return Boolean(this.data.flags[row] & flag);
  }
  spanId(row) {
    return this.data.sid.substr(row * 16, 16);
  }
  service(row) {
    return this.data.services[this.data.svc[row]];
  }
  operation(row) {
    return this.data.names[this.data.name[row]];
  }

  queryText(row) { return this.data.query_texts?.[this.data.query_text[row]] || ""; }

  // How long a message lay between being sent and being taken; 0 where the row took none.
  queueWait(row) {
    const { kind, parent, start, dur_us: duration } = this.data, sender = parent[row];
    if (qt.KINDS[kind[row]] !== "consumer" || sender < 0 || !["producer", "client"].includes(qt.KINDS[kind[sender]])) return 0;
    return Math.max(start[row] - start[sender] - duration[sender], 0);
  }

  rowOf(spanId) {
    for (let at = this.data.sid.indexOf(spanId); at >= 0; at = this.data.sid.indexOf(spanId, at + 1))
      if (at % 16 === 0) return at / 16;
    return -1;
  }

  criticalTime(row) {
    return (this.segments.get(row) || []).reduce((sum, [, from, to]) => sum + to - from, 0);
  }

  // Carry what the reader did over to a newer version of the same trace.
  adopt(older) {
    for (let i = 0; i < older.n; i++) {
      if (!older.collapsed[i]) continue;
      const row = this.rowOf(older.spanId(i));
      if (row >= 0) this.collapsed[row] = 1;
    }
    for (const service of older.hiddenServices) {
      const index = this.data.services.indexOf(older.data.services[service]);
      if (index >= 0) this.hiddenServices.add(index);
    }
    this.mode = older.mode;
    if (older.isZoomed) this.zoom(older.from, older.to);
    this.refresh();
  }
};

qt.groupByRow = function (entries) {
  const rows = new Map();
  for (const entry of entries || []) {
    const list = rows.get(entry[0]);
    list ? list.push(entry) : rows.set(entry[0], [entry]);
  }
  return rows;
};

// About `count` round steps between two times, in microseconds.
qt.timeTicks = function (from, to, count) {
  const rough = (to - from) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) || 10 * power;
  const ticks = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step * 1e-9; tick += step)
    ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
};
