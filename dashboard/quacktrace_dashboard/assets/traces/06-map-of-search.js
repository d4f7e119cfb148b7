// From a list of traces to the service map of these traces alone.
"use strict";

(function () {
  const FILTERS = ["operation", "status", "min_duration", "max_duration"];

  // On a map `service` says whose drawer is open, so the filter becomes a term; durations in a list of spans are their own.
  function mapUrl() {
    const link = new URLSearchParams(location.search), map = new URLSearchParams();
    const { add, term } = qt.terms;
    for (const name of ["r", "from", "to"]) if (link.get(name)) map.set(name, link.get(name));
    let q = link.get("q") || "";
    if (link.get("service")) q = add(q, term("service", "=", link.get("service")));
    if (link.get("scope") === "root") q = add(q, "parent_span_id absent");
    for (const name of FILTERS) {
      const value = link.get(name);
      if (!value) continue;
      if (link.get("scope") && name.endsWith("_duration")) q = add(q, `span.duration ${name === "min_duration" ? ">=" : "<="} ${value}`);
      else map.set(name, value);
    }
    if (q) map.set("q", q);
    return `/services?${map}`;
  }

  qt.mapOfSearch = () => qt.make("a", {
    className: "qt-button", href: mapUrl(), title: "The service map of the traces that match",
  }, qt.icon("services"), "Map of these");
})();
