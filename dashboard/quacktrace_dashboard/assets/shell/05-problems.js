// What is wrong with the collector itself (a full disk, damaged files), as a banner above every page.
"use strict";

(function () {
  const { qt } = window;
  const INTERVAL_MS = 10_000;
  let shown = "";

  async function check() {
    const host = document.getElementById("shell-problems");
    if (!host || document.hidden) return;
    let problems;
    try {
      ({ problems } = await qt.getJson("/api/v1/health"));
    } catch {
      return; // that the collector does not answer has a banner of its own
    }
    const now = JSON.stringify(problems.map(({ code, message }) => [code, message]));
    if (now === shown) return;
    shown = now;
    host.hidden = problems.length === 0;
    host.replaceChildren(
      ...problems.map(({ message, hint }) =>
        qt.make("p", {}, qt.icon("alert"), qt.make("strong", { text: message }), qt.make("span", { text: hint })),
      ),
    );
  }

  document.addEventListener("visibilitychange", check);
  document.addEventListener("DOMContentLoaded", () => {
    // Dash draws the shell some time after the document is there.
    const early = setInterval(() => {
      if (!document.getElementById("shell-problems")) return;
      clearInterval(early);
      check();
    }, 250);
    setInterval(check, INTERVAL_MS);
  });
})();
