// What can be read off the tree of a trace without drawing it: alike siblings, clocks that disagree, time in which no
// child ran. Everything is linear in the number of spans, because a trace may have 50,000 of them.
"use strict";

// Siblings of one service, operation and statement, whatever its values are, five at least:
// { of: group of a row or -1, groups: [{ first, count, … }] }.
qt.repeatedSiblings = function (data) {
  const LEAST = 5;
  const { n, parent, svc, name, start, dur_us: duration, status, query_text: query } = data;
  const numbers = new Map(),
    of = new Int32Array(n).fill(-1),
    counts = [],
    statements = qt.statementNumbers(data.query_texts || [""]);
  const names = data.names.length,
    width = names * data.services.length;
  for (let i = 0; i < n; i++) {
    if (parent[i] < 0) continue;
    const statement = query ? statements[query[i]] : 0;
    const key = (statement * n + parent[i]) * width + svc[i] * names + name[i];
    let number = numbers.get(key);
    if (number === undefined) numbers.set(key, (number = counts.push(0) - 1));
    of[i] = number;
    counts[number]++;
  }
  const kept = new Int32Array(counts.length).fill(-1),
    groups = [];
  for (let i = 0; i < n; i++) {
    if (of[i] < 0) continue;
    if (counts[of[i]] < LEAST) {
      of[i] = -1;
      continue;
    }
    const end = start[i] + duration[i];
    if (kept[of[i]] < 0) kept[of[i]] = groups.push({ first: i, count: 0, total: 0, self: 0, errors: 0, rows: [] }) - 1;
    of[i] = kept[of[i]];
    const group = groups[of[i]];
    group.count++;
    group.total += end - start[i];
    group.self += data.self_us[i];
    group.errors += status[i] === qt.STATUS_ERROR ? 1 : 0;
    group.rows.push(i);
  }
  return { of, groups };
};

// The same number for statements that differ in their values only.
qt.statementNumbers = function (texts) {
  const numbers = new Map();
  return texts.map((text) => {
    const shape = text.replace(/'[^']*'|\d+/g, "?");
    if (!numbers.has(shape)) numbers.set(shape, numbers.size);
    return numbers.get(shape);
  });
};

// How far to move each span so that none begins before the one that caused it. A service below such a span moves as a
// whole; one that fits where it is stays, for its clock agrees. Null when no two clocks disagree.
qt.clockOffsets = function (data) {
  const { n, parent, svc, start, dur_us: duration } = data;
  const offsets = new Float64Array(n),
    services = new Map();
  for (let i = 0; i < n; i++) {
    const p = parent[i];
    if (p < 0) continue;
    if (svc[p] === svc[i]) {
      offsets[i] = offsets[p];
      continue;
    }
    const begin = start[p] + offsets[p];
    if (start[i] >= begin) continue;
    // Where a call fits into its caller, half of what remains is the way there and half the way back.
    offsets[i] = begin + Math.max(duration[p] - duration[i], 0) / 2 - start[i];
    const known = services.get(svc[i]) || { service: data.services[svc[i]], us: 0, spans: 0 };
    known.us = Math.max(known.us, offsets[i]);
    known.spans++;
    services.set(svc[i], known);
  }
  return services.size ? { offsets, services: [...services.values()].sort((a, b) => b.us - a.us) } : null;
};

// The parts of a span in which none of its children ran, as [from, to] in microseconds.
qt.gapsOf = function (model, row) {
  const { start, data } = model,
    gaps = [];
  let cursor = start[row];
  const end = start[row] + data.dur_us[row];
  for (let child = row + 1; child < model.subtreeEnd[row] && cursor < end; child = model.subtreeEnd[child]) {
    if (start[child] > cursor) gaps.push([cursor, Math.min(start[child], end)]);
    cursor = Math.max(cursor, start[child] + data.dur_us[child]);
  }
  if (cursor < end) gaps.push([cursor, end]);
  return gaps;
};

// Why a span stands without its parent, as far as the span itself tells.
qt.orphanReason = function (model, row) {
  const id = model.missing.get(row),
    { data } = model;
  const named = id ? `Its parent ${id} is not stored` : "Its parent is not stored";
  const others = id ? [...model.missing.values()].filter((other) => other === id).length - 1 : 0;
  const shared = others ? `, nor for ${others === 1 ? "one other span" : `${qt.count(others)} others`}` : "";
  const kind = qt.KINDS[data.kind[row]];
  const age = Date.now() - Number(BigInt(data.t0_ns) / 1000000n) - data.dur / 1000;
  const isYoung = age < 60_000 ? " It may still be running: spans are sent when they end." : "";
  const because =
    kind === "server" || kind === "consumer"
      ? "its caller is not traced, was not sampled, or sends elsewhere."
      : `${model.service(row)} itself began it: it has not ended, the process died before sending, or it was dropped.`;
  return `${named}${shared}. Likely ${because}${isYoung}`;
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
  // Above ten seconds people count in minutes.
  const CLOCK = [15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400].map((seconds) => seconds * 1e6);
  const sizes = rough > 10e6 && rough <= 86400e6 ? CLOCK : [1, 2, 5, 10].map((factor) => factor * power);
  const step = sizes.find((size) => size >= rough * 0.999) || 10 * power;
  const ticks = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step * 1e-9; tick += step)
    ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
};
