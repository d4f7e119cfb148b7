// Traces as dots, start against duration: where the slow and the failed ones cluster, and when it began.
// A dot opens its trace; dragging looks closer at a part. The rows below say the same in words.
"use strict";

(function () {
  const HEIGHT = 170,
    LEFT = 62,
    RIGHT = 14,
    TOP = 10,
    BOTTOM = 24,
    REACH = 14;
  const STEPS_S = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000,
    7776000, 31536000,
  ];
  const SVG = "http://www.w3.org/2000/svg";

  function draw(tag, attributes, text) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // Round local times, about `count` of them.
  function clockTicks(from, to, count) {
    const step = (STEPS_S.find((seconds) => (to - from) / 1000 / seconds <= count) || STEPS_S.at(-1)) * 1000;
    const zone = new Date(from).getTimezoneOffset() * 60e3,
      ticks = [];
    for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) ticks.push(at);
    return { ticks, label: (at) => clockLabel(new Date(at), step) };
  }

  function clockLabel(date, step) {
    if (step >= 2592e6) return date.toLocaleDateString("en-GB", { month: "short", year: "numeric" });
    if (step >= 864e5) return date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return qt.clock(date).slice(0, step < 60e3 ? 8 : 5);
  }

  // Decades; their halves too when there are few.
  function durationTicks(low, high) {
    const factors = Math.log10(high / low) > 2.2 ? [1] : [1, 2, 5],
      ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const factor of factors) {
        const tick = factor * 10 ** power;
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    return ticks;
  }

  class Scatter {
    constructor(host) {
      this.host = host;
      this.svg = draw("svg", { role: "img" });
      this.tip = qt.make("div", { className: "qt-wf-tip", role: "tooltip", hidden: true });
      this.card = qt.make("div", { className: "qt-scatter" }, this.svg, this.tip);
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      this.svg.addEventListener("pointerleave", () => this.leave());
      qt.dragFrame(this.svg, {
        onStart: () => this.leave(),
        onSelect: (a, b) => this.select(a, b),
        onClick: (event) => {
          const dot = this.near || this.nearest(this.point(event));
          if (dot) (event.ctrlKey || event.metaKey ? open : qt.go)(qt.rowHref(dot.trace));
        },
      });
      this.resized = new ResizeObserver(() => {
        if (this.host.isConnected) this.paint();
        else this.resized.disconnect();
      });
      this.resized.observe(host);
    }

    show(answer) {
      this.answer = answer;
      if (this.card.parentElement !== this.host) this.host.replaceChildren(this.card);
      this.paint();
    }

    paint() {
      const width = this.host.clientWidth;
      if (!width || !this.answer || this.svg.dataset.dragging) return;
      const { rows, from_ms: from, to_ms: to } = this.answer;
      const durations = rows.map((row) => Math.max(qt.shownDuration(row), 1));
      const low = Math.min(...durations) / 1.6,
        high = Math.max(...durations) * 1.6,
        ratio = Math.log(high / low);
      this.scale = { width, from, to: Math.max(to, from + 1), low, ratio };
      const x = (ms) => LEFT + ((ms - from) / (this.scale.to - from)) * (width - LEFT - RIGHT);
      const y = (ns) => TOP + (1 - Math.log(ns / low) / ratio) * (HEIGHT - TOP - BOTTOM);
      const parts = [];
      for (const tick of durationTicks(low, high))
        parts.push(
          draw("line", { class: "qt-scatter-grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
          draw("text", { x: LEFT - 8, y: y(tick) + 4, "text-anchor": "end" }, qt.duration(tick / 1000)),
        );
      const { ticks, label } = clockTicks(from, this.scale.to, Math.max(2, Math.floor(width / 130)));
      for (const tick of ticks)
        parts.push(
          draw("line", { class: "qt-scatter-grid", x1: x(tick), x2: x(tick), y1: TOP, y2: HEIGHT - BOTTOM }),
          draw("text", { x: x(tick), y: HEIGHT - 8, "text-anchor": "middle" }, label(tick)),
        );
      // Failed ones last, so that nothing hides them.
      this.dots = rows
        .map((trace) => ({ trace, x: x(new Date(trace.start_time).getTime()), y: y(Math.max(qt.shownDuration(trace), 1)) }))
        .sort((a, b) => qt.isFailed(a.trace) - qt.isFailed(b.trace));
      for (const dot of this.dots) {
        dot.element = qt.isFailed(dot.trace)
          ? draw("path", { class: "qt-scatter-cross", d: `M${dot.x - 3.5} ${dot.y - 3.5}l7 7m0 -7l-7 7` })
          : draw("circle", { class: "qt-scatter-dot", cx: dot.x, cy: dot.y, r: 3.6 });
        parts.push(dot.element);
      }
      this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      this.svg.setAttribute(
        "aria-label",
        `${rows.length} by start and duration; ${rows.filter(qt.isFailed).length} failed`,
      );
      this.svg.replaceChildren(...parts);
      this.leave();
    }

    point(event) {
      const box = this.svg.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    nearest({ x, y }) {
      let best = null,
        distance = REACH ** 2;
      for (const dot of this.dots || []) {
        const d = (dot.x - x) ** 2 + (dot.y - y) ** 2;
        if (d <= distance) {
          best = dot;
          distance = d;
        }
      }
      return best;
    }

    move(event) {
      if (this.svg.dataset.dragging) return;
      const dot = this.nearest(this.point(event));
      if (dot !== this.near) {
        this.near?.element.classList.remove("is-near");
        dot?.element.classList.add("is-near");
        this.near = dot;
        this.svg.style.cursor = dot ? "pointer" : "";
        this.tip.hidden = !dot;
        if (dot) this.tip.replaceChildren(...this.describe(dot.trace));
      }
      if (!dot) return;
      const box = this.tip.getBoundingClientRect();
      this.tip.style.transform = `translate(${Math.min(event.clientX + 14, innerWidth - box.width - 8)}px, ${event.clientY + 16}px)`;
    }

    describe(row) {
      const { make } = qt,
        line = (label, value) => make("div", {}, make("span", { text: label }), make("b", { text: value }));
      return [
        make("strong", { text: row.name || row.root_name || row.trace_id }),
        make("div", {}, make("span", { text: row.service_name || row.root_service_name || "Root span missing" })),
        qt.isFailed(row) &&
          make("div", {
            className: "qt-error-text",
            text: row.error_count ? `✕ ${qt.count(row.error_count)} ${row.error_count === 1 ? "error" : "errors"}` : "✕ error",
          }),
        line("Start", qt.clock(new Date(row.start_time))),
        line("Duration", qt.duration(qt.shownDuration(row) / 1000)),
        row.span_count && line("Spans", qt.count(row.span_count)),
      ].filter(Boolean);
    }

    leave() {
      this.near?.element.classList.remove("is-near");
      this.near = null;
      this.tip.hidden = true;
    }

    select(a, b) {
      const { width, from, to, low, ratio } = this.scale,
        clamp = (share) => Math.min(Math.max(share, 0), 1);
      const time = (x) => from + clamp((x - LEFT) / (width - LEFT - RIGHT)) * (to - from);
      const duration = (y) => low * Math.exp(clamp(1 - (y - TOP) / (HEIGHT - TOP - BOTTOM)) * ratio);
      const [start, end] = [time(a.x), time(b.x)].sort((x, y) => x - y),
        [short, long] = [duration(a.y), duration(b.y)].sort((x, y) => x - y);
      qt.traces.lookCloser({ from: start, to: end, min_ns: short, max_ns: long });
    }
  }

  qt.clockTicks = clockTicks;
  // The root's where there is one: an asynchronous consumer must not make every checkout look slow.
  qt.shownDuration = (row) => row.root_duration_ns ?? row.duration_ns;
  qt.isFailed = (row) => Boolean(row.error_count) || row.status_code === "ERROR";

  let scatter = null;
  qt.drawTraceScatter = function (host, answer) {
    if (!scatter || scatter.host !== host) scatter = new Scatter(host);
    scatter.show(answer);
  };
})();
