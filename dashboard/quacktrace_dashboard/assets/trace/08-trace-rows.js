// Traces or spans as rows, each one a link: a click, Enter and a middle click all open it, with no callback.
"use strict";

(function () {
  const MAX_CHIPS = 6,
    GAP = 12,
    PADDING = 16;

  // As much of the time as tells it apart: today's clock, this year's day and clock, or the date and clock.
  function startTime(date, now) {
    if (date.getFullYear() !== now.getFullYear()) return `${qt.day(date)} ${qt.clock(date).slice(0, 8)}`;
    if (date.toDateString() === now.toDateString()) return qt.clock(date);
    return `${date.getDate()} ${date.toLocaleDateString("en-GB", { month: "short" })} ${qt.clock(date)}`;
  }

  const swatch = (service) =>
    qt.make("i", { className: "qt-swatch", style: `background:${qt.serviceColour(service)}` });

  // The trace, at the span where a span is listed, with the search so that the spans it finds stand out.
  qt.rowHref = function (row) {
    const here = new URLSearchParams(location.search),
      query = new URLSearchParams(qt.rangeQuery());
    if (row.span_id) query.set("span", row.span_id);
    else if (here.get("q")) query.set("q", here.get("q"));
    const text = query.toString();
    return `/trace/${row.trace_id}${text ? `?${text}` : ""}`;
  };

  function time(row, now) {
    const start = new Date(row.start_time);
    return qt.make("time", {
      className: "qt-number qt-muted",
      datetime: row.start_time,
      title: `${start.toString()}\n${row.start_time}`,
      text: startTime(start, now),
    });
  }

  function title(service, name, note) {
    const { make } = qt;
    return make(
      "span",
      { className: "qt-trace-root" },
      swatch(service || ""),
      make("strong", { className: service ? "" : "qt-muted", text: service || "Root span missing" }),
      make("span", { className: "qt-trace-name", text: name, title: name }),
      note,
    );
  }

  function duration(row, longest) {
    const { make } = qt,
      shown = qt.shownDuration(row),
      share = Math.max((shown / longest) * 100, 0.6);
    return make(
      "span",
      { className: "qt-trace-duration", title: row.span_count ? `The whole trace: ${qt.duration(row.duration_ns / 1000)}` : "" },
      make("span", { className: "qt-trace-bar" }, make("i", { style: `width:${share}%` })),
      make("span", { className: "qt-number", text: qt.duration(shown / 1000) }),
    );
  }

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

  const faint = () => qt.make("span", { className: "qt-number qt-faint", text: "–" });
  const failed = (text) => qt.make("span", { className: "qt-number qt-trace-errors qt-error-text" }, qt.icon("error"), text);

  const START = { heading: "Start", width: "148px", order: "newest", cell: (row, { now }) => time(row, now) };
  const DURATION = { heading: "Duration", width: "minmax(120px, 0.8fr)", order: "slowest", cell: (row, { longest }) => duration(row, longest) };
  const TRACE_COLUMNS = [
    START,
    {
      heading: "Trace",
      width: "minmax(170px, 1.5fr)",
      cell: (row) =>
        title(
          row.root_service_name,
          row.root_name || row.trace_id,
          !row.is_complete && qt.make("em", { text: "incomplete", title: "Some parent spans have not arrived" }),
        ),
    },
    DURATION,
    { heading: "Spans", width: "56px", order: "spans", isNumber: true, cell: (row) => qt.make("span", { className: "qt-number", text: qt.count(row.span_count) }) },
    { heading: "Errors", width: "56px", order: "errors", isNumber: true, cell: (row) => (row.error_count ? failed(qt.count(row.error_count)) : faint()) },
  ];
  const SERVICES = { heading: "Services", width: "minmax(110px, 1.2fr)", cell: services };
  const SPAN_COLUMNS = [
    START,
    { heading: "Span", width: "minmax(190px, 1.6fr)", cell: (row) => title(row.service_name, row.name) },
    DURATION,
    { heading: "Kind", width: "86px", cell: (row) => qt.make("span", { className: "qt-muted", text: row.kind.toLowerCase() }) },
    { heading: "Status", width: "74px", cell: (row) => (row.status_code === "ERROR" ? qt.make("span", { className: "qt-trace-failed qt-error-text" }, qt.icon("error"), "error") : qt.make("span", { className: "qt-faint", text: row.status_code.toLowerCase() })) },
  ];

  const custom = (key, index) => ({
    heading: key,
    key,
    width: "minmax(96px, 0.7fr)",
    cell: (row) => {
      const value = row.values?.[index];
      return value === null || value === undefined ? faint() : qt.make("span", { className: "qt-trace-value", text: value, title: value });
    },
  });

  function heading(column, order) {
    const { make } = qt;
    if (column.order) {
      const isOrder = order === column.order;
      return make(
        "button",
        {
          type: "button",
          className: column.isNumber ? "is-number" : "",
          "aria-pressed": String(isOrder),
          title: isOrder ? "The list is in this order" : `Order by ${column.heading.toLowerCase()}`,
          onclick: () => qt.patchUrl({ order: column.order === "newest" ? null : column.order }),
        },
        make("span", { text: column.heading }),
        isOrder && qt.icon("chevron-down"),
      );
    }
    if (column.key)
      return make(
        "span",
        { className: "qt-column-heading", title: column.key },
        make("span", { text: column.heading }),
        make("button", { type: "button", "aria-label": `Remove column ${column.key}`, onclick: () => qt.traces.toggleColumn(column.key) }, qt.icon("close")),
      );
    return make("span", { text: column.heading });
  }

  // A row that is drawn anew between the press and the release of a button gets no click from the browser.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => {
    pressed = event.button === 0 && !event.ctrlKey && !event.metaKey ? event.target.closest?.(".qt-trace-row") : null;
  });
  document.addEventListener("pointerup", (event) => {
    const row = event.target.closest?.(".qt-trace-row");
    if (pressed && !pressed.isConnected && row && row.dataset.rowId === pressed.dataset.rowId) row.click();
    pressed = null;
  });

  qt.drawTraceRows = function (host, answer, fresh) {
    const { make } = qt;
    if (!answer) {
      host.replaceChildren();
      return;
    }
    const extra = answer.columns.map(custom);
    const columns = answer.scope ? [...SPAN_COLUMNS, ...extra] : [...TRACE_COLUMNS, ...extra, SERVICES];
    const context = { now: new Date(), longest: Math.max(...answer.rows.map(qt.shownDuration), 1) };
    // As wide as its columns at their narrowest: beyond that the list scrolls sideways.
    const narrowest = columns.reduce((sum, { width }) => sum + Number(/\d+/.exec(width)[0]) + GAP, 2 * PADDING);
    const template = `grid-template-columns:${columns.map((column) => column.width).join(" ")};min-width:${narrowest}px`;
    const focused = document.activeElement?.dataset?.rowId;
    const drawn = answer.rows.map((row) => {
      const id = row.span_id ? `${row.trace_id}-${row.span_id}` : row.trace_id;
      return make(
        "div",
        { role: "listitem" },
        make(
          "a",
          {
            className: fresh?.has(id) ? "qt-trace-row is-fresh" : "qt-trace-row",
            href: qt.rowHref(row),
            style: template,
            "data-trace-id": row.trace_id,
            "data-row-id": id,
            "data-error": String(qt.isFailed(row)),
          },
          ...columns.map((column) => {
            const cell = column.cell(row, context);
            if (column.isNumber) cell.classList.add("is-number");
            return cell;
          }),
        ),
      );
    });
    const order = new URLSearchParams(location.search).get("order") || "newest";
    host.replaceChildren(
      ...[
        make(
          "div",
          { className: "qt-card qt-trace-list" },
          make("div", { className: "qt-trace-row qt-trace-headings", style: template }, ...columns.map((column) => heading(column, order))),
          make("div", { role: "list", "aria-label": answer.scope ? "Spans" : "Traces" }, ...drawn),
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
    if (focused) host.querySelector(`[data-row-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  };
})();
