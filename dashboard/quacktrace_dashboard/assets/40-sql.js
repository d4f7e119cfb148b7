// The SQL page: CodeMirror, the schema, running and stopping, the answer as a grid and as files.
"use strict";

(function () {
  const { qt } = window;
  const $ = (id) => document.getElementById(id);
  const HISTORY_KEY = "quacktrace_sql_history";
  const HISTORY_LENGTH = 50;
  const TIMEOUT_S = 30;
  const FIRST_QUERY = `select service_name, count(*) as spans,
       count(*) filter (where status_code = 'ERROR') as errors,
       round(quantile_cont(duration_ns, 0.95) / 1e6, 2) as p95_ms
from spans
where start_time > now() - interval 1 hour
group by service_name
order by errors desc, spans desc`;
  const KEYWORDS = `select from where group by order having limit offset as on using join left right full inner outer cross lateral
    asof positional semi anti union except intersect all distinct with recursive case when then else end and or not in is null
    like ilike between exists any asc desc nulls first last filter over partition rows range preceding following unbounded
    current row window qualify sample values interval cast try_cast unnest pivot unpivot describe summarize explain show true false
    exclude replace columns`;
  const TYPES = `varchar text integer int bigint hugeint double float decimal boolean date time timestamp timestamp_ns timestamptz
    blob uuid json list map struct array`;

  let page = null; // the page that is open: its editor, its last answer, the query under way

  // ---- CodeMirror ----
  let codemirror = null;
  const loadCodeMirror = () => (codemirror = codemirror || import("/assets/codemirror/codemirror.mjs"));

  function createEditor(cm, host, text, onRun) {
    const markError = cm.StateEffect.define();
    const errorMarks = cm.StateField.define({
      create: () => cm.Decoration.none,
      update: (marks, change) => {
        for (const effect of change.effects) {
          if (effect.is(markError)) {
            return effect.value === null ? cm.Decoration.none
              : cm.Decoration.set([cm.Decoration.mark({ class: "qt-sql-error-mark" }).range(...effect.value)]);
          }
        }
        return change.docChanged ? cm.Decoration.none : marks;
      },
      provide: (field) => cm.EditorView.decorations.from(field),
    });
    const { tags } = cm;
    const colours = cm.HighlightStyle.define([
      { tag: [tags.keyword, tags.operatorKeyword], color: "var(--qt-accent)", fontWeight: "500" },
      { tag: [tags.string, tags.special(tags.string)], color: "var(--qt-ok)" },
      { tag: [tags.number, tags.bool, tags.null], color: "var(--qt-warning)" },
      { tag: [tags.lineComment, tags.blockComment], color: "var(--qt-faint)", fontStyle: "italic" },
      { tag: tags.typeName, color: "var(--qt-service-3)" },
    ]);
    const look = cm.EditorView.theme({
      "&": { fontSize: "13px", backgroundColor: "transparent", color: "var(--qt-text)", height: "100%" },
      "&.cm-focused": { outline: "none" },
      ".cm-scroller": { fontFamily: "var(--qt-mono)", lineHeight: "1.6" },
      ".cm-content": { caretColor: "var(--qt-text)", padding: "10px 0" },
      ".cm-cursor": { borderLeftColor: "var(--qt-text)", borderLeftWidth: "2px" },
      ".cm-gutters": { backgroundColor: "transparent", color: "var(--qt-faint)", border: "0" },
      ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--qt-sunken) 70%, transparent)" },
      "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--qt-selected)" },
      ".cm-matchingBracket": { backgroundColor: "var(--qt-selected)" },
      ".cm-tooltip": { backgroundColor: "var(--qt-surface)", border: "1px solid var(--qt-line-strong)", borderRadius: "7px", boxShadow: "var(--qt-shadow-high)", overflow: "hidden" },
      ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--qt-mono)", fontSize: "12px" },
      ".cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
      ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--qt-selected)", color: "var(--qt-text)" },
      ".cm-completionDetail": { color: "var(--qt-muted)", fontStyle: "normal", marginLeft: "10px" },
      ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700", color: "var(--qt-accent)" },
    });
    const language = new Map();
    const dialect = cm.SQLDialect.define({ keywords: KEYWORDS, types: TYPES, doubleDollarQuotedStrings: true });
    const extensions = (schema) => [
      cm.Prec.highest(cm.keymap.of([{ key: "Mod-Enter", run: () => { onRun(); return true; } }])),
      cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(), cm.highlightActiveLine(),
      cm.autocompletion({ icons: false }), cm.EditorView.lineWrapping, cm.syntaxHighlighting(colours), look, errorMarks,
      cm.sql({ dialect, schema, upperCaseKeywords: false }),
      cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.historyKeymap, ...cm.defaultKeymap]),
      cm.EditorView.contentAttributes.of({ "aria-label": "SQL query" }),
    ];
    const view = new cm.EditorView({ parent: host, state: cm.EditorState.create({ doc: text, extensions: extensions({}) }) });
    return {
      language,
      text: () => view.state.doc.toString(),
      focus: () => view.focus(),
      setText: (replacement) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: replacement } }),
      insert: (fragment) => { view.dispatch(view.state.replaceSelection(fragment)); view.focus(); },
      setSchema: (schema) => view.dispatch({ effects: cm.StateEffect.reconfigure.of(extensions(schema)) }),
      clearError: () => view.dispatch({ effects: markError.of(null) }),
      showError: (position) => {
        const length = view.state.doc.length;
        const from = Math.min(position, Math.max(0, length - 1));
        const word = /^\w+/.exec(view.state.doc.sliceString(from, from + 80));
        if (!length) return null;
        view.dispatch({ effects: [markError.of([from, Math.min(length, from + (word ? word[0].length : 1))]), cm.EditorView.scrollIntoView(from)] });
        const line = view.state.doc.lineAt(from);
        return { line: line.number, column: from - line.from + 1 };
      },
      destroy: () => view.destroy(),
    };
  }

  // ---- running ----
  async function ask(query, accept, signal) {
    return fetch("/api/v1/sql", {
      method: "POST", signal, headers: { "Content-Type": "application/json", Accept: accept },
      body: JSON.stringify({ query, limit: page.limit, timeout_s: TIMEOUT_S }),
    });
  }

  async function errorOf(response) {
    const body = await response.json().catch(() => null);
    return (body && body.error) || { message: `The collector answered with HTTP status ${response.status}.` };
  }

  async function run() {
    const query = page.editor.text().trim();
    if (!query) return;
    if (page.running) page.running.abort();
    const mine = page, running = new AbortController(), started = performance.now();
    page.running = running;
    page.editor.clearError();
    qt.patchUrl({ q: query }, { replace: true });
    remember(query);
    setRunning(true);
    const clock = setInterval(() => badge(`Running, ${((performance.now() - started) / 1000).toFixed(1)} s`), 100);
    try {
      const response = await ask(query, "application/json", running.signal);
      if (!response.ok) showError(await errorOf(response));
      else showAnswer(await response.json(), query);
    } catch (cause) {
      if (page !== mine) return;
      if (cause.name === "AbortError") { if (page.running === running) message("Stopped."); }
      else showError({ message: "The collector does not answer.", hint: "Check that it is running, then run the query again." });
    } finally {
      clearInterval(clock);
      if (page === mine && page.running === running) {
        page.running = null;
        setRunning(false);
        page.host.dataset.runs = String(Number(page.host.dataset.runs || 0) + 1);
      }
    }
  }

  function setRunning(isRunning) {
    $("sql-run").disabled = isRunning;
    $("sql-stop").disabled = !isRunning;
    $("sql-result").classList.toggle("qt-stale", isRunning);
    for (const button of document.querySelectorAll("[data-sql-format]")) button.disabled = isRunning || !page.answer;
    if (isRunning) message(null);
  }

  function badge(text, title = "") {
    $("sql-badge").textContent = text;
    $("sql-badge").title = title;
  }

  function message(...content) {
    $("sql-message").replaceChildren(...content.filter(Boolean).map((part) =>
      typeof part === "string" ? qt.make("p", { className: "qt-muted qt-sql-note", text: part }) : part));
    if (!content.filter(Boolean).length) $("sql-message").replaceChildren();
    badge("");
  }

  function showError(error) {
    page.answer = null;
    $("sql-result").hidden = true;
    const place = Number.isInteger(error.position) ? page.editor.showError(error.position) : null;
    message(qt.make("div", { className: "qt-sql-error", role: "alert" },
      qt.icon("alert"),
      qt.make("div", {},
        qt.make("p", { text: error.message }),
        place && qt.make("p", { className: "qt-muted", text: `At line ${place.line}, column ${place.column}.` }),
        error.hint && qt.make("p", { className: "qt-muted", text: error.hint }))));
  }

  const isNumeric = (type) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL|REAL)/.test(type);

  function showAnswer(answer, query) {
    page.answer = { ...answer, query };
    message(null);
    const columns = answer.columns.map(({ name, type }, i) => ({
      field: `c${i}`, headerName: name, headerTooltip: `${name}: ${type}`, cellRenderer: "QtSqlValue",
      cellRendererParams: { columnName: name }, type: isNumeric(type) ? "rightAligned" : undefined,
      minWidth: 70, width: widthOf(name, type, answer.rows, i), flex: i === answer.columns.length - 1 ? 1 : undefined, tooltipValueGetter: { function: "quacktraceSqlTooltip(params)" },
    }));
    const rows = answer.rows.map((values, row) => {
      const record = { row: String(row) };
      values.forEach((value, i) => { record[`c${i}`] = value; });
      return record;
    });
    page.columns = answer.columns.map((column) => column.name);
    $("sql-result").hidden = !answer.columns.length;
    dash_clientside.set_props("sql-grid", { columnDefs: columns, rowData: rows });
    const count = `${answer.row_count.toLocaleString("en")} row${answer.row_count === 1 ? "" : "s"}`;
    $("sql-count").textContent = answer.truncated ? `The first ${count}` : count;
    $("sql-elapsed").textContent = `${answer.truncated ? "There are more. " : ""}Took ${qt.duration(answer.elapsed_ms * 1000)}.`;
    $("sql-result").dataset.ready = String(answer.row_count);
  }

  // As wide as the first rows need, within reason; the last column takes what is left.
  function widthOf(name, type, rows, i) {
    if (/(^|_)trace_id$/.test(name)) return 262;
    if (/(^|_)span_id$/.test(name)) return 150;
    const values = rows.slice(0, 60).map((row) => (row[i] === null ? 4 : asText(row[i]).length));
    return Math.round(Math.min(400, Math.max(70, 34 + (isNumeric(type) ? 8.2 : 7.4) * Math.max(name.length, ...values))));
  }

  // ---- files ----
  const ACCEPT = { csv: "text/csv", parquet: "application/vnd.apache.parquet" };

  async function download(format) {
    if (!page.answer) return;
    let blob;
    if (format === "json") {
      const { columns, rows } = page.answer;
      const records = rows.map((row) => Object.fromEntries(row.map((value, i) => [columns[i].name, value])));
      blob = new Blob([JSON.stringify(records, null, 1)], { type: "application/json" });
    } else {
      const response = await ask(page.answer.query, ACCEPT[format]).catch(() => null);
      if (!response || !response.ok) {
        showError(response ? await errorOf(response) : { message: "The collector does not answer." });
        return;
      }
      blob = await response.blob();
    }
    const link = qt.make("a", { href: URL.createObjectURL(blob), download: `quacktrace.${format}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  // ---- history ----
  function pastQueries() {
    try {
      const past = JSON.parse(localStorage.getItem(HISTORY_KEY) || "[]");
      return Array.isArray(past) ? past.filter((entry) => typeof entry.query === "string") : [];
    } catch { return []; }
  }

  function remember(query) {
    const past = [{ query, at: Date.now() }, ...pastQueries().filter((entry) => entry.query !== query)];
    try { localStorage.setItem(HISTORY_KEY, JSON.stringify(past.slice(0, HISTORY_LENGTH))); } catch { /* storage is blocked or full */ }
  }

  function toggleHistory() {
    const host = $("sql-menu");
    if (host.firstChild) { host.replaceChildren(); return; }
    const past = pastQueries();
    const close = () => { host.replaceChildren(); page.editor.focus(); };
    host.append(qt.make("div", { className: "qt-popover qt-sql-history", role: "menu", "aria-label": "Past queries" },
      ...(past.length ? past.map(({ query, at }) => qt.make("button", {
        type: "button", role: "menuitem", title: query, onclick: () => { page.editor.setText(query); close(); },
      }, qt.make("code", { text: query.replace(/\s+/g, " ").slice(0, 160) }), qt.make("small", { className: "qt-muted", text: qt.clock(new Date(at)).slice(0, 5) })))
        : [qt.make("p", { className: "qt-muted", text: "Queries you run are kept in this browser." })])));
    host.querySelector("button")?.focus();
  }
  document.addEventListener("pointerdown", (event) => {
    if (page && !event.target.closest("#sql-menu, #sql-history")) $("sql-menu")?.replaceChildren();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !page || event.defaultPrevented) return;
    if ($("sql-menu")?.firstChild) { $("sql-menu").replaceChildren(); page.editor.focus(); }
    else if (page.running) page.running.abort();
  });

  // ---- schema ----
  const quoted = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

  function showSchema(schema) {
    const table = ({ name, description, columns }) => qt.make("details", {},
      qt.make("summary", { title: description }, qt.make("code", { text: name }), qt.make("small", { className: "qt-muted", text: `${columns.length}` })),
      qt.make("ul", {}, ...columns.map((column) => qt.make("li", {}, inserting(column.name, quoted(column.name), column.type, column.description)))));
    const macros = schema.macros.map((macro) => qt.make("li", {}, inserting(macro.signature, macro.signature, "", macro.description)));
    const examples = schema.examples.map(({ title, query }) => qt.make("li", {}, qt.make("button", {
      type: "button", className: "qt-sql-example", title: query, text: title, onclick: () => { page.editor.setText(query); run(); },
    })));
    $("sql-schema").replaceChildren(
      ...(examples.length ? [qt.make("h2", { text: "Examples" }), qt.make("ul", { className: "qt-sql-examples" }, ...examples)] : []),
      qt.make("h2", { text: "Tables" }), ...schema.tables.map(table),
      ...(macros.length ? [qt.make("h2", { text: "Macros" }), qt.make("ul", {}, ...macros)] : []));
  }

  function inserting(label, fragment, detail, description) {
    return qt.make("button", { type: "button", title: [detail, description].filter(Boolean).join(": ") || label, onclick: () => page.editor.insert(fragment) },
      qt.make("code", { text: label }), detail && qt.make("small", { className: "qt-muted", text: (detail.length > 14 ? `${detail.slice(0, 13)}…` : detail).toLowerCase() }));
  }

  function completions(schema) {
    const tables = schema.tables.map(({ name, columns }) => [name, columns.map((column) => ({ label: column.name, detail: column.type.toLowerCase(), type: "property" }))]);
    return Object.fromEntries([...tables, ...schema.macros.map((macro) => [macro.name, []])]);
  }

  // A link says the query itself, or the panel whose query it is.
  async function askedQuery() {
    const parameters = new URLSearchParams(location.search), panel = parameters.get("panel");
    if (!panel) return parameters.get("q");
    parameters.delete("panel");
    try {
      const { sql } = await qt.getJson(`/api/v1/panels/${encodeURIComponent(panel)}?${parameters}`);
      history.replaceState({}, "", `/sql?${new URLSearchParams({ q: sql })}`);
      return sql;
    } catch (cause) {
      return `-- ${cause.message.replace(/\s+/g, " ")}`;
    }
  }

  // ---- the page ----
  async function open() {
    const host = $("sql-editor");
    if (!host) return;
    const mine = (page = { editor: null, answer: null, running: null, limit: 1000, host });
    const [cm, asked] = await Promise.all([loadCodeMirror(), askedQuery()]);
    if (page !== mine || !document.contains(host)) return;
    page.editor = createEditor(cm, host, asked || pastQueries()[0]?.query || FIRST_QUERY, run);
    $("sql-run").disabled = false;
    $("sql-run").addEventListener("click", run);
    $("sql-stop").addEventListener("click", () => page.running?.abort());
    $("sql-history").addEventListener("click", toggleHistory);
    for (const button of document.querySelectorAll("[data-sql-format]")) button.addEventListener("click", () => download(button.dataset.sqlFormat));
    for (const button of document.querySelectorAll("[data-sql-limit]")) {
      button.addEventListener("click", () => {
        page.limit = Number(button.dataset.sqlLimit);
        for (const other of document.querySelectorAll("[data-sql-limit]")) other.setAttribute("aria-pressed", String(other === button));
      });
    }
    page.editor.focus();
    host.dataset.ready = "true";
    if (asked) run();
    try {
      const schema = await qt.getJson("/api/v1/schema");
      if (page !== mine) return;
      showSchema(schema);
      page.editor.setSchema(completions(schema));
    } catch (cause) {
      if (page === mine) $("sql-schema").replaceChildren(qt.make("p", { className: "qt-muted", text: cause.message }));
    }
  }

  // Leaving the page stops its query; going back to an older query shows it.
  qt.onUrl(() => {
    if (!page) return;
    if (location.pathname !== "/sql") {
      page.running?.abort();
      page.editor?.destroy();
      page = null;
      return;
    }
    const asked = new URLSearchParams(location.search).get("q");
    if (page.editor && asked && asked !== page.editor.text().trim()) { page.editor.setText(asked); run(); }
  });

  // ---- cells ----
  const asText = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
  const isTraceId = (name, value) => /(^|_)trace_id$/.test(name) && /^[0-9a-f]{32}$/.test(value);

  function spanLink(data, value) {
    const i = page && page.columns ? page.columns.indexOf("trace_id") : -1;
    const traceId = i >= 0 ? data[`c${i}`] : null;
    return isTraceId("trace_id", traceId || "") ? `/trace/${traceId}?span=${value}` : null;
  }

  window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
    QtSqlValue: ({ value, data, columnName }) => {
      if (value === null || value === undefined) return React.createElement("span", { className: "qt-sql-null" }, "NULL");
      const text = asText(value);
      let href = isTraceId(columnName, text) ? `/trace/${text}` : null;
      const isSpanId = /(^|_)span_id$/.test(columnName) && /^[0-9a-f]{16}$/.test(text);
      if (isSpanId) href = spanLink(data, text);
      if (href) return React.createElement("a", { href, className: "qt-link qt-mono" }, text);
      return React.createElement("span", { className: isSpanId ? "qt-mono" : "qt-number" }, text.length > 500 ? `${text.slice(0, 500)}…` : text);
    },
  });
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    quacktraceSqlTooltip: ({ value }) => {
      const text = value === null || value === undefined ? "" : asText(value);
      return text.length > 24 ? text.slice(0, 2000) : null;
    },
  });
  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, { openSql: () => { open(); return true; } });
})();
