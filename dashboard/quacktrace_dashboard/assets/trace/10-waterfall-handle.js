// The border between names and times: drag it or use the arrow keys; its place is remembered.
"use strict";

qt.dragNames = function (handle, host, { width, changed }) {
  const KEY = "quacktrace-names-width";
  const set = (width) => {
    const limited = Math.min(Math.max(width, 180), host.clientWidth * 0.7);
    host.style.setProperty("--qt-wf-names", `${limited}px`);
    try {
      localStorage.setItem(KEY, String(Math.round(limited)));
    } catch {
      /* storage is blocked */
    }
    changed();
  };
  try {
    const stored = Number(localStorage.getItem(KEY));
    if (stored >= 180) host.style.setProperty("--qt-wf-names", `min(${stored}px, 60%)`);
  } catch {
    /* storage is blocked */
  }
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const left = host.getBoundingClientRect().left;
    const moved = (move) => set(move.clientX - left);
    handle.addEventListener("pointermove", moved);
    handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", moved), {
      once: true,
    });
  });
  handle.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -20, ArrowRight: 20 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    set(width() + step);
  });
};
