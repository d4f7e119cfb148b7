// How usual a span's duration is for its operation: the calls of the hour before it as a small histogram, and where it
// stands among them. The axis is logarithmic.
"use strict";

qt.usualDuration = function (span) {
  const stats = span.operation_stats,
    { make } = qt;
  if (!stats || !stats.calls) return null;
  const own = Math.max(span.duration_ns / 1e6, 1e-6),
    bars = stats.histogram || [];
  // Buckets of the collector are an eighth of a doubling wide; a bar is a quarter, which is finer than anyone reads.
  const PER_OCTAVE = 4,
    slot = (ms) => Math.floor(Math.log2(ms) * PER_OCTAVE);
  const counts = new Map();
  for (const [upper, count] of bars) {
    const at = slot(upper * 0.95);
    counts.set(at, (counts.get(at) || 0) + count);
  }
  const slots = [...counts.keys(), slot(own), slot(Math.max(stats.p95_ms, 1e-6))];
  let low = Math.min(...slots) - 1,
    high = Math.max(...slots) + 1;
  while (high - low < 11) [low, high] = [low - 1, high + 1];
  const most = Math.max(...counts.values(), 1),
    width = high - low + 1;
  const at = (ms) => ((Math.log2(Math.max(ms, 1e-6)) * PER_OCTAVE - low) / width) * 100;
  const svg = (tag, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const title = (text) => {
    const element = svg("title", {});
    element.textContent = text;
    return element;
  };
  const drawn = [...counts].map(([position, count]) => {
    const height = Math.max((Math.sqrt(count) / Math.sqrt(most)) * 38, 2); // the square root, so that rare calls show
    const ms = (edge) => qt.duration(2 ** ((position + edge) / PER_OCTAVE) * 1000);
    return svg(
      "rect",
      {
        x: `${((position - low) / width) * 100}%`,
        width: `${(1 / width) * 92}%`,
        y: 40 - height,
        height,
        class: position === slot(own) ? "is-own" : "",
      },
      title(`${qt.count(count)} calls of ${ms(0)} to ${ms(1)}`),
    );
  });
  const line = (ms, className, text) =>
    svg("line", { x1: `${at(ms)}%`, x2: `${at(ms)}%`, y1: 0, y2: 44, class: className }, title(text));
  const sum = bars.reduce((total, [, count]) => total + count, 0) || 1;
  const faster = bars.reduce((total, [upper, count]) => total + (upper <= own ? count : 0), 0) / sum;
  const isSlow = stats.calls >= 20 && faster >= 0.95;
  const rank =
    stats.calls < 20
      ? `Only ${qt.count(stats.calls)} ${stats.calls === 1 ? "call" : "calls"} to compare with`
      : isSlow
        ? `Slower than ${Math.min(Math.floor(faster * 100), 99)}% of its kind`
        : faster >= 0.5
          ? "Slower than half of its kind"
          : "As fast as usual";
  return make(
    "section",
    { className: "qt-usual", "aria-label": "How usual this duration is" },
    svg(
      "svg",
      {
        width: "100%",
        height: 46,
        role: "img",
        "aria-label": `${rank}. p50 ${qt.duration(stats.p50_ms * 1000)}, p95 ${qt.duration(stats.p95_ms * 1000)}`,
      },
      svg("line", { x1: 0, x2: "100%", y1: 40.5, y2: 40.5, class: "is-base" }),
      ...drawn,
      line(stats.p50_ms, "is-p", `p50 ${qt.duration(stats.p50_ms * 1000)}`),
      line(stats.p95_ms, "is-p", `p95 ${qt.duration(stats.p95_ms * 1000)}`),
      line(own, `is-mark${isSlow ? " is-slow" : ""}`, `This span: ${qt.duration(own * 1000)}`),
    ),
    make(
      "p",
      {},
      make("b", { className: isSlow ? "qt-error-text" : "", text: rank }),
      make("span", {
        className: "qt-muted",
        text: ` · p50 ${qt.duration(stats.p50_ms * 1000)} · p95 ${qt.duration(stats.p95_ms * 1000)} · ${qt.count(stats.calls)} calls in the hour before`,
      }),
    ),
  );
};
