// A text field that is a parameter of the link. It says what the link says, unless somebody is in it: an input that is told its
// value from elsewhere, as Dash's are, gets what was typed a moment ago back and loses its caret on a busy machine.
"use strict";

(function () {
  const DELAY_MS = 600;
  const parameter = (name) => new URLSearchParams(location.search).get(name) || "";

  // The input; its `show` takes over what the link says.
  qt.urlField = function (name, label, placeholder, { className = "qt-field" } = {}) {
    const input = qt.make("input", { type: "text", className, "aria-label": label, placeholder, autocomplete: "off", spellcheck: "false" });
    let timer = 0;
    const write = () => {
      clearTimeout(timer);
      timer = 0;
      if (input.isConnected && parameter(name) !== input.value.trim()) qt.patchUrl({ [name]: input.value.trim() || null, limit: null });
    };
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(write, DELAY_MS);
    });
    input.addEventListener("change", write);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") write();
    });
    input.show = () => {
      if (document.activeElement !== input && !timer) input.value = parameter(name);
    };
    return input;
  };
})();
