// Traces as rows, each one a link: a click, Enter and a middle click all open it, with no callback.
"use strict";

(function () {
  const MAX_CHIPS = 6;

  // As much of the time as tells it apart: today's clock, this year's day and clock, or the date and clock.
  function startTime(date, now) {
    if (date.getFullYear() !== now.getFullYear()) return `${qt.day(date)} ${qt.clock(date).slice(0, 8)}`;
    if (date.toDateString() === now.toDateString()) return qt.clock(date);
    return `${date.getDate()} ${date.toLocaleDateString("en-GB", { month: "short" })} ${qt.clock(date)}`;
  }

  // The root's duration where there is one: an asynchronous consumer must not make every checkout look slow.
  const shownDuration = (trace) => trace.root_duration_ns ?? trace.duration_ns;
  const swatch = (service) =>
    qt.make("i", { className: "qt-swatch", style: `background:${qt.serviceColour(service)}` });

  function services(trace) {
    const { make } = qt;
    const ranked = [...trace.services].sort(
      (a, b) => b.span_count - a.span_count || (a.service_name < b.service_name ? -1 : 1),
    );
    return make(
      "span",
      {
        className: "qt-trace-services",
        title: ranked.map((s) => `${s.service_name}: ${s.span_count} spans`).join("\n"),
      },
      make("span", { className: "qt-number qt-muted", text: ranked.length }),
      make(
        "span",
        { className: "qt-trace-chips" },
        ...ranked
          .slice(0, MAX_CHIPS)
          .map(({ service_name: name }) =>
            make("span", { className: "qt-chip" }, swatch(name), make("span", { text: name })),
          ),
      ),
    );
  }

  function row(trace, longest, now, query) {
    const { make } = qt,
      start = new Date(trace.start_time),
      service = trace.root_service_name,
      errors = trace.error_count;
    const duration = shownDuration(trace),
      share = Math.max((duration / longest) * 100, 0.6);
    return make(
      "div",
      { role: "listitem" },
      make(
        "a",
        {
          className: "qt-trace-row",
          href: `/trace/${trace.trace_id}${query}`,
          "data-trace-id": trace.trace_id,
          "data-error": String(errors > 0),
        },
        make("time", {
          className: "qt-number qt-muted",
          datetime: trace.start_time,
          title: `${start.toString()}\n${trace.start_time}`,
          text: startTime(start, now),
        }),
        make(
          "span",
          { className: "qt-trace-root" },
          swatch(service || ""),
          make("strong", { className: service ? "" : "qt-muted", text: service || "Root span missing" }),
          make("span", { className: "qt-trace-name", text: trace.root_name || trace.trace_id }),
          !trace.is_complete && make("em", { text: "incomplete", title: "Some parent spans have not arrived" }),
        ),
        make(
          "span",
          { className: "qt-trace-duration", title: `The whole trace: ${qt.duration(trace.duration_ns / 1000)}` },
          make("span", { className: "qt-trace-bar" }, make("i", { style: `width:${share}%` })),
          make("span", { className: "qt-number", text: qt.duration(duration / 1000) }),
        ),
        make("span", { className: "qt-number", text: qt.count(trace.span_count) }),
        errors
          ? make("span", { className: "qt-number qt-trace-errors qt-error-text" }, qt.icon("error"), qt.count(errors))
          : make("span", { className: "qt-number qt-faint", text: "–" }),
        services(trace),
      ),
    );
  }

  qt.drawTraceRows = function (host, answer) {
    const { make } = qt;
    if (!answer) {
      host.replaceChildren();
      return;
    }
    const longest = Math.max(...answer.traces.map(shownDuration), 1),
      now = new Date(),
      query = qt.rangeQuery();
    const focused = document.activeElement?.dataset?.traceId;
    const headings = make(
      "div",
      { className: "qt-trace-row qt-trace-headings", "aria-hidden": "true" },
      ...["Start", "Trace", "Duration", "Spans", "Errors", "Services"].map((text) => make("span", { text })),
    );
    host.replaceChildren(
      ...[
        make(
          "div",
          { className: "qt-card" },
          headings,
          make(
            "div",
            { role: "list", "aria-label": "Traces" },
            ...answer.traces.map((trace) => row(trace, longest, now, query)),
          ),
        ),
        answer.more &&
          make(
            "a",
            { className: "qt-button qt-more", href: answer.more.href },
            qt.icon("chevron-down"),
            answer.more.label,
          ),
      ].filter(Boolean),
    );
    if (focused) host.querySelector(`[data-trace-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
})();
