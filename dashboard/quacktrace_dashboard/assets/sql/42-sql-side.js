// Beside the SQL editor: what there is to read, recipes, and the queries that were kept and asked, from the server.
"use strict";

qt.SQL_CLIENT = { "X-Quacktrace-Client": "sql page" };

qt.SqlSide = class {
  // `editor()` is the editor; `run` runs what stands in it.
  constructor(host, { editor, run }) {
    Object.assign(this, { host, editor, run, schema: null, tab: "schema" });
    this.tabs = qt.make("div", { className: "qt-sql-tabs", role: "tablist", "aria-label": "Beside the query" });
    this.body = qt.make("div", { className: "qt-sql-side-body", role: "tabpanel" });
    host.replaceChildren(this.tabs, this.body);
    this.show("schema");
  }

  show(tab) {
    this.tab = tab;
    const names = { schema: "Schema", recipes: "Recipes", saved: "Saved", history: "History" };
    this.tabs.replaceChildren(...Object.entries(names).map(([name, text]) => qt.make("button", {
      type: "button", role: "tab", text, "aria-selected": String(name === tab), onclick: () => this.show(name),
    })));
    const draw = { schema: () => this.drawSchema(), recipes: () => this.drawRecipes(), saved: () => this.drawSaved(), history: () => this.drawHistory() };
    draw[tab]();
  }

  async load() {
    this.schema = await qt.getJson("/api/v1/schema").catch((cause) => ({ failed: cause.message, tables: [], macros: [], examples: [] }));
    this.show(this.tab);
    return this.schema;
  }

  note(text) {
    this.body.replaceChildren(qt.make("p", { className: "qt-muted qt-sql-side-note", text }));
  }

  // ---- schema ----
  drawSchema() {
    if (!this.schema) { this.body.replaceChildren(qt.make("div", { className: "qt-skeleton qt-sql-skeleton" })); return; }
    if (this.schema.failed) { this.note(this.schema.failed); return; }
    const find = qt.make("input", { type: "search", className: "qt-sql-find", placeholder: "Find a table, column or macro", "aria-label": "Find in the schema" });
    const list = qt.make("div");
    const draw = () => list.replaceChildren(...this.entries(find.value.trim().toLowerCase()));
    find.addEventListener("input", draw);
    draw();
    this.body.replaceChildren(find, list);
  }

  entries(wanted) {
    const fits = (text) => text.toLowerCase().includes(wanted);
    const group = ({ name, signature, description, columns = [], example }) => {
      const shown = wanted && !fits(name) ? columns.filter((column) => fits(column.name)) : columns;
      if (wanted && !fits(name) && !shown.length) return null;
      return qt.make("details", { open: Boolean(wanted && shown.length && !fits(name)) },
        qt.make("summary", { title: signature || name }, qt.make("code", { text: name }), qt.make("small", { className: "qt-muted", text: signature ? "macro" : `${columns.length}` })),
        qt.make("p", { className: "qt-muted", text: description }),
        signature && qt.make("div", { className: "qt-sql-uses" }, this.inserting(signature, signature, "", "Put the call into the query"),
          qt.make("button", { type: "button", className: "qt-link", text: "Run its example", onclick: () => this.use(example, true) })),
        qt.make("ul", {}, ...shown.map((column) => qt.make("li", {}, this.inserting(column.name, this.quoted(column.name), column.type || "", column.description)))));
    };
    const tables = this.schema.tables.map(group).filter(Boolean), macros = this.schema.macros.map(group).filter(Boolean);
    if (!tables.length && !macros.length) return [qt.make("p", { className: "qt-muted qt-sql-side-note", text: "Nothing is called so." })];
    return [tables.length && qt.make("h2", { text: "Tables" }), ...tables, macros.length && qt.make("h2", { text: "Macros" }), ...macros].filter(Boolean);
  }

  quoted(name) {
    return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
  }

  inserting(label, fragment, detail, description) {
    return qt.make("button", { type: "button", className: "qt-sql-insert", title: [detail, description].filter(Boolean).join(": ") || label, onclick: () => this.editor()?.insert(fragment) },
      qt.make("code", { text: label }), detail && qt.make("small", { className: "qt-muted", text: (detail.length > 14 ? `${detail.slice(0, 13)}…` : detail).toLowerCase() }));
  }

  use(query, isRun) {
    if (!this.editor()) return;
    this.editor().setText(query);
    this.editor().focus();
    if (isRun) this.run();
  }

  drawRecipes() {
    const recipes = this.schema?.examples || [];
    this.body.replaceChildren(qt.make("ul", { className: "qt-sql-list" }, ...recipes.map(({ title, query }) => qt.make("li", {}, qt.make("button", {
      type: "button", className: "qt-sql-example", title: query, text: title, onclick: () => this.use(query, true),
    })))));
  }

  // ---- kept and past queries ----
  async drawSaved() {
    const { queries } = await qt.getJson("/api/v1/queries", { headers: qt.SQL_CLIENT }).catch((cause) => ({ queries: cause.message }));
    if (this.tab !== "saved") return;
    if (typeof queries === "string") { this.note(queries); return; }
    const form = qt.make("form", { className: "qt-sql-save", onsubmit: (event) => { event.preventDefault(); this.save(form.elements.title.value); } },
      qt.make("input", { name: "title", placeholder: "Title of this query", maxlength: "200", "aria-label": "Title of this query", autocomplete: "off" }),
      qt.make("button", { type: "submit", className: "qt-button", text: "Save" }));
    this.body.replaceChildren(form, queries.length
      ? qt.make("ul", { className: "qt-sql-list" }, ...queries.map((query) => qt.make("li", {},
        qt.make("button", { type: "button", className: "qt-sql-example", title: query.query, text: query.title, onclick: () => this.use(query.query, true) }),
        qt.make("button", { type: "button", className: "qt-tool", title: "Delete", "aria-label": `Delete ${query.title}`, onclick: () => this.remove(query) }, qt.icon("close")))))
      : qt.make("p", { className: "qt-muted qt-sql-side-note", text: "Queries that you save are kept by the collector, for everybody who may read it." }));
  }

  async save(title) {
    const response = await fetch(qt.at("/api/v1/queries"), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ title, query: this.editor()?.text().trim() || "" }) }).catch(() => null);
    const body = response && (await response.json().catch(() => null));
    qt.toast(response?.ok ? "Saved" : body?.error?.message || "The collector does not answer.");
    if (this.tab === "saved") this.drawSaved();
  }

  async remove(query) {
    await fetch(qt.at(`/api/v1/queries/${encodeURIComponent(query.id)}`), { method: "DELETE" }).catch(() => null);
    qt.toast("Deleted");
    this.drawSaved();
  }

  async drawHistory() {
    const parameters = new URLSearchParams({ via: qt.SQL_CLIENT["X-Quacktrace-Client"], limit: 300 });
    const { queries } = await qt.getJson(`/api/v1/queries/log?${parameters}`).catch((cause) => ({ queries: cause.message }));
    if (this.tab !== "history") return;
    if (typeof queries === "string") { this.note(queries); return; }
    const seen = new Set(), newest = queries.filter(({ query }) => !seen.has(query) && seen.add(query)).slice(0, 100);
    if (!newest.length) { this.note("Queries that are run on this page are listed here, also after a restart."); return; }
    this.body.replaceChildren(qt.make("ul", { className: "qt-sql-list" }, ...newest.map((one) => qt.make("li", {}, qt.make("button", {
      type: "button", className: "qt-sql-past", title: one.query, onclick: () => this.use(one.query, false),
    }, qt.make("code", { text: one.query.replace(/\s+/g, " ").slice(0, 160) }), qt.make("small", { className: one.outcome === "ok" ? "qt-muted" : "qt-error-text", text: this.outcome(one) }))))));
  }

  outcome({ outcome, started_at: at, row_count: rows, elapsed_ms: ms }) {
    const when = qt.clock(new Date(at.replace(/(\.\d{3})\d*/, "$1"))).slice(0, 5);
    return `${when} · ${outcome === "ok" ? `${rows} row${rows === 1 ? "" : "s"} · ${qt.duration(ms * 1000)}` : outcome.replaceAll("_", " ")}`;
  }
};
