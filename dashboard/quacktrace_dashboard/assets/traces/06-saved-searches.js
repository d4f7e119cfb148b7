// Searches that are kept on the server under a title, for everybody who uses it; a link to one is the search itself.
"use strict";

(function () {
  const PATH = "/api/v1/searches";
  // What a search is: the time range comes along when it is a fixed one or somebody chose another than the usual.
  const KEPT = ["q", "scope", "service", "operation", "status", "min_duration", "max_duration", "order", "columns", "chart", "r", "from", "to"];

  function here() {
    const parameters = new URLSearchParams(location.search),
      kept = new URLSearchParams();
    for (const name of KEPT) if (parameters.get(name)) kept.set(name, parameters.get(name));
    return kept.toString();
  }

  const send = (method, path, body) =>
    qt.getJson(path, { method, headers: { Accept: "application/json", "Content-Type": "application/json" }, ...(body && { body: JSON.stringify(body) }) });

  function entry(search, again, close) {
    const { make } = qt,
      text = new URLSearchParams(search.query).get("q") || "";
    return make(
      "div",
      { className: "qt-menu-entry" },
      make("a", { href: `/traces?${new URLSearchParams(search.query)}`, title: text || search.title, onclick: close }, make("span", { text: search.title })),
      make(
        "button",
        {
          type: "button",
          className: "qt-facet-column",
          style: "opacity:1",
          "aria-label": `Delete ${search.title}`,
          title: "Delete",
          onclick: () => again(send("DELETE", `${PATH}/${search.id}`)),
        },
        qt.icon("close"),
      ),
    );
  }

  // Fills the menu: what is kept, and a title for what is on the page.
  qt.savedSearches = function (panel, close) {
    const { make } = qt;
    const list = make("div", { className: "qt-menu-list", role: "group", "aria-label": "Saved searches" }),
      complaint = make("p", { className: "qt-error-text", role: "alert" });
    const title = make("input", { type: "text", className: "qt-field", "aria-label": "Title of this search", placeholder: "Title of this search", maxlength: 200, autocomplete: "off" });
    const show = async () => {
      const { searches } = await qt.getJson(PATH);
      list.replaceChildren(
        ...(searches.length
          ? searches.map((search) => entry(search, again, close))
          : [make("p", { className: "qt-muted", text: "Nothing saved yet. Saved searches are kept by the collector." })]),
      );
      panel.dataset.ready = "true";
    };
    const again = (done) =>
      Promise.resolve(done)
        .then(() => {
          complaint.textContent = "";
          return show();
        })
        .catch((error) => {
          complaint.textContent = error.message;
        });
    const save = () => {
      const words = title.value.trim() || new URLSearchParams(location.search).get("q") || "";
      if (!words) {
        complaint.textContent = "A saved search has a title.";
        return;
      }
      title.value = "";
      again(send("POST", PATH, { title: words, query: here() || "r=1h" }).then(() => qt.toast("Search saved")));
    };
    title.addEventListener("keydown", (event) => {
      if (event.key === "Enter") save();
    });
    panel.replaceChildren(
      list,
      make("div", { className: "qt-menu-row" }, title, make("button", { type: "button", className: "qt-button", text: "Save", onclick: save })),
      complaint,
    );
    again();
  };
})();
