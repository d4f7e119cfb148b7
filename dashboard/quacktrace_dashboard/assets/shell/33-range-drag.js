// A drag over a small chart is a choice of time: whatever says `data-drag-range` names the range it shows.
"use strict";

(function () {
  const LEAST_PX = 5;
  let drag = null;

  const share = (event) => Math.min(1, Math.max(0, (event.clientX - drag.box.left) / drag.box.width));

  document.addEventListener("pointerdown", (event) => {
    const figure = event.target.closest?.("[data-drag-range] figure, figure[data-drag-range]");
    if (!figure || event.button) return;
    drag = { figure, range: figure.closest("[data-drag-range]").dataset, box: figure.getBoundingClientRect(), startX: event.clientX };
    drag.start = share(event);
    event.preventDefault();
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag || Math.abs(event.clientX - drag.startX) < LEAST_PX) return;
    drag.mark ||= drag.figure.appendChild(qt.make("span", { className: "qt-range-drag" }));
    const [from, to] = [drag.start, share(event)].sort((a, b) => a - b);
    drag.mark.style.left = `${from * 100}%`;
    drag.mark.style.width = `${(to - from) * 100}%`;
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { mark, range, start } = drag;
    const [from, to] = [start, share(event)].sort((a, b) => a - b);
    drag = null;
    if (!mark) return;
    mark.remove();
    const first = Number(range.from), length = Number(range.to) - first;
    if (length > 0) qt.patchUrl({ from: Math.floor(first + from * length), to: Math.max(Math.ceil(first + to * length), Math.floor(first + from * length) + 1), r: null });
  });
})();
