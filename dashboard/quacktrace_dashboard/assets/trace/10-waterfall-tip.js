// What the pointer is told about the row below it.
"use strict";

qt.spanTipLines = function (model, row, colour) {
  const { data } = model,
    { make } = qt,
    critical = model.criticalTime(row),
    group = model.foldedGroup(row);
  const line = (label, value) => make("div", {}, make("span", { text: label }), make("b", { text: value }));
  const head = [
    make("strong", { text: model.operation(row) }),
    make(
      "div",
      { className: "qt-wf-tip-service" },
      make("i", { className: "qt-swatch", style: `background:${colour}` }),
      make("span", { text: model.service(row) }),
      make("span", { text: qt.KINDS[data.kind[row]] || "" }),
    ),
  ];
  if (group) {
    const durations = group.rows.map((i) => data.dur_us[i]);
    return [
      ...head,
      line("Alike siblings", qt.count(group.count)),
      line("In all", qt.duration(group.total)),
      line("Each, on average", qt.duration(group.total / group.count)),
      line("Longest", qt.duration(durations.reduce((longest, us) => Math.max(longest, us), 0))),
      group.errors > 0 && make("div", { className: "qt-error-text", text: `✕ ${qt.count(group.errors)} failed` }),
    ].filter(Boolean);
  }
  const children = model.childCount[row],
    events = (model.events.get(row) || []).length,
    late = model.overhang(row),
    gap = model.gapsOf(row).reduce((longest, [from, to]) => Math.max(longest, to - from), 0);
  return [
    ...head,
    model.isError(row) && make("div", { className: "qt-error-text", text: "✕ error" }),
    line("Duration", qt.duration(data.dur_us[row])),
    line("Self time", qt.duration(data.self_us[row])),
    line("Starts at", qt.signed(model.start[row])),
    model.queueWait(row) > 0 && line("Waited in the queue", qt.duration(model.queueWait(row))),
    critical > 0 && line("On the critical path", qt.duration(critical)),
    gap > 0 && line("Longest time without a child", qt.duration(gap)),
    late > 0 && line("Outlives its parent by", qt.duration(late)),
    children > 0 && line("Children", qt.count(children)),
    events > 0 && line("Events", qt.count(events)),
    model.queryText(row) && make("code", { text: model.queryText(row) }),
  ].filter(Boolean);
};

qt.signed = (us) => `${us < 0 ? "−" : "+"}${qt.duration(Math.abs(us))}`;

// Beside the pointer, and inside the window.
qt.placeTip = function (tip, event) {
  const box = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const top = event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18;
  tip.style.transform = `translate(${left}px, ${Math.max(top, 4)}px)`;
};
