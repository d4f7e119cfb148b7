// Why the trace took as long as it did, in a sentence against others of its kind, with the parts it is made of.
"use strict";

qt.TraceWhy = class {
  static MOST_PARTS = 6;

  constructor(host, source, { onSelect }) {
    Object.assign(this, { host, source, onSelect });
    this.host.hidden = true;
  }

  async load(model) {
    this.request?.abort();
    this.request = new AbortController();
    try {
      this.draw(await this.source.explain(this.request.signal), model);
    } catch {
      this.host.hidden = true; // the page says everything else
    }
  }

  destroy() {
    this.request?.abort();
  }

  draw(answer, model) {
    const { make } = qt,
      { MOST_PARTS } = qt.TraceWhy;
    const parts = (answer.parts || []).filter(
      (part) =>
        part.service_name && Math.abs(part.extra_ms) > 0.05 * Math.max(Math.abs(answer.difference_ms || 0), 0.001),
    );
    this.host.hidden = !answer.sentence;
    if (!answer.sentence) return;
    const isBad = answer.is_slow || answer.is_failed;
    const line = [qt.icon(isBad ? "alert" : "clock"), make("span", { text: answer.sentence, title: answer.sentence })];
    const most = Math.max(...parts.map((part) => Math.abs(part.extra_ms)), 0.001);
    const ms = (value) => qt.duration(Math.abs(value) * 1000);
    const threeDigits = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(1).replace(/\.0$/, ""));
    const item = (part) => {
      const row = (part.span_ids || []).map((id) => model.rowOf(id)).find((found) => found >= 0) ?? -1;
      const times =
        part.calls === part.usual_calls
          ? ""
          : ` · ${qt.count(part.calls)} calls, usually ${threeDigits(part.usual_calls)}`;
      return make(
        "li",
        {},
        make(
          "button",
          { type: "button", disabled: row < 0, title: part.path.join(" › "), onclick: () => this.onSelect(row) },
          make("span", { className: "qt-number", text: `${part.extra_ms < 0 ? "−" : "+"}${ms(part.extra_ms)}` }),
          make(
            "span",
            { className: "qt-why-bar" },
            make("i", { style: `width:${(Math.abs(part.extra_ms) / most) * 100}%` }),
          ),
          make("span", { className: "qt-why-what" }, make("b", { text: part.service_name }), ` ${part.operation}`),
          make("small", {
            text: `${ms(part.critical_ms)} on the critical path, usually ${ms(part.usual_critical_ms)}${times}${part.waits_for ? ` · waiting for ${part.waits_for}` : ""}`,
          }),
        ),
      );
    };
    this.host.className = `qt-why${isBad ? " is-bad" : answer.baseline ? "" : " is-unsure"}`;
    this.host.replaceChildren(
      parts.length && answer.is_slow
        ? make("details", {}, make("summary", {}, ...line), make("ol", {}, ...parts.slice(0, MOST_PARTS).map(item)))
        : make("p", {}, ...line),
    );
  }
};
