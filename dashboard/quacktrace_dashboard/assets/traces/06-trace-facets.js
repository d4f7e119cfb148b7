// Facets: the values that what was found has, with counts; a click keeps one, more clicks more, and another leaves it out.
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
    const left = terms.term(facet.key, "!=", text),
      { values: chosen } = terms.choice(query, facet.key);
    const isKept = chosen.includes(text),
      others = chosen.filter((other) => other !== text);
    const label = text || "(empty)",
      offer = isKept ? `No longer ${others.length ? "" : "only "}${label}` : others.length ? `Or ${label}` : `Only ${label}`;
    // The search may have changed since these counts were asked for.
    const change = (changed) => {
      const now = new URLSearchParams(location.search).get("q") || "";
      qt.patchUrl({ q: changed(now, terms.choice(now, facet.key).values.filter((other) => other !== text)) || null, limit: null });
    };
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
          title: offer,
          "aria-label": one.count === null ? offer : `${offer}, ${qt.count(one.count)}`,
          onclick: () => change((now, rest) => terms.choose(terms.remove(now, left), facet.key, isKept ? rest : [...rest, text])),
        },
        make("i", { className: "qt-facet-bar", style: `width:${Math.max((one.count / largest) * 100, 1.5)}%` }),
        swatch,
        make("span", { className: "qt-facet-text", text: label }),
        one.count !== null && make("span", { className: "qt-number", text: qt.count(one.count) }),
        isKept && qt.icon("close"),
      ),
      make(
        "button",
        {
          type: "button",
          className: "qt-facet-leave",
          "aria-label": `Leave out ${label}`,
          title: `Leave out ${label}`,
          onclick: () => change((now, rest) => terms.add(terms.choose(now, facet.key, rest), left)),
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

  const asWritten = (key, value) => (key === "status" || key === "kind" ? value.toLowerCase() : value);

  // Ask for the facets of a search. Where values are kept, the others are counted as if none were: one may want those too.
  qt.askFacets = async function (parameters, signal) {
    const query = parameters.get("q") || "";
    const ask = (changes) => {
      const asked = new URLSearchParams(parameters);
      for (const [name, value] of Object.entries(changes)) asked.set(name, value);
      return qt.getJson(`/api/v1/facets?${asked}`, { signal });
    };
    const answer = await ask({});
    await Promise.all(
      answer.facets.map(async (facet) => {
        const { values: chosen } = qt.terms.choice(query, facet.key);
        if (!chosen.length) return;
        const wider = await ask({ q: qt.terms.choose(query, facet.key, []), keys: facet.key });
        const { values } = Object.assign(facet, wider.facets[0]);
        const missing = chosen.filter((value) => !values.some((one) => asWritten(facet.key, one.value) === value));
        facet.values = [...missing.map((value) => ({ value, count: null })), ...values];
      }),
    );
    return answer;
  };

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
