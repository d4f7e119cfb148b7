// The pixels of the flame graph: the lanes in sight, of each only what is wider than nothing.
"use strict";

qt.paintFlame = function ({ canvas, scroller, boxes, model, colours, from, to, selected }) {
  const { LANE, TOP } = qt.FlameGraph,
    { x0, x1, lanes } = boxes;
  const width = scroller.clientWidth,
    height = scroller.clientHeight,
    ratio = window.devicePixelRatio || 1;
  if (!width || !height) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  const style = getComputedStyle(document.documentElement),
    token = (name) => style.getPropertyValue(name).trim();
  const fills = colours.map((colour) => token(colour.slice(4, -1)));
  const [text, muted, line, error, surface] = ["text", "muted", "line", "error", "surface"].map((name) =>
    token(`--qt-${name}`),
  );
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  const scale = width / (to - from),
    rowOfBox = (box) => (boxes.row ? boxes.row[box] : box);
  const isFinding = model.matches.length > 0;

  const firstLane = Math.max(0, Math.floor(scroller.scrollTop / LANE)),
    lastLane = Math.min(lanes.length - 1, Math.ceil((scroller.scrollTop + height) / LANE));
  for (let lane = firstLane; lane <= lastLane; lane++) {
    const top = TOP + lane * LANE - scroller.scrollTop;
    let painted = -1;
    for (const box of lanes[lane]) {
      const left = (x0[box] - from) * scale,
        right = (x1[box] - from) * scale;
      if (left > width) break;
      if (right < 0 || (right < painted + 0.75 && box !== selected)) continue;
      const row = rowOfBox(box),
        x = Math.max(left, -2),
        w = Math.max(Math.min(right, width + 2) - x - 0.5, 0.75);
      painted = Math.max(painted, x + w);
      context.globalAlpha = isFinding && !model.matched[row] ? 0.22 : 1;
      context.fillStyle = fills[model.data.svc[row]];
      context.fillRect(x, top, w, LANE - 2);
      context.globalAlpha = 1;
      if (model.isError(row)) {
        context.fillStyle = error;
        context.fillRect(x, top + LANE - 5, w, 3);
      }
      if (box === selected) {
        context.strokeStyle = text;
        context.lineWidth = 2;
        context.strokeRect(x + 1, top + 1, Math.max(w - 2, 1), LANE - 4);
      }
      if (w > 26) label(row, x, top, w);
    }
  }
  drawAxis();

  function label(row, x, top, w) {
    const at = Math.max(x, 0) + 5,
      room = Math.min(x + w, width) - at - 4;
    let shown = `${model.isError(row) ? "✕ " : ""}${model.operation(row)}`;
    if (shown.length > 160) shown = shown.slice(0, 160);
    const wide = context.measureText(shown).width;
    if (wide > room) {
      const keep = Math.floor((shown.length * room) / wide) - 1;
      if (keep < 3) return;
      shown = `${shown.slice(0, keep)}…`;
    }
    context.fillStyle = surface;
    context.fillText(shown, at, top + (LANE - 2) / 2 + 0.5);
  }

  function drawAxis() {
    context.fillStyle = surface;
    context.fillRect(0, 0, width, TOP - 2);
    context.fillStyle = line;
    context.fillRect(0, TOP - 2, width, 1);
    context.fillStyle = muted;
    for (const tick of qt.timeTicks(from, to, Math.max(2, Math.floor(width / 120)))) {
      const x = (tick - from) * scale;
      if (x > width - 30) continue;
      context.fillText(tick === 0 ? "0" : qt.duration(Math.abs(tick)), x + 4, TOP / 2 - 1);
      context.fillRect(x, 6, 1, TOP - 8);
    }
  }
};
