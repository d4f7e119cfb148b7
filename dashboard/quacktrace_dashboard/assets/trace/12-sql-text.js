// SQL a person can read: a line for each clause. Only white space changes, so a copied query is the query that ran.
"use strict";

(function () {
  const TOKEN = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`[^`]*`?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\s+|[A-Za-z_][\w$]*|[\s\S]/g;
  const CLAUSES = new Set(
    (
      "select from where group having order limit offset union except intersect values set returning with insert update " +
      "delete on window qualify fetch for"
    ).split(" "),
  );
  const JOINS = new Set("join left right inner outer full cross natural asof".split(" "));
  const WORDS = new Set(
    [...CLAUSES, ...JOINS].concat(
      (
        "and or not in is null like ilike between as by into distinct all any exists case when then else end asc desc " +
        "true false using conflict do nothing primary key create table index if begin commit rollback default over partition"
      ).split(" "),
    ),
  );
  const MOST = 20_000;

  // [text, kind] pairs; "break" carries the depth to indent by.
  function tokens(sql) {
    const list = [];
    for (const [text] of sql.slice(0, MOST).matchAll(TOKEN)) {
      if (/^\s/.test(text)) list.push([text, "space"]);
      else if (text[0] === "'") list.push([text, "string"]);
      else if (text.startsWith("--") || text.startsWith("/*")) list.push([text, "comment"]);
      else list.push([text, WORDS.has(text.toLowerCase()) ? "word" : "text"]);
    }
    if (sql.length > MOST) list.push([sql.slice(MOST), "text"]);
    return list;
  }

  qt.isQueryKey = (key) => key === "db.query.text" || key === "db.statement";

  // Spans for the elements of a <code>; every text is set as text.
  qt.sqlText = function (sql) {
    const list = tokens(sql),
      out = [];
    const word = (at) => (list[at] && list[at][1] === "word" ? list[at][0].toLowerCase() : "");
    let depth = 0,
      between = false;
    list.forEach(([text, kind], at) => {
      if (text === "(") depth++;
      else if (text === ")") depth = Math.max(depth - 1, 0);
      if (kind === "space") {
        const next = word(at + 1),
          before = word(at - 1);
        const starts =
          (CLAUSES.has(next) &&
            !(next === "from" && before === "distinct") &&
            !(["set", "on", "for", "update", "delete"].includes(next) && ["on", "do", "for", "no"].includes(before))) ||
          (JOINS.has(next) && !JOINS.has(before));
        const condition = (next === "and" && !between) || next === "or";
        if (next === "and") between = false;
        const isLong = sql.length > 60 && !text.includes("\n");
        if (at && isLong && starts && next !== "on") return out.push("\n" + "  ".repeat(depth));
        if (at && isLong && condition) return out.push("\n" + "  ".repeat(depth + 1));
        return out.push(text);
      }
      if (word(at) === "between") between = true;
      out.push(kind === "text" ? text : qt.make("span", { className: `qt-sql-${kind}`, text }));
    });
    return qt.make("code", { className: "qt-sql-text" }, ...out);
  };
})();
