// The search box above every page: a trace id of any form opens the trace; services and operations are offered by name.
"use strict";

(function () {
  const { qt } = window;
  const DELAY_MS = 160;
  const MOST = 6;
  const LABEL = "Find a trace, a service or an operation";
  const known = new Map();
  let input = null, list = null, options = [], active = -1, timer = 0, asked = 0;

  function go(path, changes) {
    const parameters = new URLSearchParams(qt.rangeQuery());
    for (const [name, value] of Object.entries(changes)) if (value) parameters.set(name, value);
    const query = parameters.toString();
    qt.go(query ? `${path}?${query}` : path);
  }

  function search(text) {
    const words = (text || "").trim();
    const id = qt.traceIdIn(words);
    if (id) return qt.go(`/trace/${id}${qt.rangeQuery()}`);
    if (qt.path() === "/traces") return qt.patchUrl({ q: words });
    go("/traces", { q: words });
  }

  // Whole minutes, so that a range that moves along asks once.
  async function ask(path, parameters) {
    const { from, to } = qt.timeRange();
    const query = new URLSearchParams({ ...parameters, from: Math.floor(from / 60e3) * 60e3, to: Math.ceil(to / 60e3) * 60e3 });
    const url = `${path}?${query}`;
    if (known.size > 100) known.clear();
    if (!known.has(url)) known.set(url, qt.getJson(url).catch(() => ({})));
    return known.get(url);
  }

  async function found(text) {
    const words = text.trim(), lowered = words.toLowerCase();
    if (!words) return [];
    const id = qt.traceIdIn(words);
    if (id) return [{ kind: "Trace", icon: "traces", text: id, open: () => search(words) }];
    // A search of the language is completed by its own box.
    if (/[=<>():]/.test(words)) return [];
    const [{ services = [] }, { values = [] }] = await Promise.all([
      ask("/api/v1/services", {}),
      ask("/api/v1/completions", { key: "name", prefix: words.slice(0, 100) }),
    ]);
    const matching = services
      .filter(({ service_name: name }) => name.toLowerCase().includes(lowered))
      .sort((a, b) => !a.service_name.toLowerCase().startsWith(lowered) - !b.service_name.toLowerCase().startsWith(lowered) || b.calls - a.calls);
    return [
      ...matching.slice(0, MOST).map(({ service_name: name }) => ({ kind: "Service", icon: "services", text: name, open: () => go("/services", { service: name }) })),
      ...values.slice(0, MOST).map(({ value }) => ({ kind: "Operation", icon: "path", text: value, open: () => go("/traces", { operation: value }) })),
      { kind: "Search", icon: "search", text: `Traces with “${words}”`, open: () => search(words) },
    ];
  }

  async function suggest() {
    const turn = ++asked;
    const choices = await found(input.value);
    if (turn !== asked || document.activeElement !== input) return;
    options = choices;
    active = -1;
    list.replaceChildren(...options.map((option, i) =>
      qt.make("li", { role: "option", id: `shell-search-${i}`, "aria-selected": "false", title: option.text, onmousedown: (event) => { event.preventDefault(); choose(i); } },
        qt.icon(option.icon), qt.make("span", { className: "qt-search-option", text: option.text }), qt.make("small", { className: "qt-muted", text: option.kind }))));
    show(options.length > 0);
  }

  function show(isOpen) {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    input.removeAttribute("aria-activedescendant");
  }

  function close() {
    asked++;
    clearTimeout(timer);
    show(false);
  }

  function choose(i) {
    const option = options[i];
    close();
    input.value = "";
    input.blur();
    option.open();
  }

  function move(step) {
    if (list.hidden) return suggest();
    active = (active + step + options.length + (active < 0 && step < 0 ? 1 : 0)) % options.length;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
    list.children[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `shell-search-${active}`);
  }

  function key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      move(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter") {
      if (!list.hidden && active >= 0) return choose(active);
      close();
      search(input.value);
    } else if (event.key === "Escape" && !list.hidden) {
      close();
      event.preventDefault();
      event.stopPropagation();
    }
  }

  function draw(host) {
    input = qt.make("input", {
      id: "shell-search", type: "text", className: "qt-search-input", placeholder: "Search traces, services, operations, or paste a trace id",
      "aria-label": LABEL, role: "combobox", "aria-expanded": "false", "aria-controls": "shell-search-list", "aria-autocomplete": "list",
      autocomplete: "off", spellcheck: "false", onkeydown: key, onblur: close,
      oninput: () => { clearTimeout(timer); timer = setTimeout(suggest, DELAY_MS); },
    });
    list = qt.make("ul", { id: "shell-search-list", className: "qt-search-list", role: "listbox", "aria-label": LABEL, hidden: true });
    host.replaceChildren(qt.icon("search"), input, qt.make("kbd", { text: "/" }), list);
  }

  function showPlace() {
    if (input && input !== document.activeElement)
      input.value = qt.path() === "/traces" ? new URLSearchParams(location.search).get("q") || "" : "";
  }

  qt.searchBox = { draw, show: showPlace, focus: () => { input?.focus(); input?.select(); } };
})();
