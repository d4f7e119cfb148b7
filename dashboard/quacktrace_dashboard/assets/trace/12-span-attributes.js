// Attributes with their types, each to be copied, filtered in or filtered out.
"use strict";

// What the search language gives a meaning of its own; docs/querying.md.
qt.SEARCH_WORDS = new Set(
  (
    "service namespace version instance environment name operation kind status status_message trace_state trace_id " +
    "span_id parent_span_id scope scope_version duration and or not in exists absent"
  ).split(" "),
);

// The traces that have a span with this value; with `other`, a span like that one with another value or none.
qt.findLink = (key, value, other = null) => {
  const parameters = new URLSearchParams(qt.rangeQuery());
  const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("*", "\\*")}"`;
  const plain = qt.SEARCH_WORDS.has(key) ? `span.${key}` : key;
  const name = /^[\p{L}\p{N}_.\-/]+$/u.test(plain) ? plain : quoted(plain);
  const like = other && `service = ${quoted(other.service_name)} name = ${quoted(other.name)} `;
  parameters.set("q", other ? `${like}${name} != ${quoted(value)}` : `${name}:${quoted(value)}`);
  return `/traces?${parameters}`;
};

qt.SpanAttributes = class {
  static MOST_FILTERABLE = 200;

  constructor(isFile) {
    this.isFile = isFile; // a saved file has no traces to look for
    this.filter = "";
    this.span = null; // the one whose attributes are shown, to look for others like it
  }

  // `place` is how the search language says whose attributes these are: "resource.", "event." or nothing for the span's.
  list(attributes, place = "") {
    const sorted = [...attributes].sort((a, b) => (a.key < b.key ? -1 : 1));
    return qt.make("dl", { className: "qt-attributes" }, ...sorted.map((attribute) => this.one(attribute, place)));
  }

  // The list with a filter above it that stays from span to span.
  filtered(attributes) {
    const list = this.list(attributes),
      rows = [...list.children];
    if (attributes.length <= 6) return [list];
    const apply = (text) => {
      this.filter = text.toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(this.filter);
    };
    const field = qt.make("input", {
      className: "qt-field qt-attribute-filter",
      type: "search",
      placeholder: "Filter attributes",
      "aria-label": "Filter attributes",
      oninput: (event) => apply(event.target.value),
    });
    field.value = this.filter;
    apply(this.filter);
    return [field, list];
  }

  one({ key, value, type }, place = "") {
    const { make } = qt,
      isQuery = qt.isQueryKey(key),
      isLong = isQuery || value.includes("\n") || type === "kvlist" || type === "array";
    const text =
      value === ""
        ? make("span", { text: "empty", className: "qt-faint" })
        : isQuery
          ? make("span", {}, qt.sqlText(value))
          : make("span", { text: isLong ? qt.prettyJson(value, type) : value });
    return make(
      "div",
      {},
      make("dt", {}, make("bdi", { text: key }), type !== "string" && make("small", { text: type })),
      make("dd", { className: `is-${type}${isLong ? " is-long" : ""}` }, text, this.tools(key, value, place)),
    );
  }

  tools(key, value, place) {
    const { make } = qt;
    const isFilterable =
      !this.isFile && value !== "" && value.length <= qt.SpanAttributes.MOST_FILTERABLE && !value.includes("\n");
    const link = (icon, title, label, other) =>
      make(
        "a",
        { className: "qt-tool", href: qt.findLink(place + key, value, other), title, "aria-label": label },
        qt.icon(icon),
      );
    return make(
      "span",
      { className: "qt-attribute-tools" },
      isFilterable && link("search", "Find traces with this value", `Find traces with this ${key}`, null),
      isFilterable &&
        this.span &&
        link(
          "exclude",
          "Find this operation with another value, or none",
          `Find traces without this ${key}`,
          this.span,
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
    );
  }
};

// Arrays and maps in lines where they are JSON and too long for one.
qt.prettyJson = function (value, type) {
  if ((type !== "array" && type !== "kvlist") || value.length < 60) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 1);
  } catch {
    return value;
  }
};
