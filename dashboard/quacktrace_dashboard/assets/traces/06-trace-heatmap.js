// Time against duration as a heatmap: everything that was found, not only the rows below. Dragging looks closer.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const LEFT = 62,
    RIGHT = 14,
    TOP = 8,
    BOTTOM = 24,
    HEIGHT = 170;

  function draw(tag, attributes, text) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  class Heatmap {
    constructor(host) {
      this.host = host;
      this.svg = draw("svg", { role: "img" });
      this.tip = qt.make("div", { className: "qt-wf-tip", role: "tooltip", hidden: true });
      this.card = qt.make("div", { className: "qt-scatter qt-trace-heatmap" }, this.svg, this.tip);
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      this.svg.addEventListener("pointerleave", () => (this.tip.hidden = true));
      qt.dragFrame(this.svg, {
        onStart: () => (this.tip.hidden = true),
        onSelect: (a, b) => this.select(a, b),
      });
      this.resized = new ResizeObserver(() => (this.host.isConnected ? this.paint() : this.resized.disconnect()));
      this.resized.observe(host);
    }

    show(answer) {
      this.answer = answer;
      if (this.card.parentElement !== this.host) this.host.replaceChildren(this.card);
      this.paint();
    }

    paint() {
      const width = this.host.clientWidth;
      if (!width || !this.answer) return;
      const { times, bucket_ms: step, bounds_ns: bounds, counts, errors } = this.answer;
      const from = Date.parse(times[0]),
        to = from + step * times.length,
        rows = counts.length,
        high = (HEIGHT - TOP - BOTTOM) / rows,
        wide = (width - LEFT - RIGHT) / times.length;
      this.scale = { width, from, to, rows, high, wide };
      const most = Math.max(1, ...counts.map((row) => Math.max(...row)));
      const parts = [];
      counts.forEach((row, r) =>
        row.forEach((count, c) => {
          if (!count) return;
          const strength = 0.16 + 0.84 * (Math.log1p(count) / Math.log1p(most)),
            failed = errors[r][c],
            x = LEFT + c * wide,
            y = TOP + (rows - 1 - r) * high;
          parts.push(
            draw("rect", {
              class: failed ? "qt-heat-failed" : "qt-heat",
              x,
              y,
              width: Math.max(wide - 0.6, 0.8),
              height: Math.max(high - 0.6, 0.8),
              "fill-opacity": strength.toFixed(3),
            }),
          );
          if (failed && wide > 5 && high > 5)
            parts.push(draw("path", { class: "qt-heat-cross", d: `M${x + wide / 2 - 2} ${y + high / 2 - 2}l4 4m0 -4l-4 4` }));
        }),
      );
      for (let r = 0; r <= rows; r++) {
        const isDecade = Number.isInteger(Math.round(Math.log10(bounds[r]) * 1e6) / 1e6);
        if (isDecade || (rows < 9 && r % 3 === 0)) {
          const y = TOP + (rows - r) * high;
          parts.push(draw("text", { x: LEFT - 8, y: Math.min(Math.max(y + 4, 12), HEIGHT - BOTTOM), "text-anchor": "end" }, qt.duration(bounds[r] / 1000)));
        }
      }
      const { ticks, label } = qt.clockTicks(from, to, Math.max(2, Math.floor(width / 130)));
      for (const tick of ticks)
        parts.push(draw("text", { x: LEFT + ((tick - from) / (to - from)) * (width - LEFT - RIGHT), y: HEIGHT - 8, "text-anchor": "middle" }, label(tick)));
      this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      this.svg.setAttribute("aria-label", `${qt.count(this.answer.total)} by start and duration`);
      this.svg.replaceChildren(...parts);
    }

    cell(event) {
      const box = this.svg.getBoundingClientRect(),
        { high, wide, rows } = this.scale;
      return {
        column: Math.floor((event.clientX - box.left - LEFT) / wide),
        row: rows - 1 - Math.floor((event.clientY - box.top - TOP) / high),
      };
    }

    move(event) {
      if (!this.scale || event.buttons) return;
      const { column, row } = this.cell(event),
        count = this.answer.counts[row]?.[column];
      this.tip.hidden = !count;
      if (!count) return;
      const { make } = qt,
        { bounds_ns: bounds, times, errors } = this.answer,
        failed = errors[row][column],
        line = (label, value) => make("div", {}, make("span", { text: label }), make("b", { text: value }));
      this.tip.replaceChildren(
        ...[
          make("strong", { text: qt.count(count) }),
          failed > 0 && make("div", { className: "qt-error-text", text: `✕ ${qt.count(failed)} failed` }),
          line("From", qt.clock(new Date(times[column])).slice(0, 8)),
          line("Duration", `${qt.duration(bounds[row] / 1000)} – ${qt.duration(bounds[row + 1] / 1000)}`),
        ].filter(Boolean),
      );
      const tip = this.tip.getBoundingClientRect();
      this.tip.style.transform = `translate(${Math.min(event.clientX + 14, innerWidth - tip.width - 8)}px, ${event.clientY + 16}px)`;
    }

    // Whole cells: what is selected is what was counted.
    select(a, b) {
      const { wide, high, rows } = this.scale,
        { times, bucket_ms: step, bounds_ns: bounds } = this.answer,
        clamp = (value, most) => Math.min(Math.max(value, 0), most - 1);
      const columns = [a.x, b.x].map((x) => clamp(Math.floor((x - LEFT) / wide), times.length)).sort((x, y) => x - y),
        chosen = [a.y, b.y].map((y) => clamp(rows - 1 - Math.floor((y - TOP) / high), rows)).sort((x, y) => x - y);
      const from = Date.parse(times[0]);
      qt.traces.lookCloser({
        from: from + columns[0] * step,
        to: from + (columns[1] + 1) * step,
        min_ns: bounds[chosen[0]],
        max_ns: bounds[chosen[1] + 1],
      });
    }
  }

  let heatmap = null;
  qt.drawTraceHeatmap = function (host, answer) {
    if (!heatmap || heatmap.host !== host) heatmap = new Heatmap(host);
    heatmap.show(answer);
  };
})();
