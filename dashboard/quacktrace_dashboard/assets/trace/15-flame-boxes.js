// Where each span's box stands in the flame graph: by time, or alike calls put together. No pixels here.
"use strict";

// Boxes as columns, by lane: { x0, x1, lane, row, count, lanes: [first…], depth }. Times are microseconds.
qt.flameByTime = function (model) {
  const { n, data } = model,
    MOST_TRIES = 400;
  const lane = new Int32Array(n),
    lanes = []; // of each lane [start, end] pairs, by start
  for (let i = 0; i < n; i++) {
    const from = model.start[i],
      to = Math.max(model.end(i), from);
    let at = data.parent[i] < 0 ? 0 : lane[data.parent[i]] + 1;
    // The first lane below its parent with room; beside hundreds of others an overlap says as much.
    for (let tries = 0; tries < MOST_TRIES; tries++, at++) if (take((lanes[at] ??= []), from, to)) break;
    lane[i] = at;
  }
  return qt.flameColumns({
    lane,
    x0: model.start,
    x1: Float64Array.from({ length: n }, (_, i) => model.end(i)),
    row: null,
  });

  function take(taken, from, to) {
    let low = 0,
      high = taken.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (taken[middle][0] < from) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && taken[low - 1][1] > from) return false;
    if (low < taken.length && taken[low][0] < to) return false;
    taken.splice(low, 0, [from, to]);
    return true;
  }
};

// Spans with the same path of services and operations are one box, as wide as the self time in and below them.
qt.flameByOperation = function (model) {
  const { n, data } = model;
  const nodes = [{ parent: -1, depth: -1, value: 0, row: -1, count: 0, children: [] }];
  const numbers = new Map(),
    of = new Int32Array(n),
    width = data.names.length * data.services.length;
  for (let i = 0; i < n; i++) {
    const parent = data.parent[i] < 0 ? 0 : of[data.parent[i]];
    const key = parent * width + data.svc[i] * data.names.length + data.name[i];
    let number = numbers.get(key);
    if (number === undefined) {
      number = nodes.push({ parent, depth: nodes[parent].depth + 1, value: 0, row: i, count: 0, children: [] }) - 1;
      nodes[parent].children.push(number);
      numbers.set(key, number);
    }
    of[i] = number;
    nodes[number].count++;
    nodes[number].value += data.self_us[i];
    if (data.dur_us[i] > data.dur_us[nodes[number].row]) nodes[number].row = i; // the longest stands for them
  }
  for (let i = nodes.length - 1; i > 0; i--) nodes[nodes[i].parent].value += nodes[i].value;
  nodes[0].at = 0;
  for (const node of nodes) {
    let at = node.at;
    for (const child of node.children.sort((a, b) => nodes[b].value - nodes[a].value)) {
      nodes[child].at = at;
      at += nodes[child].value;
    }
  }
  const shown = nodes.slice(1);
  return qt.flameColumns({
    lane: shown.map((node) => node.depth),
    x0: shown.map((node) => node.at),
    x1: shown.map((node) => node.at + node.value),
    row: shown.map((node) => node.row),
    count: shown.map((node) => node.count),
  });
};

qt.flameColumns = function ({ lane, x0, x1, row, count = null }) {
  const lanes = [];
  let from = Infinity,
    to = -Infinity;
  for (let i = 0; i < lane.length; i++) {
    (lanes[lane[i]] ??= []).push(i);
    from = Math.min(from, x0[i]);
    to = Math.max(to, x1[i]);
  }
  for (let i = 0; i < lanes.length; i++) (lanes[i] ??= []).sort((a, b) => x0[a] - x0[b]);
  return { lane, x0, x1, row, count, lanes, from, to: to > from ? to : from + 1 };
};
