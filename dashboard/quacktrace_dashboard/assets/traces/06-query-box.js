// The search box: an ordinary input that only its user writes into while it has the focus, with a list of completions.
"use strict";

(function () {
  const DELAY_MS = 140;
  const KEY = String.raw`"(?:[^"\\]|\\.)*"|[^\s":=<>!()]+`;
  const IN_VALUE = new RegExp(String.raw`(?:^|[\s(!])(${KEY})\s*(=~|!~|!=|==|[:=](?:>=|<=|>|<)|>=|<=|[:=<>])\s*("(?:[^"\\]|\\.)*|[^\s"()]*)$`);
  const AFTER_KEY = /(?:^|[\s(!])([^\s":=<>!()]*[._][^\s":=<>!()]*|service|name|status|kind|duration|version|environment|instance|namespace|scope)\s+$/;
  const AFTER_TERM = /(?:=~|!~|[:=<>])\s*(?:"(?:[^"\\]|\\.)*"|[^\s"()]+)\s+$|\b(?:exists|absent)\s+$|\)\s+$/i;
  const IN_KEY = /(^|[\s(!])([^\s":=<>!()]*)$/;
  const OPERATORS = [
    ["=", "is"],
    ["!=", "is not"],
    ["=~", "matches a regular expression"],
    [">", "is more than"],
    ["<", "is less than"],
    ["exists", "is there"],
    ["absent", "is not there"],
  ];
  const CONNECTIVES = [
    ["and", "both"],
    ["or", "either"],
  ];
  const known = new Map();

  async function ask(parameters) {
    const { from, to } = qt.timeRange(),
      query = new URLSearchParams({ ...parameters, from: Math.floor(from / 60e3) * 60e3, to: Math.ceil(to / 60e3) * 60e3 }).toString();
    if (!known.has(query)) {
      if (known.size > 200) known.clear();
      known.set(query, qt.getJson(`/api/v1/completions?${query}`).catch(() => ({})));
    }
    return known.get(query);
  }

  const unquote = (text) => (text.startsWith('"') ? text.replace(/^"|"$/g, "").replace(/\\(["\\*])/g, "$1") : text);

  // What could stand where the caret is: the options, and how much of the text before the caret they would replace.
  async function completions(before) {
    const value = IN_VALUE.exec(before);
    if (value) {
      const { values = [] } = await ask({ key: unquote(value[1]), prefix: unquote(value[3]).slice(0, 100) });
      const options = values.map((one) => ({ text: qt.terms.quoteValue(one.value), label: one.value, count: one.spans }));
      return { replaced: value[3].length, options: options.filter((one) => one.text !== value[3]) };
    }
    const words = (list) => list.map(([text, meaning]) => ({ text, label: text, meaning }));
    if (AFTER_TERM.test(before)) return { replaced: 0, options: words(CONNECTIVES) };
    if (AFTER_KEY.test(before)) return { replaced: 0, options: words(OPERATORS) };
    const key = IN_KEY.exec(before);
    if (!key) return { replaced: 0, options: [] };
    const { keys = [] } = await ask({ prefix: key[2].slice(0, 100) });
    const options = keys.map((one) => ({ text: qt.terms.quoteKey(one.key), label: one.key, count: one.spans }));
    return { replaced: key[2].length, options: options.filter((one) => one.text !== key[2]) };
  }

  class QueryBox {
    constructor({ label, onSubmit }) {
      const { make } = qt;
      this.onSubmit = onSubmit;
      this.options = [];
      this.active = -1;
      this.input = make("input", {
        type: "text",
        className: "qt-query-input qt-mono",
        placeholder: 'service = cart and status = error, "words of a name", a trace id…',
        "aria-label": label,
        role: "combobox",
        "aria-expanded": "false",
        "aria-controls": "traces-completions",
        "aria-autocomplete": "list",
        autocomplete: "off",
        autocapitalize: "off",
        spellcheck: "false",
      });
      this.list = make("ul", { id: "traces-completions", className: "qt-completions", role: "listbox", "aria-label": "Completions", hidden: true });
      this.clear = make("button", { type: "button", className: "qt-tool", "aria-label": "Clear the search", hidden: true }, qt.icon("close"));
      this.problem = make("p", { className: "qt-query-problem", role: "alert", hidden: true });
      this.element = make(
        "div",
        { className: "qt-query", role: "search" },
        make("div", { className: "qt-query-field" }, qt.icon("search"), this.input, this.clear, make("kbd", { text: "/" })),
        this.list,
        this.problem,
      );
      this.input.addEventListener("input", () => this.typed());
      this.input.addEventListener("focus", () => this.suggestSoon());
      this.input.addEventListener("click", () => this.suggestSoon());
      this.input.addEventListener("blur", () => this.close());
      this.input.addEventListener("keydown", (event) => this.key(event));
      this.clear.addEventListener("click", () => {
        this.input.value = "";
        this.input.focus();
        this.submit();
      });
      // Pressing on an option must not take the focus away: that would close the list before the click.
      this.list.addEventListener("pointerdown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.accept(Number(option.dataset.index));
      });
    }

    // From the link; what somebody is typing stays theirs.
    show(text) {
      if (document.activeElement !== this.input || this.submitted === text) this.input.value = text;
      this.clear.hidden = !this.input.value;
    }

    showProblem(problem) {
      this.problem.hidden = !problem;
      this.input.setAttribute("aria-invalid", String(Boolean(problem)));
      if (!problem) return;
      const { make } = qt,
        text = this.input.value,
        at = Math.min(problem.position ?? 0, text.length);
      this.problem.replaceChildren(
        ...(problem.position === null || problem.position === undefined
          ? []
          : [make("code", {}, text.slice(0, at), make("mark", { text: text.slice(at, at + 24) || "␣" }), text.length > at + 24 && "…")].filter(Boolean)),
        make("span", { text: `${problem.message}${problem.hint ? ` – ${problem.hint}` : ""}` }),
      );
    }

    typed() {
      this.clear.hidden = !this.input.value;
      this.suggestSoon();
    }

    suggestSoon() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.suggest(), DELAY_MS);
    }

    async suggest() {
      const asked = (this.asked = Symbol("asked"));
      const before = this.input.value.slice(0, this.input.selectionStart);
      const { replaced, options } = await completions(before);
      if (asked !== this.asked || document.activeElement !== this.input) return;
      if (before !== this.input.value.slice(0, this.input.selectionStart)) return;
      this.options = options.slice(0, 12);
      this.replaced = replaced;
      this.active = -1;
      this.paint();
    }

    paint() {
      const { make } = qt;
      this.list.replaceChildren(
        ...this.options.map((option, index) =>
          make(
            "li",
            { id: `traces-completion-${index}`, role: "option", "data-index": index, "aria-selected": String(index === this.active), title: option.label },
            make("span", { className: "qt-mono", text: option.label || '""' }),
            option.meaning
              ? make("small", { text: option.meaning })
              : option.count && make("small", { className: "qt-number", text: qt.count(option.count) }),
          ),
        ),
      );
      const isOpen = this.options.length > 0;
      this.list.hidden = !isOpen;
      this.input.setAttribute("aria-expanded", String(isOpen));
      if (isOpen && this.active >= 0) {
        this.input.setAttribute("aria-activedescendant", `traces-completion-${this.active}`);
        this.list.children[this.active].scrollIntoView({ block: "nearest" });
      } else this.input.removeAttribute("aria-activedescendant");
    }

    close() {
      clearTimeout(this.timer);
      this.asked = null;
      this.options = [];
      this.paint();
    }

    key(event) {
      const count = this.options.length;
      if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        this.active = this.active < 0 && step < 0 ? count - 1 : (this.active + step + count + 1) % (count + 1);
        if (this.active === count) this.active = -1;
        this.paint();
      } else if (count && event.key === "Tab" && !event.shiftKey) {
        event.preventDefault();
        this.accept(Math.max(this.active, 0));
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (count && this.active >= 0) this.accept(this.active);
        else this.submit();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        if (count) this.close();
        else this.input.blur();
      }
    }

    accept(index) {
      const option = this.options[index];
      if (!option) return;
      const end = this.input.selectionStart,
        start = end - this.replaced,
        after = this.input.value.slice(end);
      this.input.value = `${this.input.value.slice(0, start)}${option.text}${after.startsWith(" ") ? "" : " "}${after}`;
      const caret = start + option.text.length + 1;
      this.input.focus();
      this.input.setSelectionRange(caret, caret);
      this.typed();
    }

    submit() {
      this.close();
      const text = this.input.value.trim();
      this.submitted = text;
      this.onSubmit(text);
    }
  }

  qt.QueryBox = QueryBox;
})();
