// The SQL editor: CodeMirror, an error under the token that it is about, and completion with what the data has.
"use strict";

(function () {
  const KEYWORDS = `select from where group by order having limit offset as on using join left right full inner outer cross lateral
    asof positional semi anti union except intersect all distinct with recursive case when then else end and or not in is null
    like ilike between exists any asc desc nulls first last filter over partition rows range preceding following unbounded
    current row window qualify sample values interval cast try_cast unnest pivot unpivot describe summarize explain show true false
    exclude replace columns`;
  const TYPES = `varchar text integer int bigint hugeint double float decimal boolean date time timestamp timestamp_ns timestamptz
    blob uuid json list map struct array`;


  qt.createSqlEditor = (cm, host, text, { onRun, onLeave, known }) => {
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
    const dialect = cm.SQLDialect.define({ keywords: KEYWORDS, types: TYPES, doubleDollarQuotedStrings: true });
    // One and the same function every time: CodeMirror knows a source by its identity.
    const completes = [{ autocomplete: (context) => complete(context, known) }];
    const extensions = () => [
      cm.Prec.highest(cm.keymap.of([{ key: "Mod-Enter", run: () => { onRun(); return true; } }])),
      cm.EditorState.languageData.of(() => completes),
      cm.lineNumbers(), cm.history(), cm.drawSelection(), cm.bracketMatching(), cm.closeBrackets(), cm.highlightActiveLine(),
      cm.autocompletion({ icons: false }), cm.EditorView.lineWrapping, cm.syntaxHighlighting(colours), look, errorMarks,
      cm.sql({ dialect, upperCaseKeywords: false }),
      cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.historyKeymap, ...cm.defaultKeymap, { key: "Escape", run: onLeave }]),
      cm.EditorView.contentAttributes.of({ "aria-label": "SQL query" }),
    ];
    const view = new cm.EditorView({ parent: host, state: cm.EditorState.create({ doc: text, extensions: extensions() }) });
    return {
      text: () => view.state.doc.toString(),
      focus: () => view.focus(),
      setText: (replacement) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: replacement } }),
      insert: (fragment) => { view.dispatch(view.state.replaceSelection(fragment)); view.focus(); },
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
  };

  // ---- completion ----
  // `known` is { tables: {name: [{name, type}]}, macros: [{name, signature, description}], attributes: [{key, spans,
  // values}], columns: {name: [value]} }, filled in when the answers arrive.
  function complete(context, known) {
    const before = context.state.sliceDoc(Math.max(0, context.pos - 400), context.pos);
    let match;
    if ((match = /(?:attributes|resource)\['([^'\]]*)$/i.exec(before)))
      return options(context, match[1], known.attributes.map(({ key, spans }) => ({ label: key, detail: `${qt.count(spans)} spans`, apply: closing(key, "']") })));
    if ((match = /attributes\['([^']+)'\]\s*(?:=|<>|!=|i?like|in\s*\([^()]*)\s*'([^']*)$/i.exec(before))) {
      const attribute = known.attributes.find(({ key }) => key === match[1]);
      return options(context, match[2], (attribute ? attribute.values : []).map(quoted));
    }
    if ((match = /\b([a-z_]+)\s*(?:=|<>|!=|i?like|in\s*\([^()]*)\s*'([^']*)$/i.exec(before)))
      return options(context, match[2], (known.columns[match[1].toLowerCase()] || []).map(quoted));
    const word = /(?:\b([a-z_]\w*)\.)?\b([a-z_]\w*)?$/i.exec(before);
    if (!word || (!word[0] && !context.explicit) || /'[^'\n]*$/.test(before.replace(/'[^'\n]*'/g, ""))) return null;
    return options(context, word[2] || "", word[1] ? columnsOf([word[1].toLowerCase()], context, known) : names(context, known), /^\w*$/);
  }

  const options = (context, typed, list, validFor = /^[^']*$/) => (list.length ? { from: context.pos - typed.length, options: list, validFor } : null);
  const quoted = (value) => ({ label: value, apply: closing(value.replaceAll("'", "''"), "'") });
  const identifier = (name) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

  // What closes the literal may stand there already.
  function closing(text, end) {
    return (view, _, from, to) => {
      const after = view.state.sliceDoc(to, to + end.length);
      let kept = 0;
      while (kept < end.length && after.startsWith(end.slice(0, kept + 1))) kept++;
      view.dispatch({ changes: { from, to: to + kept, insert: text + end }, selection: { anchor: from + text.length + end.length }, userEvent: "input.complete" });
    };
  }

  function names(context, known) {
    const read = [...context.state.doc.toString().matchAll(/\b(?:from|join)\s+([a-z_]\w*)/gi)].map((match) => match[1].toLowerCase());
    const tables = Object.keys(known.tables).map((name) => ({ label: name, type: "type", detail: "table", boost: 1 }));
    const macros = known.macros.map((macro) => ({
      label: macro.name, type: "function", detail: macro.signature.slice(macro.name.length), info: macro.description, apply: `${macro.name}(`,
    }));
    return [...columnsOf(read, context, known), ...tables, ...macros];
  }

  // A name before a dot may be an alias; a macro without columns of its own has those of spans.
  function columnsOf(tables, context, known) {
    const text = context.state.doc.toString(), found = new Map();
    for (const name of tables) {
      const aliased = known.tables[name] ? null : new RegExp(`\\b(?:from|join)\\s+([a-z_]\\w*)\\s+(?:as\\s+)?${name}\\b`, "i").exec(text);
      const macro = known.macros.find((one) => one.name === name);
      const columns = known.tables[aliased ? aliased[1].toLowerCase() : name] || (macro && (macro.columns.length ? macro.columns : known.tables.spans)) || [];
      for (const column of columns) found.set(column.name, column);
    }
    return [...found.values()].map((column) => ({ label: column.name, apply: identifier(column.name), type: "property", detail: (column.type || "").toLowerCase(), boost: 2 }));
  }
})();
