// The services page: a card, the focus and a row of the table are parts of the link.
"use strict";

(function () {
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    passOn: (data) => data ?? window.dash_clientside.no_update,
    drawServicesMap: (picture) => {
      const host = document.getElementById("services-map");
      if (!host || !picture) return;
      qt.drawServiceMap(host, picture, picture.selected, (id, opens) => qt.patchUrl(opens || { service: id }));
    },
    focusService: (id) => {
      const here = new URLSearchParams(location.search).get("focus") || "";
      if (qt.path() === "/services" && (id || "") !== here) qt.patchUrl({ focus: id || null });
    },
    openService: (cell) => {
      if (cell && cell.rowId) qt.patchUrl({ service: cell.rowId });
    },
  });

  // Escape closes the drawer that a click on a card opened, and the keyboard is back on that card.
  document.addEventListener("keydown", (event) => {
    const drawer = document.getElementById("services-drawer");
    if (event.key !== "Escape" || event.defaultPrevented || !drawer || drawer.hidden || document.querySelector("dialog[open]")) return;
    const id = new URLSearchParams(location.search).get("service");
    qt.patchUrl({ service: null });
    document.querySelector(`.qt-node[data-id="${CSS.escape(id || "")}"]`)?.focus();
  });
})();
