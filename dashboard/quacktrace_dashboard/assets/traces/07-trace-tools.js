// The controls above the list: ordinary inputs that follow the link and write to it, never one while it is typed in.
"use strict";

(function () {
  const SCOPES = [
    ["", "Traces", "A row for every trace"],
    ["root", "Root spans", "A row for every span without a parent"],
    ["entry", "Entry spans", "A row for every request that a service took"],
    ["all", "All spans", "A row for every span"],
  ];
  const STATUSES = [
    ["", "All"],
    ["error", "Errors"],
    ["ok", "OK"],
  ];
  const CHARTS = [
    ["", "Scatter", "The rows below as dots"],
    ["heatmap", "Heatmap", "Everything that was found, counted"],
  ];
  const parameter = (name) => new URLSearchParams(location.search).get(name) || "";

  // Buttons of which one is pressed: `name` is the parameter they set.
  function segments(id, name, label, choices) {
    const { make } = qt;
    const buttons = choices.map(([value, text, title]) =>
      make("button", {
        type: "button",
        className: "qt-segment",
        text,
        title,
        "data-value": value,
        // Another unit of rows has other orders.
        onclick: () => qt.patchUrl({ [name]: value || null, limit: null, ...(name === "scope" ? { order: null } : {}) }),
      }),
    );
    const element = make("div", { id, className: "qt-segments", role: "group", "aria-label": label }, ...buttons);
    element.show = () => {
      const now = parameter(name);
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.value === now));
    };
    return element;
  }

  function chips() {
    const { make } = qt,
      element = make("div", { className: "qt-filter-chips" });
    element.show = () => {
      const shown = [
        ["service", "service"],
        ["operation", "operation"],
      ].filter(([name]) => parameter(name));
      element.replaceChildren(
        ...shown.map(([name, label]) =>
          make(
            "span",
            { className: "qt-filter-chip" },
            make("span", { className: "qt-muted", text: label }),
            make("b", { text: parameter(name), title: parameter(name) }),
            make(
              "button",
              {
                type: "button",
                "aria-label": `Remove the ${label}`,
                onclick: () => qt.patchUrl({ [name]: null, ...(name === "service" ? { operation: null } : {}) }),
              },
              qt.icon("close"),
            ),
          ),
        ),
      );
    };
    return element;
  }

  // The query that finds the same traces or spans.
  function sqlLink() {
    const element = qt.make("span");
    element.show = () => {
      const asked = Object.fromEntries(new URLSearchParams(qt.traces.parameters()));
      delete asked.columns;
      const what = parameter("scope") ? "spans" : "traces";
      element.replaceChildren(qt.showSql(what, asked, what, { asButton: true }));
    };
    return element;
  }

  // A button with a panel below it that closes by Escape and by a click elsewhere.
  function menu(id, icon, label, fill) {
    const { make } = qt;
    const panel = make("div", { className: "qt-popover qt-menu", role: "dialog", "aria-label": label, hidden: true });
    const button = make(
      "button",
      { id, type: "button", className: "qt-button", "aria-haspopup": "dialog", "aria-expanded": "false" },
      qt.icon(icon),
      make("span", { text: label }),
    );
    const element = make("div", { className: "qt-menu-host" }, button, panel);
    const open = (isOpen) => {
      panel.hidden = !isOpen;
      button.setAttribute("aria-expanded", String(isOpen));
      if (isOpen) {
        fill(panel, () => open(false));
        (panel.querySelector("input") || panel.querySelector("button, a"))?.focus();
      }
    };
    button.addEventListener("click", () => open(panel.hidden));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      event.stopPropagation();
      open(false);
      button.focus();
    });
    document.addEventListener("pointerdown", (event) => {
      if (element.isConnected && !panel.hidden && !element.contains(event.target)) open(false);
    });
    return element;
  }

  function columnsPanel(panel) {
    const { make } = qt;
    const input = make("input", { type: "text", className: "qt-field", "aria-label": "Key of the column", placeholder: "any attribute, like user.tier", list: "traces-keys", autocomplete: "off" });
    const options = make("datalist", { id: "traces-keys" });
    const add = () => {
      const key = input.value.trim();
      if (!key) return;
      input.value = "";
      if (!qt.traces.columns().includes(key)) qt.traces.toggleColumn(key);
      list();
    };
    const chosen = make("div", { className: "qt-menu-list" });
    const list = () =>
      chosen.replaceChildren(
        ...qt.traces.columns().map((key) =>
          make("button", { type: "button", title: "Remove this column", onclick: () => (qt.traces.toggleColumn(key), list()) }, make("span", { text: key }), qt.icon("close")),
        ),
      );
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") add();
    });
    panel.replaceChildren(
      make("p", { className: "qt-muted", text: "Columns besides the usual ones" }),
      make("div", { className: "qt-menu-row" }, input, options, make("button", { type: "button", className: "qt-button", text: "Add", onclick: add })),
      chosen,
    );
    list();
    const { from, to } = qt.timeRange();
    qt.getJson(`/api/v1/completions?from=${Math.round(from)}&to=${Math.round(to)}`)
      .then(({ keys }) => options.replaceChildren(...keys.map(({ key }) => make("option", { value: key }))))
      .catch(() => {});
  }

  function downloadPanel(panel, close) {
    const { make } = qt;
    const link = (format, text, note) =>
      make(
        "a",
        { href: `/api/v1/download?${qt.traces.parameters({ format })}`, download: "", onclick: close },
        make("span", { text }),
        make("small", { className: "qt-muted", text: note }),
      );
    panel.replaceChildren(
      make(
        "div",
        { className: "qt-menu-list" },
        link("csv", "CSV", "the rows and columns of this list"),
        link("otlp", "OTLP JSON", "all spans of these traces, at most 200"),
      ),
    );
  }

  qt.traceTools = function () {
    const { make } = qt;
    const parts = [
      segments("traces-scope", "scope", "What a row is", SCOPES),
      segments("traces-status", "status", "Status", STATUSES),
      make(
        "div",
        { className: "qt-filter-durations" },
        qt.urlField("min_duration", "Shortest duration", "min 200ms"),
        make("span", { className: "qt-muted", text: "to" }),
        qt.urlField("max_duration", "Longest duration", "max 2s"),
      ),
      chips(),
    ];
    const element = make("div", { className: "qt-filters", role: "group", "aria-label": "Filters" }, ...parts);
    element.show = () => {
      for (const part of element.querySelectorAll("*")) part.show?.();
    };
    return element;
  };

  function mapLink() {
    const element = qt.make("span");
    element.show = () => element.replaceChildren(qt.mapOfSearch());
    return element;
  }

  // What stands beside the title.
  qt.traceHeadTools = function () {
    const parts = [
      mapLink(),
      sqlLink(),
      menu("traces-saved", "pin", "Saved", (panel, close) => qt.savedSearches(panel, close)),
      menu("traces-columns", "table", "Columns", columnsPanel),
      menu("traces-download", "download", "Download", downloadPanel),
    ];
    const element = qt.make("div", { className: "qt-trace-head-tools" }, ...parts);
    element.show = () => parts.forEach((part) => part.show?.());
    return element;
  };

  qt.chartTools = () => segments("traces-chart-kind", "chart", "Picture", CHARTS);
})();
