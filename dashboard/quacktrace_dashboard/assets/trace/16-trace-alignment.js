// Two traces, one tree: spans with the same path of services and operations stand in one row, with what both took.
"use strict";

// Rows depth first: { service, operation, depth, a, b, isOnlyA, isOnlyB, end }, a and b as { count, total, self, row }.
qt.alignTraces = function (a, b) {
  const root = { children: new Map(), depth: -1 };
  const add = (model, side) => {
    const nodes = new Array(model.n);
    for (let i = 0; i < model.n; i++) {
      const parent = model.data.parent[i] < 0 ? root : nodes[model.data.parent[i]];
      const key = `${model.service(i)}\u0000${model.operation(i)}`;
      let node = parent.children.get(key);
      if (!node) {
        node = {
          service: model.service(i),
          operation: model.operation(i),
          depth: parent.depth + 1,
          children: new Map(),
          a: null,
          b: null,
        };
        parent.children.set(key, node);
      }
      nodes[i] = node;
      const sums = (node[side] ??= { count: 0, total: 0, self: 0, errors: 0, row: i });
      sums.count++;
      sums.total += model.data.dur_us[i];
      sums.self += model.data.self_us[i];
      sums.errors += model.isError(i) ? 1 : 0;
      if (model.data.dur_us[i] > model.data.dur_us[sums.row]) sums.row = i;
    }
  };
  add(a, "a");
  add(b, "b");
  const rows = [],
    stack = [...root.children.values()].reverse();
  while (stack.length) {
    const node = stack.pop();
    rows.push(node);
    const [a, b] = [node.a?.total || 0, node.b?.total || 0];
    // What both would be written as the same is no difference.
    node.delta = Math.abs(b - a) < Math.max(a, b) / 2000 ? 0 : b - a;
    node.selfDelta = (node.b?.self || 0) - (node.a?.self || 0);
    stack.push(...[...node.children.values()].reverse());
  }
  // Where a subtree ends, so that it can be folded.
  const open = [];
  rows.forEach((node, i) => {
    while (open.length && rows[open[open.length - 1]].depth >= node.depth) rows[open.pop()].end = i;
    open.push(i);
  });
  for (const i of open) rows[i].end = rows.length;
  return rows;
};
