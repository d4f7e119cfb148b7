// What a trace shows at a glance: calls made again and again (N+1 queries, retries that come too fast), waits in a queue.
"use strict";

(function () {
  const LEAST = 5,
    LEAST_FAILED = 3,
    LONG_WAIT_US = 1e6,
    MOST_SHOWN = 3;

  // What is asked, without the values that differ from call to call.
  function question(model, row) {
    const asked = (model.queryText(row) || model.operation(row)).replace(/'[^']*'|\b\d+\b/g, "?");
    const callee = row + 1;
    const isCall =
      callee < model.n && model.data.parent[callee] === row && model.service(callee) !== model.service(row);
    return isCall ? `${model.service(callee)} ${model.operation(callee)}` : asked;
  }

  // Groups of alike client spans below one parent.
  function repeatedCalls(model) {
    const { data } = model,
      groups = new Map();
    for (let row = 0; row < model.n; row++) {
      if (data.parent[row] < 0 || qt.KINDS[data.kind[row]] !== "client") continue;
      const key = `${data.parent[row]}\u0000${question(model, row)}`;
      const group = groups.get(key) || { row, count: 0, failed: 0, busy: 0, from: data.start[row], to: 0 };
      group.count++;
      group.failed += model.isError(row);
      group.busy += data.dur_us[row];
      group.to = Math.max(group.to, data.start[row] + data.dur_us[row]);
      groups.set(key, group);
    }
    return [...groups.values()].filter(({ count, failed }) => count >= LEAST || failed >= LEAST_FAILED);
  }

  function repeated(model, { row, count, failed, busy, from, to }) {
    const { make } = qt;
    const manner = busy <= (to - from) * 1.05 ? "one after another" : "at once";
    const sentence = [
      make("b", { text: model.service(row) }),
      " asks ",
      make("code", { text: question(model, row) || "an operation without a name" }),
      ` ${qt.count(count)} times ${manner} in ${qt.duration(to - from)}`,
    ];
    const outcome = failed === count ? ", and all fail" : `, and ${qt.count(failed)} fail`;
    if (failed > 0) sentence.push(make("span", { className: "qt-error-text", text: outcome }));
    return { row, us: to - from, sentence };
  }

  function waits(model) {
    const found = [];
    for (let row = 0; row < model.n; row++) {
      const us = model.queueWait(row);
      if (us < LONG_WAIT_US) continue;
      const what = qt.make("code", { text: model.operation(row) }),
        who = qt.make("b", { text: model.service(row) });
      found.push({ row, us, sentence: [what, " of ", who, ` waited ${qt.duration(us)} in the queue`] });
    }
    return found;
  }

  // Nothing where nothing stands out; a click selects the first span that it is about.
  qt.traceFindings = function (model, select) {
    const { make } = qt;
    const found = [...repeatedCalls(model).map((group) => repeated(model, group)), ...waits(model)]
      .sort((a, b) => b.us - a.us)
      .slice(0, MOST_SHOWN);
    if (!found.length) return null;
    const item = ({ row, sentence }) =>
      make(
        "li",
        {},
        make(
          "button",
          { type: "button", title: "Show it", onclick: () => select(row) },
          qt.icon("alert"),
          make("span", {}, ...sentence),
        ),
      );
    return make("ul", { className: "qt-trace-findings", "aria-label": "What stands out" }, ...found.map(item));
  };
})();
