// What the waterfall shows, without a pixel of it: the tree, what is collapsed, folded or filtered out, the zoom, the
// matches. Rows are in depth-first order, so a subtree is a slice and the shown rows are always ascending.
"use strict";

qt.FLAG = { CRITICAL: 1, ORPHAN: 2, SKEWED: 4, LINKS: 8, LOGS: 16, UNFINISHED: 32, CYCLE: 64 };
qt.STATUS_ERROR = 2;
qt.KINDS = ["", "internal", "server", "client", "producer", "consumer"];

qt.WaterfallModel = class {
  constructor(data) {
    this.data = data;
    const n = (this.n = data.n);
    this.start = data.start; // as sent, or moved where clocks disagree
    this.subtreeEnd = new Int32Array(n);
    this.childCount = new Int32Array(n);
    for (let i = 0; i < n; i++) this.subtreeEnd[i] = i + 1;
    for (let i = n - 1; i > 0; i--) {
      const parent = data.parent[i];
      if (parent < 0) continue;
      this.childCount[parent]++;
      if (this.subtreeEnd[parent] < this.subtreeEnd[i]) this.subtreeEnd[parent] = this.subtreeEnd[i];
    }
    this.clocks = qt.clockOffsets(data);
    this.isAligned = false;
    this.collapsed = new Uint8Array(n);
    this.repeats = qt.repeatedSiblings(data);
    this.folded = new Uint8Array(this.repeats.groups.length).fill(1);
    this.hiddenServices = new Set();
    this.mode = "all";
    this.events = qt.groupByRow(data.events);
    this.segments = qt.groupByRow(data.crit);
    this.missing = new Map(data.missing || []);
    this.gaps = new Map();
    this.matches = [];
    this.matched = new Uint8Array(n);
    this.asked = new Uint8Array(n); // found by the search that led here
    this.resetZoom();
    this.refresh();
  }

  // The whole trace, from its first span (which clock skew may put before zero) to its last.
  get extent() {
    if (this._extent) return this._extent;
    const { start } = this,
      duration = this.data.dur_us;
    let first = 0,
      last = this.isAligned ? 0 : this.data.dur;
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

  // Show spans where their causes put them, or as they were sent.
  setAligned(isAligned) {
    if (!this.clocks || isAligned === this.isAligned) return;
    const { offsets } = this.clocks;
    this.isAligned = isAligned;
    this.start = isAligned ? this.data.start.map((us, i) => us + offsets[i]) : this.data.start;
    this._extent = null;
    this.gaps.clear();
    this.resetZoom();
  }

  // How far a row's events and segments move with it.
  shift(row) {
    return this.isAligned ? this.clocks.offsets[row] : 0;
  }

  refresh() {
    const { svc } = this.data,
      keep = this.kept(),
      isFolding = this.mode === "all";
    const rows = new Int32Array(this.n);
    let count = 0;
    for (let i = 0; i < this.n;) {
      const group = isFolding ? this.foldedGroup(i) : null;
      if (group && group.first !== i) {
        i = this.subtreeEnd[i];
        continue;
      }
      if ((!keep || keep[i]) && !this.hiddenServices.has(svc[i])) rows[count++] = i;
      i = this.collapsed[i] || group ? this.subtreeEnd[i] : i + 1;
    }
    this.rows = rows.subarray(0, count);
  }

  // Which rows the mode lets through; null for all.
  kept() {
    const { parent, status, flags } = this.data;
    if (this.mode === "all") return null;
    const keep = new Uint8Array(this.n);
    for (let i = this.n - 1; i >= 0; i--) {
      if (this.mode === "services") keep[i] = this.isEntry(i) ? 1 : 0;
      else {
        const isWanted = this.mode === "errors" ? status[i] === qt.STATUS_ERROR : flags[i] & qt.FLAG.CRITICAL;
        if (isWanted) keep[i] = 1;
        if (keep[i] && parent[i] >= 0) keep[parent[i]] = 1;
      }
    }
    return keep;
  }

  // The depth that a row is drawn at: among services' entries, only those count.
  depth(row) {
    if (this.mode !== "services") return this.data.depth[row];
    if (!this.entryDepth) {
      this.entryDepth = new Int32Array(this.n);
      for (let i = 0; i < this.n; i++) {
        const p = this.data.parent[i];
        this.entryDepth[i] = p < 0 ? 0 : this.entryDepth[p] + (this.isEntry(i) ? 1 : 0);
      }
    }
    return this.entryDepth[row];
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

  // ---- repeated siblings ----
  repeatsAt(row) {
    const number = this.repeats.of[row];
    return number < 0 ? null : this.repeats.groups[number];
  }

  // The group that stands for this row now, itself included.
  foldedGroup(row) {
    const number = this.repeats.of[row];
    return number >= 0 && this.folded[number] && this.mode === "all" ? this.repeats.groups[number] : null;
  }

  setFolded(row, isFolded) {
    this.folded[this.repeats.of[row]] = isFolded ? 1 : 0;
    this.refresh();
  }

  foldAll(isFolded) {
    this.folded.fill(isFolded ? 1 : 0);
    this.refresh();
  }

  get hasFolds() {
    return this.folded.includes(1);
  }

  // Make a row visible, whatever hides it.
  reveal(row) {
    if (this.position(row) >= 0) return;
    this.unfold(row, row);
    for (let i = this.data.parent[row]; i >= 0; i = this.data.parent[i]) {
      this.collapsed[i] = 0;
      this.unfold(i, -1);
    }
    this.hiddenServices.delete(this.data.svc[row]);
    this.refresh();
    if (this.position(row) < 0) {
      this.mode = "all";
      this.refresh();
    }
  }

  unfold(row, except) {
    const group = this.repeatsAt(row);
    if (group && group.first !== except) this.folded[this.repeats.of[row]] = 0;
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

  // Words match in any order in service, operation, query and span id; collapsed rows are searched too.
  find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.matched.fill(0);
    this.matches = [];
    if (!words.length) return;
    const { services, names, svc, name, query_text: query = [] } = this.data;
    const low = (texts) => texts.map((one) => one.toLowerCase());
    const lowServices = low(services),
      lowNames = low(names),
      lowQueries = low(this.data.query_texts || []);
    const isId = words.map((word) => /^[0-9a-f]{4,16}$/.test(word));
    for (let i = 0; i < this.n; i++) {
      const service = lowServices[svc[i]],
        operation = lowNames[name[i]],
        asked = lowQueries[query[i]] || "";
      const isMatch = words.every(
        (word, at) =>
          service.includes(word) ||
          operation.includes(word) ||
          asked.includes(word) ||
          (isId[at] && this.spanId(i).startsWith(word)),
      );
      if (isMatch) {
        this.matched[i] = 1;
        this.matches.push(i);
      }
    }
  }

  // Mark what the search of the list of traces found here; returns how many.
  setAsked(spanIds) {
    const wanted = new Set(spanIds);
    let count = 0;
    for (let i = 0; i < this.n; i++) count += this.asked[i] = wanted.size && wanted.has(this.spanId(i)) ? 1 : 0;
    return count;
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
  isEntry(row) {
    const { parent, svc } = this.data;
    return parent[row] < 0 || svc[parent[row]] !== svc[row];
  }
  has(row, flag) {
    return Boolean(this.data.flags[row] & flag);
  }
  end(row) {
    return this.start[row] + this.data.dur_us[row];
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
  queryText(row) {
    return this.data.query_texts?.[this.data.query_text[row]] || "";
  }

  // How long a message lay between being sent and being taken; 0 where the row took none.
  queueWait(row) {
    const { kind, parent } = this.data,
      sender = parent[row];
    const isTaken = qt.KINDS[kind[row]] === "consumer" && sender >= 0;
    if (!isTaken || !["producer", "client"].includes(qt.KINDS[kind[sender]])) return 0;
    return Math.max(this.start[row] - this.end(sender), 0);
  }

  // How long the row runs on after its parent has ended.
  overhang(row) {
    const parent = this.data.parent[row];
    return parent < 0 ? 0 : Math.max(this.end(row) - Math.max(this.end(parent), this.start[row]), 0);
  }

  gapsOf(row) {
    if (!this.gaps.has(row)) this.gaps.set(row, this.childCount[row] ? qt.gapsOf(this, row) : []);
    return this.gaps.get(row);
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
    const same = (row) => this.rowOf(older.spanId(row));
    for (let i = 0; i < older.n; i++) {
      if (!older.collapsed[i]) continue;
      const row = same(i);
      if (row >= 0) this.collapsed[row] = 1;
    }
    older.repeats.groups.forEach((group, number) => {
      const at = older.folded[number] ? -1 : this.repeats.of[same(group.first)];
      if (at >= 0) this.folded[at] = 0;
    });
    for (const service of older.hiddenServices) {
      const index = this.data.services.indexOf(older.data.services[service]);
      if (index >= 0) this.hiddenServices.add(index);
    }
    this.mode = older.mode;
    this.setAligned(older.isAligned);
    if (older.isZoomed) this.zoom(older.from, older.to);
    this.refresh();
  }
};
