// Log records as rows: a click opens the trace at the span that wrote the record; the arrow shows all of the record.
"use strict";

(function () {
  const { qt } = window;
  const SELECTS = ["severity", "service"];
  const LEVELS = [[21, "fatal"], [17, "error"], [13, "warn"], [9, "info"], [5, "debug"], [1, "trace"]];
  const opened = new Set();

  const levelOf = (number) => (LEVELS.find(([least]) => number >= least) || [0, ""])[1];
  const keyOf = (log) => [log.time, log.service_name, log.span_id, log.body].join("\u0000");

  function details(log) {
    const facts = [
      ...(log.event_name ? [{ key: "event", value: log.event_name }] : []),
      ...(log.scope_name ? [{ key: "scope", value: log.scope_name }] : []),
      ...(log.trace_id ? [{ key: "trace_id", value: log.trace_id }] : []),
      ...log.attributes,
    ];
    return qt.make("div", { className: "qt-log-details" },
      qt.make("pre", { text: log.body || "(no message)" }),
      qt.make("dl", {}, ...facts.map(({ key, value, type }) =>
        qt.make("div", {}, qt.make("dt", { text: key }),
          qt.make("dd", {}, qt.make("span", { text: String(value) }), type ? only(key, String(value)) : null)))));
  }

  // An attribute's value as a term of the filter, which the button adds to those that are there.
  function only(key, value) {
    const term = `${key}=${/^[^\s"]+$/.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`}`;
    return qt.make("button", {
      type: "button", className: "qt-log-only", title: "Only records with this value", "aria-label": `Only ${key} ${value}`,
      onclick: () => {
        const here = new URLSearchParams(location.search).get("attribute") || "";
        if (!` ${here} `.includes(` ${term} `)) qt.patchUrl({ attribute: `${here} ${term}`.trim() });
      },
    }, qt.icon("filter"));
  }

  function row(log) {
    const key = keyOf(log), level = levelOf(log.severity_number), at = new Date(log.time);
    const item = qt.make("li", { className: `qt-log qt-log-${level || "none"}` });
    const toggle = qt.make("button", { type: "button", className: "qt-log-toggle", "aria-label": "All of this record" }, qt.icon("chevron-right"));
    const show = () => {
      const isOpen = opened.has(key);
      toggle.setAttribute("aria-expanded", String(isOpen));
      item.querySelector(".qt-log-details")?.remove();
      if (isOpen) item.append(details(log));
    };
    toggle.addEventListener("click", () => { opened.has(key) ? opened.delete(key) : opened.add(key); show(); });
    const href = log.trace_id ? `/trace/${log.trace_id}${log.span_id ? `?span=${log.span_id}` : ""}` : null;
    const line = qt.make(href ? "a" : "div", { className: "qt-log-line", href, title: href ? "Open its trace" : "It belongs to no trace" },
      qt.make("time", { datetime: log.time, title: `${qt.day(at)} ${log.time}`, text: isToday(at) ? qt.clock(at) : `${qt.day(at).slice(5)} ${qt.clock(at)}` }),
      qt.make("span", { className: "qt-log-level", text: log.severity_text || level || "–" }),
      qt.make("span", { className: "qt-log-service" },
        qt.make("i", { className: "qt-swatch", style: `background:${qt.serviceColour(log.service_name)}` }),
        qt.make("span", { text: log.service_name })),
      qt.make("span", { className: "qt-log-body", text: firstLine(log.body) }));
    item.append(toggle, line);
    show();
    return item;
  }

  const isToday = (date) => date.toDateString() === new Date().toDateString();

  function firstLine(body) {
    const lines = (body || "(no message)").split("\n").filter((line) => line.trim());
    return lines.length > 1 ? `${lines[0]}  ⏎ ${lines.length - 1} more line${lines.length === 2 ? "" : "s"}` : lines[0] || "";
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, {
    drawLogs: (logs) => {
      const host = document.getElementById("logs-rows");
      if (!host) return;
      host.replaceChildren(...(logs || []).map(row));
      host.dataset.ready = String((logs || []).length);
    },
    readLogFilters: (search) => {
      const parameters = new URLSearchParams(search || ""), host = document.getElementById("logs-words");
      if (host && !host.firstChild)
        host.append(
          qt.urlField("q", "Words in the message", "Words in the message", { className: "qt-field qt-logs-words" }),
          qt.urlField("attribute", "Attributes", "Attributes: key=value or key", { className: "qt-field qt-logs-words" }));
      for (const field of host?.children || []) field.show();
      return SELECTS.map((name) => parameters.get(name));
    },
    writeLogFilters: (...values) => {
      if (qt.path() !== "/logs") return;
      const changes = {};
      SELECTS.forEach((name, i) => { changes[name] = values[i] || null; });
      qt.patchUrl(changes);
    },
  });
})();
