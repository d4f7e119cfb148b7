// What stands in the place of a trace that could not be shown.
"use strict";

qt.traceError = function (error, retry) {
  const { make } = qt,
    isMissing = error.status === 404;
  return make(
    "div",
    { className: "qt-state", role: "alert" },
    make("span", {
      className: `qt-icon qt-icon-${isMissing ? "empty" : "alert"} qt-state-icon`,
      "aria-hidden": "true",
    }),
    make("h2", { text: isMissing ? "There is no such trace" : "The trace could not be loaded" }),
    make("p", { text: error.message }),
    make("p", { className: "qt-muted", text: error.hint || "" }),
    make(
      "div",
      { className: "qt-state-actions" },
      make(
        "button",
        { className: "qt-button qt-button-primary", type: "button", onclick: retry },
        qt.icon("refresh"),
        make("span", { text: "Try again" }),
      ),
      make(
        "a",
        { className: "qt-button", href: `/traces${qt.rangeQuery()}` },
        qt.icon("traces"),
        make("span", { text: "All traces" }),
      ),
    ),
  );
};
