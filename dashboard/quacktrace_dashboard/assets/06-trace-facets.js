// Facets: the values that what was found has, with counts; a click keeps one, another leaves it out.
"use strict";

(function () {
  const LABELS = {
    name: "operation",
    "http.response.status_code": "HTTP status",
    "http.request.method": "HTTP method",
    "http.route": "HTTP route",
    "db.system.name": "database",
    "exception.type": "exception",
  };
  const SHOWN = 5;
  const openedWide = new Set();

  function value(facet, one, largest, query) {
    const { make, terms } = qt;
    const isStatus = facet.key === "status" || facet.key === "kind";
    const text = isStatus ? one.value.toLowerCase() : one.value;
    const kept = terms.term(facet.key, "=", text),
      left = terms.term(facet.key, "!=", text);
    const isKept = terms.has(query, kept);
    const change = (next) => qt.patchUrl({ q: next || null, limit: null });
    const swatch =
      facet.key === "service" && make("i", { className: "qt-swatch", style: `background:${qt.serviceColour(one.value)}` });
    return make(
      "li",
      { className: "qt-facet-value", "data-kept": String(isKept), "data-error": String(facet.key === "status" && one.value === "ERROR") },
      make(
        "button",
        {
          type: "button",
          className: "qt-facet-keep",
          "aria-pressed": String(isKept),
          title: isKept ? `No longer only ${text}` : `Only ${text || "(empty)"}`,
          "aria-label": `${isKept ? "No longer only" : "Only"} ${text || "(empty)"}, ${qt.count(one.count)}`,
          onclick: () => change(isKept ? terms.remove(query, kept) : terms.add(terms.remove(query, left), kept)),
        },
        make("i", { className: "qt-facet-bar", style: `width:${Math.max((one.count / largest) * 100, 1.5)}%` }),
        swatch,
        make("span", { className: "qt-facet-text", text: text || "(empty)" }),
        isKept ? qt.icon("close") : make("span", { className: "qt-number", text: qt.count(one.count) }),
      ),
      make(
        "button",
        {
          type: "button",
          className: "qt-facet-leave",
          "aria-label": `Leave out ${text || "(empty)"}`,
          title: `Leave out ${text || "(empty)"}`,
          onclick: () => change(terms.add(terms.remove(query, kept), left)),
        },
        qt.icon("exclude"),
      ),
    );
  }

  function section(facet, query, columns) {
    const { make } = qt;
    const isWide = openedWide.has(facet.key);
    const shown = facet.values.slice(0, isWide ? facet.values.length : SHOWN),
      largest = Math.max(...facet.values.map((one) => one.count), 1),
      more = facet.values.length - shown.length,
      beyond = facet.distinct_values - facet.values.length;
    const isColumn = columns.includes(facet.key);
    const details = make(
      "section",
      { className: "qt-facet", "aria-label": LABELS[facet.key] || facet.key },
      make(
        "header",
        {},
        make("h3", { text: LABELS[facet.key] || facet.key, title: facet.key }),
        make(
          "button",
          {
            type: "button",
            className: "qt-facet-column",
            "aria-pressed": String(isColumn),
            "aria-label": `Column ${facet.key}`,
            title: isColumn ? "Remove this column" : "Show as a column",
            onclick: () => qt.traces.toggleColumn(facet.key),
          },
          qt.icon("table"),
        ),
      ),
      make("ul", {}, ...shown.map((one) => value(facet, one, largest, query))),
      (more > 0 || (isWide && facet.values.length > SHOWN)) &&
        make("button", {
          type: "button",
          className: "qt-facet-more",
          text: isWide ? "Fewer" : `${more} more`,
          onclick: () => {
            if (!openedWide.delete(facet.key)) openedWide.add(facet.key);
            details.replaceWith(section(facet, query, columns));
          },
        }),
      isWide && beyond > 0 && make("p", { className: "qt-facet-note", text: `and ${qt.count(beyond)} rarer values` }),
    );
    return details;
  }

  qt.drawFacets = function (host, answer) {
    if (!answer) {
      host.replaceChildren();
      return;
    }
    const { make } = qt,
      parameters = new URLSearchParams(location.search),
      query = parameters.get("q") || "",
      columns = qt.traces.columns();
    const facets = answer.facets.filter((facet) => facet.values.length);
    const focused = document.activeElement?.closest?.(".qt-facet-value, .qt-facet")?.textContent;
    const note = answer.truncated
      ? answer.of === "traces"
        ? `Counts of the newest ${qt.count(answer.counted)} traces`
        : "Counts of the newest spans"
      : `Number of ${answer.of}`;
    host.replaceChildren(make("p", { className: "qt-facet-note", text: note }), ...facets.map((facet) => section(facet, query, columns)));
    if (focused)
      for (const item of host.querySelectorAll(".qt-facet-value"))
        if (item.textContent === focused) item.querySelector("button").focus({ preventScroll: true });
  };
})();
