// Before the first span: commands with this collector's address, one language at a time, and a button for demo traffic.
"use strict";

(function () {
  const { qt } = window;
  const CHOSEN = "quacktrace-language";

  // The collector's address as the browser sees it, which holds behind a port-forward too.
  const endpoint = () => location.origin + qt.at("/").replace(/\/$/, "");

  function fill() {
    for (const code of document.querySelectorAll("code[data-command]")) {
      const text = code.dataset.command.replaceAll("{endpoint}", endpoint());
      if (code.textContent !== text) code.textContent = text;
    }
    const list = document.querySelector(".qt-languages");
    if (!list || list.dataset.drawn) return;
    list.dataset.drawn = "true";
    const remembered = list.querySelector(`[data-language="${CSS.escape(localStorage.getItem(CHOSEN) || "")}"]`);
    if (remembered) choose(remembered, { focus: false });
  }
  new MutationObserver(fill).observe(document.documentElement, { childList: true, subtree: true });

  function choose(tab, { focus = true } = {}) {
    for (const other of tab.parentElement.querySelectorAll("[role=tab]")) {
      const isChosen = other === tab;
      other.setAttribute("aria-selected", String(isChosen));
      other.tabIndex = isChosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !isChosen;
    }
    if (focus) tab.focus();
    localStorage.setItem(CHOSEN, tab.dataset.language);
  }

  document.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tab = event.target.closest?.(".qt-languages [role=tab]");
    if (!step || !tab) return;
    const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
    choose(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
    event.preventDefault();
  });

  async function sendDemo(button) {
    button.disabled = true;
    try {
      const response = await fetch(qt.at("/v1/traces"), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(qt.demoTraffic(Date.now())),
      });
      if (!response.ok) throw new Error(`The collector answered with HTTP status ${response.status}.`);
      qt.toast("Demo traffic is on its way");
    } catch (error) {
      qt.toast(`${error.message} Try quacktrace demo instead.`);
      button.disabled = false;
    }
  }

  qt.firstRun = { choose, sendDemo };
})();
