// Light, dark or the system's, kept under Mantine's own key, so that its provider and index.py agree.
"use strict";

(function () {
  const SCHEME_KEY = "mantine-color-scheme-value";
  const SCHEMES = ["auto", "light", "dark"];
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  function storedScheme() {
    try {
      const scheme = localStorage.getItem(SCHEME_KEY);
      return SCHEMES.includes(scheme) ? scheme : "auto";
    } catch {
      return "auto";
    }
  }

  function show() {
    const stored = storedScheme();
    const scheme = stored === "auto" ? (prefersDark.matches ? "dark" : "light") : stored;
    document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
    document.body.dataset.agThemeMode = scheme;
    const button = document.getElementById("shell-tool-theme");
    if (button) {
      button.dataset.scheme = stored;
      button.title = `Theme: ${stored} (t)`;
    }
    window.dispatchEvent(new CustomEvent("qt-theme", { detail: scheme }));
  }

  function next() {
    const scheme = SCHEMES[(SCHEMES.indexOf(storedScheme()) + 1) % SCHEMES.length];
    try {
      localStorage.setItem(SCHEME_KEY, scheme);
    } catch {
      /* storage is blocked: this tab only */
    }
    show();
    qt.toast(`Theme: ${scheme}`);
  }
  prefersDark.addEventListener("change", show);

  qt.theme = { show, next };
})();
