// A frame that somebody drags over a picture: time in one direction, duration in the other.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";
  const LEAST = 5;

  // onClick gets the event of a press that went nowhere, onSelect the two corners in the picture's own pixels.
  qt.dragFrame = function (svg, { onStart, onSelect, onClick }) {
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    svg.addEventListener("pointerdown", (press) => {
      if (press.button) return;
      press.preventDefault();
      const start = point(press),
        frame = document.createElementNS(SVG, "rect");
      frame.setAttribute("class", "qt-scatter-selection");
      let isDragging = false;
      const moved = (event) => {
        const now = point(event);
        if (!isDragging && Math.hypot(now.x - start.x, now.y - start.y) < LEAST) return;
        if (!isDragging) {
          isDragging = true;
          svg.dataset.dragging = "true";
          onStart?.();
        }
        // A live update may have painted the picture anew.
        if (!frame.isConnected) svg.append(frame);
        frame.setAttribute("x", Math.min(start.x, now.x));
        frame.setAttribute("y", Math.min(start.y, now.y));
        frame.setAttribute("width", Math.abs(now.x - start.x));
        frame.setAttribute("height", Math.abs(now.y - start.y));
      };
      const ended = (event) => {
        svg.removeEventListener("pointermove", moved);
        svg.removeEventListener("pointercancel", ended);
        svg.removeEventListener("pointerup", ended);
        frame.remove();
        delete svg.dataset.dragging;
        if (event.type === "pointercancel") return;
        if (isDragging) onSelect(start, point(event));
        else onClick?.(event);
      };
      svg.setPointerCapture(press.pointerId);
      svg.addEventListener("pointermove", moved);
      svg.addEventListener("pointerup", ended);
      svg.addEventListener("pointercancel", ended);
    });
  };
})();
