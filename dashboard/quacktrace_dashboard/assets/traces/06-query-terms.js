// Terms of the search language: written from a key and a value, added to a search, found in one and taken out of it.
"use strict";

(function () {
  const BARE_VALUE = /^[^\s"()*\\,]+$/;
  const BARE_KEY = /^[^\s":=<>!()*\\]+$/;
  const WORD = /^(and|or|not|exists|absent|in)$/i;
  const quoted = (text) => `"${text.replace(/[\\"*]/g, "\\$&")}"`;

  const quoteValue = (text) => (BARE_VALUE.test(text) && !WORD.test(text) ? text : quoted(text));
  const quoteKey = (text) => (BARE_KEY.test(text) && !WORD.test(text) ? text : quoted(text));
  const term = (key, operator, value) => `${quoteKey(key)} ${operator} ${quoteValue(value)}`;

  // The search with everything in quotation marks or parentheses blanked, so that what is left is its outermost level.
  function outermost(query) {
    let depth = 0,
      isQuoted = false,
      blank = "";
    for (let i = 0; i < query.length; i++) {
      const character = query[i];
      if (isQuoted && character === "\\") {
        blank += "  ";
        i++;
        continue;
      }
      if (character === '"') isQuoted = !isQuoted;
      if (!isQuoted && character === ")") depth = Math.max(0, depth - 1);
      blank += depth || isQuoted ? " " : character;
      if (!isQuoted && character === "(") depth++;
    }
    return blank.slice(0, query.length);
  }

  const hasOr = (query) => /(^|[\s)])or(?=[\s(])|\|\|/i.test(outermost(query));

  // Where the term stands among those that must all hold; -1 when it does not.
  function indexOf(query, wanted) {
    if (hasOr(query)) return -1;
    const levels = outermost(query);
    for (let at = query.indexOf(wanted); at >= 0; at = query.indexOf(wanted, at + 1)) {
      const before = query.slice(0, at),
        after = query[at + wanted.length];
      if (levels[at] === " " && query[at] !== '"') continue;
      if (/(^|\s)$/.test(before) && !/(^|\s)(not|!)\s*$/i.test(before) && (after === undefined || /\s/.test(after))) return at;
    }
    return -1;
  }

  const has = (query, wanted) => indexOf(query, wanted) >= 0;

  function add(query, wanted) {
    const text = query.trim();
    if (!text || has(text, wanted)) return text || wanted;
    return `${hasOr(text) ? `(${text})` : text} and ${wanted}`;
  }

  function remove(query, wanted) {
    const at = indexOf(query, wanted);
    if (at < 0) return query;
    const before = query.slice(0, at).replace(/\s*(\band|&&)?\s*$/i, ""),
      after = query.slice(at + wanted.length).replace(/^\s*(and\b|&&)?\s*/i, "");
    return before && after ? `${before} and ${after}` : before + after;
  }

  // The exact values that the search allows for a key, by `key = a` or `key in (a, b)`; "" as text when it has no such term.
  const VALUE = String.raw`"(?:[^"\\]|\\.)*"|[^\s"()*\\,]+`;
  const CHOICE = new RegExp(String.raw`^\s*(?:=\s*(${VALUE})|in\s*\(\s*((?:${VALUE})(?:\s*,\s*(?:${VALUE}))*)\s*\))(?=\s|$)`, "i");
  const unquoted = (text) => (text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text);

  function choice(query, key) {
    const start = quoteKey(key);
    for (let at = query.indexOf(start); at >= 0; at = query.indexOf(start, at + 1)) {
      const match = CHOICE.exec(query.slice(at + start.length));
      if (!match) continue;
      const text = start + match[0],
        values = (match[1] || match[2]).match(new RegExp(VALUE, "g"));
      const isPattern = values.some((value) => /(^|[^\\])\*/.test(value));
      if (!isPattern && indexOf(query, text) === at) return { text, values: values.map(unquoted) };
    }
    return { text: "", values: [] };
  }

  // The search with these values for a key in the place of those that it has.
  function choose(query, key, values) {
    const { text } = choice(query, key),
      rest = text ? remove(query, text) : query;
    if (!values.length) return rest;
    return add(rest, values.length === 1 ? term(key, "=", values[0]) : `${quoteKey(key)} in (${values.map(quoteValue).join(", ")})`);
  }

  qt.terms = { term, has, add, remove, choice, choose, quoteKey, quoteValue };
})();
