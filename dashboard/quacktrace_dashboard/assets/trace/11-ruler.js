// Dragging over the time axis zooms into what was dragged over.
"use strict";

qt.dragToZoom = function (axis, waterfall) {
  const shade = qt.make("div", { className: "qt-wf-drag", hidden: true });
  axis.title = "Drag to zoom in, double-click to zoom out, Ctrl and wheel over the spans";
  axis.addEventListener("dblclick", () => waterfall.resetZoom());
  axis.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    const box = axis.getBoundingClientRect(),
      width = waterfall.width || box.width,
      { model } = waterfall;
    const at = (moment) => Math.min(Math.max(moment.clientX - box.left, 0), width);
    const from = at(event);
    let to = from;
    const moved = (move) => {
      to = at(move);
      axis.append(shade); // the labels are drawn anew with every zoom
      shade.hidden = Math.abs(to - from) < 3;
      shade.style.cssText = `left:${Math.min(from, to)}px;width:${Math.abs(to - from)}px`;
    };
    const released = (release) => {
      axis.removeEventListener("pointermove", moved);
      shade.remove();
      if (release.type !== "pointerup" || Math.abs(to - from) < 3) return;
      const time = (x) => model.from + (x / width) * (model.to - model.from);
      waterfall.zoomBetween(time(Math.min(from, to)), time(Math.max(from, to)));
    };
    axis.setPointerCapture(event.pointerId);
    axis.addEventListener("pointermove", moved);
    axis.addEventListener("pointerup", released, { once: true });
    axis.addEventListener("pointercancel", released, { once: true });
  });
};
