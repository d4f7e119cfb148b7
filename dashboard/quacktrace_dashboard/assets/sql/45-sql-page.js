// The SQL page: running and stopping, the answer as a grid, a chart, a plan and files, the trace of a row beside it.
"use strict";

(function () {
  const $ = (id) => document.getElementById(id);
  const TIMEOUT_S = 30, LONGEST_LINK = 6000;
  const FIRST_QUERY = `select service_name, count(*) as spans,
       count(*) filter (where status_code = 'ERROR') as errors,
       round(quantile_cont(duration_ns, 0.95) / 1e6, 2) as p95_ms
from spans
where start_time > now() - interval 1 hour
group by service_name
order by errors desc, spans desc`;

  let page = null; // the page that is open: its editor, its last answer, the query under way
  let codemirror = null;
  const loadCodeMirror = () => (codemirror = codemirror || import(qt.at("/assets/codemirror/codemirror.mjs")));

  // ---- running ----
  const ask = (query, accept, signal, id) => fetch(qt.at("/api/v1/sql"), {
    method: "POST", signal, headers: { "Content-Type": "application/json", Accept: accept, ...qt.SQL_CLIENT },
    body: JSON.stringify({ query, limit: page.limit, timeout_s: TIMEOUT_S, ...(id && { id }) }),
  });

  async function errorOf(response) {
    const body = await response.json().catch(() => null);
    return (body && body.error) || { message: `The collector answered with HTTP status ${response.status}.` };
  }

  async function run() {
    const query = page.editor.text().trim();
    if (!query) return;
    page.running?.abort();
    const mine = page, running = new AbortController(), started = performance.now();
    page.running = running;
    page.editor.clearError();
    qt.patchUrl({ q: query.length > LONGEST_LINK ? null : query }, { replace: true });
    setRunning(true);
    const clock = setInterval(() => badge(`Running, ${((performance.now() - started) / 1000).toFixed(1)} s`), 100);
    try {
      const response = await ask(query, "application/json", running.signal);
      const answer = response.ok ? await response.json() : null;
      if (page !== mine || page.running !== running) return;
      if (answer) showAnswer(answer, query);
      else showError(await errorOf(response));
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
        if (page.side.tab === "history") page.side.show("history");
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

  function badge(text) {
    $("sql-badge").textContent = text;
  }

  function message(...content) {
    $("sql-message").replaceChildren(...content.filter(Boolean).map((part) =>
      typeof part === "string" ? qt.make("p", { className: "qt-muted qt-sql-note", text: part }) : part));
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

  // ---- the answer ----
  const isNumeric = (type) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL|REAL)/.test(type);

  function showAnswer(answer, query) {
    page.answer = { ...answer, query };
    page.trace.close();
    message(null);
    page.columns = answer.columns.map((column) => column.name);
    $("sql-result").hidden = !answer.columns.length;
    const count = `${answer.row_count.toLocaleString("en")} row${answer.row_count === 1 ? "" : "s"}`;
    $("sql-count").textContent = answer.truncated ? `The first ${count}` : count;
    $("sql-elapsed").textContent = `${answer.truncated ? "There are more. " : ""}Took ${qt.duration(answer.elapsed_ms * 1000)}.`;
    const columns = answer.columns.map(({ name, type }, i) => ({
      field: `c${i}`, headerName: name, headerTooltip: `${name}: ${type}`, cellRenderer: "QtSqlValue",
      cellRendererParams: { columns: page.columns, index: i }, type: isNumeric(type) ? "rightAligned" : undefined,
      minWidth: 70, width: widthOf(name, type, answer.rows, i), flex: i === answer.columns.length - 1 ? 1 : undefined, tooltipValueGetter: { function: "quacktraceSqlTooltip(params)" },
    }));
    const rows = answer.rows.map((values, row) => {
      const record = { row: String(row) };
      values.forEach((value, i) => { record[`c${i}`] = value; });
      return record;
    });
    dash_clientside.set_props("sql-grid", { columnDefs: columns, rowData: rows });
    $("sql-result").dataset.ready = String(answer.row_count);
    setTab(/^\s*explain\b/i.test(query) ? "plan" : page.tab === "plan" ? "table" : page.tab);
  }

  // As wide as the first rows need, within reason; the last column takes what is left.
  function widthOf(name, type, rows, i) {
    if (/(^|_)trace_id$/.test(name)) return 262;
    if (/(^|_)span_id$/.test(name)) return 150;
    const values = rows.slice(0, 60).map((row) => (row[i] === null ? 4 : qt.sqlCellText(row[i]).length));
    return Math.round(Math.min(400, Math.max(70, 34 + (isNumeric(type) ? 8.2 : 7.4) * Math.max(name.length, ...values))));
  }

  function setTab(tab) {
    page.tab = tab;
    for (const button of document.querySelectorAll("[data-sql-tab]")) button.setAttribute("aria-selected", String(button.dataset.sqlTab === tab));
    $("sql-table").hidden = tab !== "table";
    $("sql-chart").hidden = tab !== "chart";
    $("sql-plan").hidden = tab !== "plan";
    if (tab === "chart" && page.answer) page.chart.show(page.answer);
    if (tab === "plan" && page.answer) showPlan(page.answer);
  }

  async function showPlan(answer) {
    const show = (text) => page?.answer === answer && $("sql-plan").replaceChildren(qt.make("pre", { tabindex: "0", text }));
    const planOf = (found) => found.rows.map((row) => row.at(-1)).join("\n\n");
    if (/^\s*explain\b/i.test(answer.query)) { show(planOf(answer)); return; }
    if (answer.plan) { show(answer.plan); return; }
    $("sql-plan").replaceChildren(qt.make("div", { className: "qt-skeleton qt-sql-skeleton" }));
    const response = await ask(`explain analyze ${answer.query}`, "application/json").catch(() => null);
    if (!response) { show("The collector does not answer."); return; }
    answer.plan = response.ok ? planOf(await response.json()) : (await errorOf(response)).message;
    show(answer.plan);
  }

  // The chosen part of a chart becomes a condition around the query.
  function choose(condition) {
    const wrapped = /^select \*\nfrom \(\n([\s\S]*)\n\) as result\nwhere ([\s\S]*)$/.exec(page.answer.query);
    const query = wrapped ? wrapped[1] : page.answer.query.replace(/;\s*$/, "");
    page.editor.setText(`select *\nfrom (\n${query}\n) as result\nwhere ${wrapped ? `${wrapped[2]}\n  and ` : ""}${condition}`);
    run();
  }

  // ---- files ----
  const ACCEPT = { csv: "text/csv", parquet: "application/vnd.apache.parquet", arrow: "application/vnd.apache.arrow.stream" };

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

  // ---- keys: editor, rows, trace, and back ----
  const gridApi = () => window.dash_ag_grid?.getApi?.("sql-grid");

  function focusRows() {
    const api = gridApi();
    if (!page.answer?.row_count || !api) return false;
    if (page.tab !== "table") setTab("table");
    const cell = api.getFocusedCell();
    api.setFocusedCell(cell ? cell.rowIndex : 0, cell ? cell.column : "c0");
    return true;
  }

  function openFocused() {
    const api = gridApi(), cell = api?.getFocusedCell(), row = cell && api.getDisplayedRowAtIndex(cell.rowIndex);
    const place = row && qt.traceOfRow(page.columns, page.columns.map((_, i) => row.data[`c${i}`]), Number(cell.column.getColId().slice(1)));
    if (!place) { qt.toast("This row names no trace: select trace_id too."); return; }
    page.trace.open(place.traceId, place.spanId);
  }

  function gridKey(event) {
    if (!event.target.closest(".ag-cell")) return;
    if (event.key === "Enter") { event.preventDefault(); openFocused(); }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); page.editor.focus(); }
  }

  function gridClick(event) {
    const link = event.target.closest("a[data-trace]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    page.trace.open(link.dataset.trace, link.dataset.span || null);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && page?.running && !event.defaultPrevented) page.running.abort();
  });

  // ---- the page ----
  // A link says the query itself, or the panel whose query it is.
  async function askedQuery() {
    const parameters = new URLSearchParams(location.search), panel = parameters.get("panel");
    if (!panel) return { query: parameters.get("q") };
    parameters.delete("panel");
    try {
      const { sql } = await qt.getJson(`/api/v1/panels/${encodeURIComponent(panel)}?${parameters}`);
      history.replaceState({}, "", qt.at(`/sql?${new URLSearchParams({ q: sql })}`));
      return { query: sql };
    } catch (cause) {
      return { query: null, failed: { message: cause.message, hint: cause.hint } };
    }
  }

  async function learn(mine, known) {
    const [schema, values] = await Promise.all([mine.side.load(), qt.getJson("/api/v1/schema/values").catch(() => ({ attributes: [], columns: {} }))]);
    Object.assign(known, values, { macros: schema.macros, tables: Object.fromEntries(schema.tables.map(({ name, columns }) => [name, columns])) });
    mine.host.dataset.learned = "true";
  }

  async function open() {
    const host = $("sql-editor");
    if (!host) return;
    const mine = (page = { editor: null, answer: null, running: null, limit: 1000, host, tab: "table" });
    const known = { tables: {}, macros: [], attributes: [], columns: {} };
    mine.side = new qt.SqlSide($("sql-schema"), { editor: () => mine.editor, run });
    mine.trace = new qt.SqlTrace($("sql-trace"), { onClose: () => focusRows() });
    mine.chart = new qt.SqlChart($("sql-chart"), { onChoose: choose });
    learn(mine, known);
    const [cm, asked] = await Promise.all([loadCodeMirror(), askedQuery()]);
    if (page !== mine || !document.contains(host)) return;
    mine.editor = qt.createSqlEditor(cm, host, asked.query || FIRST_QUERY, { onRun: run, onLeave: () => !page.running && focusRows(), known });
    $("sql-run").disabled = false;
    $("sql-run").addEventListener("click", run);
    $("sql-stop").addEventListener("click", () => page.running?.abort());
    $("sql-save").addEventListener("click", () => { mine.side.show("saved"); setTimeout(() => document.querySelector(".qt-sql-save input")?.focus(), 150); });
    $("sql-table").addEventListener("keydown", gridKey, true);
    $("sql-table").addEventListener("click", gridClick, true);
    for (const button of document.querySelectorAll("[data-sql-tab]")) button.addEventListener("click", () => setTab(button.dataset.sqlTab));
    for (const button of document.querySelectorAll("[data-sql-format]")) button.addEventListener("click", () => download(button.dataset.sqlFormat));
    for (const button of document.querySelectorAll("[data-sql-limit]")) {
      button.addEventListener("click", () => {
        page.limit = Number(button.dataset.sqlLimit);
        for (const other of document.querySelectorAll("[data-sql-limit]")) other.setAttribute("aria-pressed", String(other === button));
      });
    }
    mine.editor.focus();
    host.dataset.ready = "true";
    if (asked.failed) showError(asked.failed);
    else if (asked.query) run();
  }

  // Leaving the page stops its query; going back to an older query shows it.
  qt.onUrl(() => {
    if (!page) return;
    if (qt.path() !== "/sql") {
      page.running?.abort();
      page.editor?.destroy();
      page.chart.destroy();
      page.trace.clear();
      page = null;
      return;
    }
    const asked = new URLSearchParams(location.search).get("q");
    if (page.editor && asked && asked !== page.editor.text().trim()) { page.editor.setText(asked); run(); }
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.quacktrace = Object.assign(window.dash_clientside.quacktrace || {}, { openSql: () => { open(); return true; } });
})();
