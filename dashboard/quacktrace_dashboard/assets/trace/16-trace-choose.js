// Which trace to compare with: others like it to choose from, or any id pasted.
"use strict";

qt.chooseTrace = function (page) {
  const { make } = qt,
    { data } = page.model;
  const list = make(
    "ul",
    { className: "qt-choose-list" },
    make("li", { className: "qt-skeleton", style: "height:60px" }),
  );
  const compare = (traceId) => {
    dialog.close();
    page.compare(traceId);
  };
  const field = make("input", {
    className: "qt-field",
    type: "text",
    "aria-label": "Trace id",
    placeholder: "Paste a trace id",
    autocomplete: "off",
    spellcheck: "false",
  });
  const problem = make("p", { className: "qt-error-text", role: "alert" });
  const form = make(
    "form",
    {
      className: "qt-choose-form",
      onsubmit: (event) => {
        event.preventDefault();
        const id = qt.traceIdIn(field.value);
        if (id && id !== data.trace_id) compare(id);
        else problem.textContent = id ? "That is this trace itself." : "A trace id has 32 hexadecimal digits.";
      },
    },
    field,
    make("button", { className: "qt-button qt-button-primary", type: "submit", text: "Compare" }),
  );
  const close = make(
    "button",
    { className: "qt-tool", type: "button", "aria-label": "Close", onclick: () => dialog.close() },
    qt.icon("close"),
  );
  const dialog = make(
    "dialog",
    { className: "qt-dialog qt-choose", "aria-label": "Compare with another trace", onclose: () => dialog.remove() },
    make("header", { className: "qt-dialog-head" }, make("h2", { text: "Compare with another trace" }), close),
    form,
    problem,
    make("h3", { text: data.root_name ? `Others of ${data.root_service_name} ${data.root_name}` : "Other traces" }),
    list,
  );
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  const length = (trace) => (trace.root_duration_ns ?? trace.duration_ns) / 1000;
  page.source.similar(data).then(
    ({ traces }) => {
      const others = traces.filter((trace) => trace.trace_id !== data.trace_id);
      list.replaceChildren(
        ...others.map((trace) =>
          make(
            "li",
            {},
            make(
              "button",
              { type: "button", onclick: () => compare(trace.trace_id) },
              make("span", {
                className: "qt-number",
                text: `${qt.day(new Date(trace.start_time))} ${qt.clock(new Date(trace.start_time))}`,
              }),
              make("b", { className: "qt-number", text: qt.duration(length(trace)) }),
              make("span", { className: "qt-muted", text: `${qt.count(trace.span_count)} spans` }),
              trace.error_count > 0 &&
                make("span", { className: "qt-error-text", text: `✕ ${qt.count(trace.error_count)}` }),
              make("span", { className: "qt-mono qt-faint", text: trace.trace_id.slice(0, 8) }),
            ),
          ),
        ),
        ...(others.length ? [] : [make("li", { className: "qt-muted", text: "None within a day of it." })]),
      );
    },
    (error) => list.replaceChildren(make("li", { className: "qt-error-text", text: error.message })),
  );
};
