// The sections of the span panel, made of one span's answer. The filter of attributes stays from span to span.
"use strict";

qt.SpanSections = class {
  constructor() {
    this.filter = "";
  }

  of(span, model, row) {
    const exceptions = span.events.filter((event) => event.name === "exception");
    const others = span.events.filter((event) => event.name !== "exception");
    return [
      this.comparison(span),
      this.failure(span, exceptions),
      this.attributes("Attributes", span.attributes, {
        isFiltered: true,
        dropped: span.dropped_attributes_count,
        isOpen: true,
      }),
      this.events(others, model, span.dropped_events_count),
      this.links(span.links, span.dropped_links_count),
      this.logs(span.logs),
      this.attributes("Resource", span.resource, { isResource: true }),
      this.identity(span, model, row),
    ].filter(Boolean);
  }

  section(title, count, isOpen, ...content) {
    const { make } = qt;
    return make(
      "details",
      { className: "qt-panel-section", open: isOpen },
      make(
        "summary",
        {},
        make("h3", { text: title }),
        count !== null && make("span", { className: "qt-muted", text: qt.count(count) }),
      ),
      ...content,
    );
  }

  // Where this span stands among the calls of its operation, on a logarithmic scale.
  comparison(span) {
    const stats = span.operation_stats,
      { make } = qt;
    if (!stats || !stats.calls) return null;
    const own = span.duration_ns / 1e6,
      known = [own, stats.p50_ms, stats.p95_ms].map((ms) => Math.log(Math.max(ms, 1e-4)));
    const low = Math.min(...known) - 0.7,
      high = Math.max(...known) + 0.7;
    const at = (ms) => `${((Math.log(Math.max(ms, 1e-4)) - low) / (high - low)) * 100}%`;
    const isSlow = own > stats.p95_ms;
    const mark = (ms, label, className) =>
      make("span", {
        className: `qt-compare-mark ${className}`,
        style: `left:${at(ms)}`,
        title: `${label}: ${qt.duration(ms * 1000)}`,
      });
    return make(
      "div",
      { className: "qt-compare" },
      make(
        "div",
        { className: "qt-compare-bar" },
        make("i", { style: `left:${at(stats.p50_ms)};right:calc(100% - ${at(stats.p95_ms)})` }),
        mark(stats.p50_ms, "p50", ""),
        mark(stats.p95_ms, "p95", ""),
        mark(own, "this span", isSlow ? "is-own is-slow" : "is-own"),
      ),
      make(
        "p",
        {},
        make("b", {
          className: isSlow ? "qt-error-text" : "",
          text: isSlow
            ? "Slower than 95% of its kind"
            : own > stats.p50_ms
              ? "Slower than half of its kind"
              : "As fast as usual",
        }),
        make("span", {
          className: "qt-muted",
          text: ` · p50 ${qt.duration(stats.p50_ms * 1000)} · p95 ${qt.duration(stats.p95_ms * 1000)} · ${qt.count(stats.calls)} calls in the hour before`,
        }),
      ),
    );
  }

  failure(span, exceptions) {
    const { make } = qt;
    if (span.status_code !== "ERROR" && !exceptions.length && !span.status_message) return null;
    const value = (event, key) => event.attributes.find((attribute) => attribute.key === key)?.value || "";
    return make(
      "section",
      { className: "qt-failure" },
      span.status_message && make("p", { className: "qt-failure-status", text: span.status_message }),
      ...exceptions.map((event) => {
        const trace = value(event, "exception.stacktrace");
        return make(
          "div",
          { className: "qt-exception" },
          make(
            "p",
            {},
            make("b", { className: "qt-error-text", text: value(event, "exception.type") || "exception" }),
            " ",
            make("span", { text: value(event, "exception.message") }),
          ),
          trace &&
            make(
              "details",
              { open: exceptions.length === 1 },
              make("summary", { text: "Stack trace" }),
              make(
                "button",
                {
                  className: "qt-tool",
                  type: "button",
                  title: "Copy the stack trace",
                  "aria-label": "Copy the stack trace",
                  onclick: () => qt.copy(trace),
                },
                qt.icon("copy"),
              ),
              make("pre", { text: trace, tabindex: "0" }),
            ),
        );
      }),
      !exceptions.length &&
        !span.status_message &&
        make("p", { className: "qt-muted", text: "The span is marked as failed and says nothing more." }),
    );
  }

  attributes(title, attributes, { isFiltered = false, dropped = 0, isOpen = false, isResource = false } = {}) {
    const { make } = qt;
    if (!attributes.length && !dropped)
      return isFiltered
        ? this.section(title, 0, false, make("p", { className: "qt-muted qt-panel-note", text: "None were sent." }))
        : null;
    const rows = [...attributes]
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map((attribute) => this.attribute(attribute, isResource));
    const list = make("dl", { className: "qt-attributes" }, ...rows);
    const apply = (text) => {
      this.filter = text.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(this.filter);
    };
    const filter =
      isFiltered &&
      attributes.length > 6 &&
      make("input", {
        className: "qt-field qt-attribute-filter",
        type: "search",
        placeholder: "Filter attributes",
        "aria-label": "Filter attributes",
        oninput: (event) => apply(event.target.value),
      });
    if (filter && this.filter) {
      filter.value = this.filter;
      apply(this.filter);
    }
    return this.section(
      title,
      attributes.length,
      isOpen,
      filter,
      list,
      dropped > 0 &&
        make("p", {
          className: "qt-muted qt-panel-note",
          text: `${qt.count(dropped)} more were dropped, by the SDK or by the collector's limits.`,
        }),
    );
  }

  attribute({ key, value, type }, isResource) {
    const { make } = qt,
      isLong =
        value.includes("\n") ||
        key === "db.query.text" ||
        key === "db.statement" ||
        type === "kvlist" ||
        type === "array";
    const isShown = value !== "";
    return make(
      "div",
      {},
      make("dt", { text: key }),
      make(
        "dd",
        { className: `is-${type}${isLong ? " is-long" : ""}` },
        make("span", { text: isShown ? value : "empty", className: isShown ? "" : "qt-faint" }),
        make(
          "span",
          { className: "qt-attribute-tools" },
          isShown &&
            value.length <= 200 &&
            !value.includes("\n") &&
            make(
              "a",
              {
                className: "qt-tool",
                href: qt.findLink(key, value),
                title: "Find traces with this value",
                "aria-label": `Find traces with this ${key}`,
              },
              qt.icon("search"),
            ),
          make(
            "button",
            {
              className: "qt-tool",
              type: "button",
              title: "Copy the value",
              "aria-label": `Copy the value of ${key}`,
              onclick: () => qt.copy(value),
            },
            qt.icon("copy"),
          ),
        ),
      ),
    );
  }

  events(events, model, dropped) {
    if (!events.length && !dropped) return null;
    const { make } = qt,
      zero = BigInt(model.data.t0_ns);
    return this.section(
      "Events",
      events.length,
      true,
      make(
        "ol",
        { className: "qt-events" },
        ...events.map((event) =>
          make(
            "li",
            {},
            make(
              "div",
              {},
              make("b", { text: event.name || "unnamed" }),
              make("span", { className: "qt-muted", text: qt.offset(event.time, zero) }),
            ),
            event.attributes.length > 0 &&
              make(
                "dl",
                { className: "qt-attributes" },
                ...event.attributes.map((attribute) => this.attribute(attribute)),
              ),
          ),
        ),
      ),
      dropped > 0 &&
        make("p", { className: "qt-muted qt-panel-note", text: `${qt.count(dropped)} more were dropped.` }),
    );
  }

  links(links, dropped) {
    if (!links.length && !dropped) return null;
    const { make } = qt;
    return this.section(
      "Links",
      links.length,
      true,
      make(
        "ol",
        { className: "qt-events" },
        ...links.map((link) =>
          make(
            "li",
            {},
            make("a", {
              className: "qt-mono",
              href: `/trace/${encodeURIComponent(link.trace_id)}?span=${encodeURIComponent(link.span_id)}`,
              text: `${link.trace_id.slice(0, 16)}… · ${link.span_id}`,
              title: `Open ${link.trace_id}`,
            }),
            link.attributes.length > 0 &&
              make(
                "dl",
                { className: "qt-attributes" },
                ...link.attributes.map((attribute) => this.attribute(attribute)),
              ),
          ),
        ),
      ),
    );
  }

  logs(logs) {
    if (!logs.length) return null;
    const { make } = qt;
    return this.section(
      "Logs",
      logs.length,
      true,
      make(
        "ol",
        { className: "qt-span-logs" },
        ...logs.map((log) =>
          make(
            "li",
            { className: log.severity_number >= 17 ? "is-error" : log.severity_number >= 13 ? "is-warning" : "" },
            make("span", { className: "qt-number qt-muted", text: qt.clock(new Date(log.time)), title: log.time }),
            make("b", { text: log.severity_text || qt.severity(log.severity_number) }),
            make("span", { text: log.body }),
          ),
        ),
      ),
    );
  }

  identity(span, model, row) {
    const facts = [
      ["Span id", span.span_id],
      ["Parent span id", span.parent_span_id || "none: this is a root"],
      ["Trace id", span.trace_id],
      ["Start", span.start_time],
      ["End", span.end_time],
      ["Received", span.received_at],
      ["Service version", span.service_version],
      ["Service instance", span.service_instance_id],
      ["Scope", [span.scope_name, span.scope_version].filter(Boolean).join(" ")],
      ["Trace state", span.trace_state],
      ["Depth", String(model.data.depth[row])],
    ];
    return this.section(
      "Span",
      null,
      false,
      qt.make(
        "dl",
        { className: "qt-attributes" },
        ...facts.filter(([, value]) => value).map(([key, value]) => this.attribute({ key, value, type: "string" })),
      ),
    );
  }
};

qt.findLink = (key, value) => {
  const parameters = new URLSearchParams(qt.rangeQuery());
  parameters.set("q", `${key}:"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  return `/traces?${parameters}`;
};

qt.severity = (number) =>
  ["", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.min(Math.ceil(number / 4), 6)] || "LOG";

// Nanoseconds of an RFC 3339 time since the trace began, as +12.3 ms.
qt.offset = function (time, zero) {
  const [seconds, fraction = ""] = time.replace("Z", "").split(".");
  const us =
    Number(BigInt(Date.parse(`${seconds}Z`)) * 1000000n + BigInt(fraction.padEnd(9, "0").slice(0, 9)) - zero) / 1000;
  return `${us < 0 ? "−" : "+"}${qt.duration(Math.abs(us))}`;
};
