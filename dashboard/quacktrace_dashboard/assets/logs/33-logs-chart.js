// Log records over time, errors and warnings at the bottom of each bar; a drag over them is a choice of time.
"use strict";

(function () {
  const { qt } = window;
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 54;
  const SEVERITIES = [["error", "errors"], ["warn", "warnings"], ["other", "others"]];

  function rectangle(x, y, width, height, severity) {
    const made = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x, y, width, height, class: `qt-logs-bar-${severity}` })) made.setAttribute(name, value);
    return made;
  }

  function bars(answer) {
    const count = answer.times.length, totals = answer.times.map((_, i) => SEVERITIES.reduce((sum, [name]) => sum + answer.counts[name][i], 0));
    const top = Math.max(1, ...totals);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${count} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    answer.times.forEach((time, i) => {
      const group = document.createElementNS(SVG, "g");
      const title = document.createElementNS(SVG, "title");
      title.textContent = `${qt.clock(new Date(time)).slice(0, 8)}: ${SEVERITIES.map(([name, word]) => `${qt.count(answer.counts[name][i])} ${word}`).join(", ")}`;
      group.append(title, rectangle(i, 0, 1, HEIGHT, "space"));
      let y = HEIGHT;
      for (const [name] of SEVERITIES) {
        const value = answer.counts[name][i];
        if (!value) continue;
        const height = Math.max(1.5, (value / top) * (HEIGHT - 4));
        y -= height;
        group.append(rectangle(i + 0.08, Math.max(0, y), 0.84, height, name));
      }
      svg.append(group);
    });
    return { svg, top };
  }

  function drawLogCounts(answer) {
    const host = document.getElementById("logs-chart");
    if (!host) return;
    host.hidden = !answer;
    if (!answer) return host.replaceChildren();
    const first = Date.parse(answer.times[0]), last = Date.parse(answer.times.at(-1)) + answer.bucket_s * 1000;
    const { svg, top } = bars(answer);
    const time = (ms) => (last - first > 86400e3 ? `${qt.day(new Date(ms))} ` : "") + qt.clock(new Date(ms)).slice(0, 8);
    const figure = qt.make("figure", { title: "Drag over it for that time alone", "data-drag-range": "true", "data-from": String(first), "data-to": String(last) }, svg);
    host.setAttribute("aria-label", `${qt.count(answer.total)} records, at most ${qt.count(top)} in ${answer.bucket_s} s`);
    // A drag that has begun must not lose the element under it to a live update.
    if (host.querySelector(".qt-range-drag")) return;
    host.replaceChildren(figure,
      qt.make("div", { className: "qt-logs-axis qt-muted" },
        qt.make("span", { text: time(first) }),
        qt.make("span", { text: `${qt.count(answer.total)} records, at most ${qt.count(top)} in ${qt.duration(answer.bucket_s * 1e6)}` }),
        qt.make("span", { text: time(last) })));
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, { drawLogCounts });
})();
