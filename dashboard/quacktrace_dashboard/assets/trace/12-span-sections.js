// The sections of the span panel, made of one span's answer.
"use strict";

qt.SpanSections = class {
  // `source` knows the spans that link here and where other traces are.
  constructor(source) {
    this.source = source;
    this.attributes = new qt.SpanAttributes(source.isFile);
  }

  of(span, model, row, signal) {
    this.attributes.span = { service_name: model.service(row), name: model.operation(row) };
    const exceptions = span.events.filter((event) => event.name === "exception");
    const others = span.events.filter((event) => event.name !== "exception");
    return [
      qt.usualDuration(span),
      this.placement(model, row),
      this.failure(span, exceptions),
      this.attributeSection("Attributes", span.attributes, span.dropped_attributes_count),
      this.events(others, model, span.dropped_events_count),
      this.links(span.links, span.dropped_links_count),
      this.linkedFrom(span, signal),
      this.logs(span.logs),
      this.resource(span),
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

  note(text) {
    return qt.make("p", { className: "qt-muted qt-panel-note", text });
  }

  // What is odd about where the span stands: its parent, its clock, its end.
  placement(model, row) {
    const { FLAG } = qt,
      late = model.overhang(row);
    const notes = [
      model.has(row, FLAG.ORPHAN) && qt.orphanReason(model, row),
      model.has(row, FLAG.SKEWED) &&
        "It begins before its parent: their clocks disagree." +
          (model.shift(row) ? ` It is shown ${qt.duration(model.shift(row))} later than it was sent.` : ""),
      model.has(row, FLAG.UNFINISHED) && "It has begun and its end has not arrived.",
      model.has(row, FLAG.CYCLE) && "Its parents formed a circle, which was cut here.",
      late > 0 && `It runs on for ${qt.duration(late)} after its parent has ended: nobody waited for that part.`,
      model.queueWait(row) > 0 && `Its message waited ${qt.duration(model.queueWait(row))} in the queue.`,
    ].filter(Boolean);
    if (!notes.length) return null;
    return qt.make("ul", { className: "qt-placement" }, ...notes.map((text) => qt.make("li", { text })));
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
          trace && qt.stackTrace(trace),
        );
      }),
      !exceptions.length &&
        !span.status_message &&
        make("p", { className: "qt-muted", text: "The span is marked as failed and says nothing more." }),
    );
  }

  attributeSection(title, attributes, dropped) {
    if (!attributes.length && !dropped) return this.section(title, 0, false, this.note("None were sent."));
    return this.section(
      title,
      attributes.length,
      true,
      ...this.attributes.filtered(attributes),
      dropped > 0 && this.note(`${qt.count(dropped)} more were dropped, by the SDK or by the collector's limits.`),
    );
  }

  resource(span) {
    if (!span.resource.length) return null;
    return this.section("Resource", span.resource.length, false, this.attributes.list(span.resource, "resource."));
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
              make("span", { className: "qt-muted", text: qt.signed(qt.offset(event.time, zero)) }),
            ),
            event.attributes.length > 0 && this.attributes.list(event.attributes, "event."),
          ),
        ),
      ),
      dropped > 0 && this.note(`${qt.count(dropped)} more were dropped.`),
    );
  }

  links(links, dropped) {
    if (!links.length && !dropped) return null;
    const { make } = qt;
    return this.section(
      "Links to",
      links.length,
      true,
      make(
        "ol",
        { className: "qt-events" },
        ...links.map((link) =>
          make(
            "li",
            {},
            this.spanLink(link.trace_id, link.span_id, `${link.trace_id.slice(0, 16)}… · ${link.span_id}`),
            link.attributes.length > 0 && new qt.SpanAttributes(true).list(link.attributes),
          ),
        ),
      ),
      dropped > 0 && this.note(`${qt.count(dropped)} more were dropped.`),
    );
  }

  spanLink(traceId, spanId, text) {
    const href = this.source.spanLink(traceId, spanId);
    const properties = { className: "qt-mono", text, title: `Open span ${spanId} of trace ${traceId}` };
    return href ? qt.make("a", { ...properties, href }) : qt.make("span", properties);
  }

  // Arrives later: for links the other way the collector looks through a day.
  linkedFrom(span, signal) {
    const { make } = qt,
      place = make("div", { className: "qt-linked-from" });
    this.source.linkedFrom(span.span_id, signal).then(
      ({ spans, truncated }) => {
        if (!spans.length) return;
        const item = (other) =>
          make(
            "li",
            {},
            this.spanLink(other.trace_id, other.span_id, `${other.service_name} · ${other.name}`),
            make("span", { className: "qt-muted", text: qt.clock(new Date(other.start_time)) }),
          );
        place.replaceChildren(
          this.section(
            "Linked from",
            spans.length,
            true,
            make("ol", { className: "qt-events" }, ...spans.map(item)),
            truncated && this.note("There are more."),
          ),
        );
      },
      () => {}, // the panel is complete without it
    );
    return place;
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
            { className: qt.severityClass(log.severity_number) },
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
    const plain = new qt.SpanAttributes(true);
    const rows = facts.filter(([, value]) => value).map(([key, value]) => plain.one({ key, value, type: "string" }));
    return this.section("Span", null, false, qt.make("dl", { className: "qt-attributes" }, ...rows));
  }
};

qt.severity = (number) =>
  ["", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.min(Math.ceil(number / 4), 6)] || "LOG";
qt.severityClass = (number) => (number >= 17 ? "is-error" : number >= 13 ? "is-warning" : "");

// Microseconds of an RFC 3339 time since the trace began.
qt.offset = function (time, zero) {
  const [seconds, fraction = ""] = time.replace("Z", "").split(".");
  const ns = BigInt(Date.parse(`${seconds}Z`)) * 1000000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return Number(ns - zero) / 1000;
};
