// The head of a trace: what was asked, when, how long it took, what is wrong with it, and which service had the time.
"use strict";

qt.TraceHead = class {
  // onToggle is called when a service was hidden or shown, onSelect with the row that a finding is about; `why` is drawn
  // by others and only placed here.
  constructor(host, { onToggle, onSelect, onCompare, source, why }) {
    Object.assign(this, { host, onToggle, onSelect, onCompare, source, why });
    this.asked = qt.make("p", { className: "qt-trace-asked", hidden: true });
  }

  // What the search that led here found; a click goes to the next of them.
  showAsked(query, count, next) {
    const { make } = qt;
    this.asked.hidden = false;
    this.asked.replaceChildren(
      make("i", { className: "qt-asked-mark" }),
      make(
        "span",
        {},
        count ? `${qt.count(count)} ${count === 1 ? "span matches" : "spans match"} ` : "No span here matches ",
        make("code", { text: query }),
      ),
      ...(count
        ? [make("button", { className: "qt-link-button", type: "button", text: "next (n)", onclick: next })]
        : []),
    );
  }

  draw(model) {
    const { make } = qt,
      { data } = model;
    const start = new Date(Number(BigInt(data.t0_ns) / 1000000n)),
      slots = qt.assignSlots(data.services);
    const depth = data.depth.reduce((deepest, d) => Math.max(deepest, d), 0) + 1;
    const service = data.root_service_name,
      errors = data.error_count;
    const fact = (label, value, title, className) =>
      make("div", { title }, make("dt", { text: label }), make("dd", { text: value, className }));
    const notes = [
      data.truncated && `Showing the largest subtrees: ${qt.count(data.n)} of ${qt.count(data.total)} spans`,
      ...data.warnings,
    ].filter(Boolean);
    const hasRootDuration =
      data.root_duration_us !== null && Math.abs(data.root_duration_us - data.dur) > Math.max(1, data.dur * 0.01);
    this.host.replaceChildren(
      ...[
        make(
          "div",
          { className: "qt-trace-title" },
          service &&
            make("i", { className: "qt-swatch", style: `background:var(--qt-service-${slots[service] ?? 0})` }),
          make(
            "h1",
            { title: [service, data.root_name].filter(Boolean).join(" ") },
            make("span", { text: service || "Root span missing" }),
            " ",
            make("b", { text: data.root_name || "" }),
          ),
          errors
            ? make(
                "span",
                { className: "qt-chip qt-chip-error" },
                qt.icon("error"),
                make("span", { text: errors === 1 ? "1 error" : `${qt.count(errors)} errors` }),
              )
            : make("span", { className: "qt-chip qt-chip-ok" }, qt.icon("check"), make("span", { text: "no errors" })),
          make(
            "span",
            { className: "qt-trace-actions" },
            make(
              "button",
              {
                className: "qt-button",
                type: "button",
                title: data.trace_id,
                onclick: () => qt.copy(data.trace_id, "Trace id copied"),
              },
              qt.icon("copy"),
              make("span", { className: "qt-mono", text: `${data.trace_id.slice(0, 8)}…` }),
            ),
            ...this.actions(data),
          ),
        ),
        make(
          "dl",
          { className: "qt-trace-facts" },
          fact(
            "Start",
            `${start.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${qt.clock(start)}`,
            `${start.toISOString()} (UTC)`,
          ),
          fact(
            "Duration",
            qt.duration(hasRootDuration ? data.root_duration_us : data.dur),
            "From the root's start to its end",
          ),
          hasRootDuration && fact("To the last span", qt.duration(data.dur), "Asynchronous work outlived the root"),
          fact("Spans", data.truncated ? `${qt.count(data.n)} of ${qt.count(data.total)}` : qt.count(data.total)),
          fact("Services", qt.count(data.services.length)),
          fact("Depth", qt.count(depth)),
          !data.complete && fact("State", "incomplete", "Some parent spans have not arrived", "qt-warning-text"),
          notes.length > 0 &&
            make(
              "p",
              { className: "qt-trace-warnings", title: notes.join("\n") },
              qt.icon("alert"),
              make("span", { text: notes.join(" · ") }),
            ),
        ),
        this.asked,
        this.why,
        qt.traceFindings(model, this.onSelect),
        this.shares(model, slots),
      ].filter(Boolean),
    );
  }

  // What can be done with a trace that came from a collector.
  actions(data) {
    const { make } = qt,
      { source } = this;
    if (source.isFile) return [];
    const download = (href, name, text, title) =>
      make("a", { className: "qt-button", href, download: name, title }, qt.icon("download"), make("span", { text }));
    return [
      make(
        "button",
        { className: "qt-button", type: "button", title: "Set this trace beside another one", onclick: this.onCompare },
        qt.icon("compare"),
        make("span", { text: "Compare" }),
      ),
      download(
        source.htmlHref,
        `${data.trace_id}.html`,
        "HTML file",
        "This page as one file that opens without quacktrace and imports back",
      ),
      download(
        source.otlpHref,
        `${data.trace_id}.otlp.json`,
        "OTLP JSON",
        "The trace as OTLP JSON, which imports back identical",
      ),
    ];
  }

  // Self time by service: a bar that says where the time went, and toggles that say which is which.
  shares(model, slots) {
    const { make } = qt,
      { data } = model;
    const total = data.service_self_us.reduce((sum, us) => sum + us, 0) || 1;
    const order = data.services.map((_, i) => i).sort((a, b) => data.service_self_us[b] - data.service_self_us[a]);
    const percent = (i) => (data.service_self_us[i] / total) * 100;
    const colour = (i) => `var(--qt-service-${slots[data.services[i]]})`;
    const describe = (i) => `${data.services[i]}: ${qt.duration(data.service_self_us[i])} of self time`;
    return make(
      "div",
      { className: "qt-shares" },
      make(
        "div",
        { className: "qt-shares-bar", "aria-hidden": "true" },
        ...order
          .filter((i) => percent(i) > 0.1)
          .map((i) => make("i", { style: `flex-grow:${percent(i)};background:${colour(i)}`, title: describe(i) })),
      ),
      make(
        "div",
        {
          className: "qt-shares-legend",
          role: "group",
          "aria-label": "Services; click to hide, shift-click to see only one",
        },
        ...order.map((i) =>
          make(
            "button",
            {
              type: "button",
              "aria-pressed": String(!model.hiddenServices.has(i)),
              title: `${describe(i)}. Click to hide, Shift-click to see only this one`,
              onclick: (event) => {
                event.shiftKey ? model.showOnlyService(i) : model.toggleService(i);
                this.draw(model);
                this.onToggle();
              },
            },
            make("i", { className: "qt-swatch", style: `background:${colour(i)}` }),
            make("span", { text: data.services[i] }),
            make("small", {
              text: `${percent(i) >= 9.95 ? Math.round(percent(i)) : percent(i) >= 0.1 ? percent(i).toFixed(1) : "<0.1"}%`,
            }),
          ),
        ),
      ),
    );
  }
};
