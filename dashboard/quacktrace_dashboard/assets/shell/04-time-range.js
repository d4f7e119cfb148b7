// The time range: which choice is pressed, a range of one's own, earlier and later, and a link that freezes it.
"use strict";

(function () {
  function show() {
    const { from, to, relative } = qt.timeRange();
    let isChoice = false;
    for (const button of document.querySelectorAll("[data-action=range]")) {
      const isPressed = button.dataset.range === relative;
      isChoice ||= isPressed;
      button.setAttribute("aria-pressed", String(isPressed));
    }
    const custom = document.getElementById("shell-range-custom"),
      label = document.getElementById("shell-range-label");
    if (!custom) return;
    custom.setAttribute("aria-pressed", String(!isChoice));
    if (isChoice) label.textContent = "Custom";
    else if (relative) label.textContent = `Last ${relative}`;
    else label.textContent = describeRange(new Date(from), new Date(to));
    custom.title = relative
      ? "A time range of your own"
      : `${qt.day(new Date(from))} ${qt.clock(new Date(from))} to ${qt.day(new Date(to))} ${qt.clock(new Date(to))}`;
  }

  function describeRange(from, to) {
    const date = (d) =>
      d.toLocaleDateString("en-GB", {
        day: "numeric",
        month: "short",
        ...(d.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }),
      });
    const isDays = to - from > 2 * 86400e3;
    if (isDays) return date(from) === date(to) ? date(from) : `${date(from)} – ${date(to)}`;
    const seconds = to - from < 600e3;
    const time = (d) => qt.clock(d).slice(0, seconds ? 8 : 5);
    const day = from.toDateString() === new Date().toDateString() ? "" : `${date(from)} `;
    return `${day}${time(from)} – ${from.toDateString() === to.toDateString() ? "" : `${date(to)} `}${time(to)}`;
  }

  const QUICK = ["5m", "15m", "30m", "1h", "3h", "6h", "12h", "24h", "2d", "7d", "30d"];

  const localInput = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60e3).toISOString().slice(0, 19);

  function toggleForm() {
    const host = document.getElementById("shell-range-form");
    // Clicked before Dash has drawn the frame anew: it opens then.
    if (!host || host.closest(".qt-early")) return void requestAnimationFrame(toggleForm);
    if (host.firstChild) return closeForm();
    const { from, to } = qt.timeRange();
    const field = (label, value) => {
      const input = qt.make("input", { type: "datetime-local", step: "1", className: "qt-field", "aria-label": label });
      input.value = localInput(value);
      return input;
    };
    const start = field("From", from),
      end = field("To", to);
    const quick = (text, title, changes) =>
      qt.make("button", { className: "qt-button", type: "button", text, title, onclick: () => { closeForm(); qt.patchUrl(changes); } });
    const around = Math.max(1, to - from) / 2;
    const choices = qt.make(
      "div",
      { className: "qt-range-quick", role: "group", "aria-label": "Quick choices" },
      ...QUICK.map((choice) => quick(choice, `The last ${choice}`, { r: choice, from: null, to: null })),
      quick("Zoom out", "Twice as long, around the same middle", {
        from: Math.max(0, Math.floor(from - around)), to: Math.min(Math.max(Date.now(), to), Math.ceil(to + around)), r: null,
      }),
    );
    const complaint = qt.make("p", { className: "qt-error-text", role: "alert" });
    const form = qt.make(
      "form",
      { className: "qt-popover", role: "dialog", "aria-label": "A time range of your own" },
      choices,
      qt.make("label", {}, qt.make("span", { text: "From" }), start),
      qt.make("label", {}, qt.make("span", { text: "To" }), end),
      complaint,
      qt.make("button", { className: "qt-button qt-button-primary", type: "submit", text: "Apply" }),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const a = new Date(start.value).getTime(),
        b = new Date(end.value).getTime();
      if (!(a < b)) {
        complaint.textContent = "The end must come after the start.";
        return;
      }
      closeForm();
      qt.patchUrl({ from: a, to: b, r: null });
    });
    host.append(form);
    start.focus();
  }

  function closeForm() {
    const host = document.getElementById("shell-range-form");
    if (!host?.firstChild) return false;
    host.replaceChildren();
    return true;
  }
  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest("#shell-range-form, #shell-range-custom")) closeForm();
  });

  function shift(direction) {
    const { from, to } = qt.timeRange();
    const step = Math.round((to - from) / 2) * direction;
    qt.patchUrl({ from: Math.round(from + step), to: Math.round(to + step), r: null });
  }

  function frozenLink() {
    const { from, to } = qt.timeRange();
    const url = new URL(location.href);
    url.searchParams.delete("r");
    url.searchParams.set("from", Math.round(from));
    url.searchParams.set("to", Math.round(to));
    return url.href;
  }

  qt.range = { show, toggleForm, closeForm, shift, frozenLink };
})();
