// Log records and events of a trace in one list by time; a row selects its span.
"use strict";

qt.TraceLogs = class {
  constructor(host, model, { onSelect, onView, source, colours, show }) {
    Object.assign(this, { host, model, onSelect, onView, source, colours, items: null });
    this.show = ["logs", "events"].includes(show) ? show : "all";
    host.classList.add("qt-logs-view");
    this.load();
  }

  destroy() {
    this.list?.destroy();
  }

  setModel(model, colours) {
    Object.assign(this, { model, colours });
    this.load();
  }

  async load() {
    if (!this.list)
      this.host.replaceChildren(qt.make("div", { className: "qt-skeleton", style: "height:180px;margin:16px" }));
    try {
      const [logs, events] = await Promise.all([this.source.logs(), this.source.events()]);
      this.items = this.merge(logs.logs, events.events);
      this.isCut = logs.truncated || events.truncated;
      this.draw();
    } catch (error) {
      this.host.replaceChildren(
        qt.make(
          "div",
          { className: "qt-state", role: "alert" },
          qt.make("h2", { text: "Logs and events could not be loaded" }),
          qt.make("p", { text: error.message }),
          qt.make("button", { className: "qt-button", type: "button", text: "Try again", onclick: () => this.load() }),
        ),
      );
      this.list = null;
    }
  }

  merge(logs, events) {
    const zero = BigInt(this.model.data.t0_ns);
    const text = (attributes) => attributes.map(({ key, value }) => `${key}=${value}`).join("  ");
    const value = (event, key) => event.attributes.find((attribute) => attribute.key === key)?.value || "";
    return [
      ...logs.map((log) => ({
        us: qt.offset(log.time, zero),
        spanId: log.span_id,
        service: log.service_name,
        isLog: true,
        level: log.severity_text || qt.severity(log.severity_number),
        className: qt.severityClass(log.severity_number),
        text: log.body,
        more: text(log.attributes),
        time: log.time,
      })),
      ...events.map((event) => {
        const isException = event.name === "exception";
        const row = this.model.rowOf(event.span_id);
        return {
          us: qt.offset(event.time, zero),
          spanId: event.span_id,
          service: row < 0 ? "" : this.model.service(row),
          isLog: false,
          level: "event",
          className: isException ? "is-error" : "",
          time: event.time,
          text: isException ? `${value(event, "exception.type")}: ${value(event, "exception.message")}` : event.name,
          more: isException ? "" : text(event.attributes),
        };
      }),
    ].sort((a, b) => a.us - b.us);
  }

  draw() {
    const { make } = qt;
    const choice = (show, text) =>
      make("button", {
        className: "qt-segment",
        type: "button",
        "aria-pressed": String(this.show === show),
        text,
        onclick: () => {
          this.show = show;
          this.onView();
          this.draw();
        },
      });
    this.shownCount = make("span", { className: "qt-muted", role: "status" });
    this.list?.destroy();
    this.host.replaceChildren(
      make(
        "div",
        { className: "qt-view-head" },
        make(
          "div",
          { className: "qt-segments" },
          choice("all", "All"),
          choice("logs", "Logs"),
          choice("events", "Events"),
        ),
        this.shownCount,
      ),
    );
    if (!this.items.length) {
      this.host.append(
        make(
          "div",
          { className: "qt-state" },
          qt.icon("empty"),
          make("h2", { text: "No logs and no events" }),
          make("p", {
            className: "qt-muted",
            text: "No span of this trace recorded an event, and no log record that was received names the trace.",
          }),
        ),
      );
      this.list = null;
      this.host.dataset.ready = "true";
      return;
    }
    this.list = new qt.VirtualList(this.host, {
      rowHeight: 28,
      label: "Logs and events by time",
      fill: (element, item) => this.fill(element, item),
      open: (item) => this.open(item),
    });
    this.update();
  }

  // With a search, only what matches: its own text or its span's.
  update() {
    if (!this.list) return;
    const words = this.words || [],
      wanted = this.items.filter((item) => {
        if (this.show !== "all" && item.isLog !== (this.show === "logs")) return false;
        const whole = `${item.service} ${item.level} ${item.text} ${item.more}`.toLowerCase();
        return words.every((word) => whole.includes(word));
      });
    this.list.setItems(wanted);
    const all = `${qt.count(wanted.length)} of ${qt.count(this.items.length)}`;
    this.shownCount.textContent = `${wanted.length === this.items.length ? qt.count(wanted.length) : all}${this.isCut ? ", the first ones only" : ""}`;
  }

  find(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.update();
  }

  open(item) {
    const row = item.spanId ? this.model.rowOf(item.spanId) : -1;
    if (row >= 0) this.onSelect(row, true);
    else qt.toast(item.spanId ? "Its span has not arrived" : "The record names no span");
  }

  fill(element, item) {
    const { make } = qt,
      { services } = this.model.data;
    const svc = services.indexOf(item.service);
    element.classList.remove("is-error", "is-warning");
    if (item.className) element.classList.add(item.className);
    element.replaceChildren(
      make("span", { className: "qt-number qt-muted", text: qt.signed(item.us), title: item.time }),
      make(
        "span",
        { className: "qt-logs-service" },
        make("i", { className: "qt-swatch", style: svc < 0 ? "" : `background:${this.colours[svc]}` }),
        make("span", { text: item.service }),
      ),
      make("b", { text: item.level }),
      make(
        "span",
        { className: "qt-logs-text", title: `${item.text} ${item.more}`.slice(0, 2000) },
        make("bdi", { text: item.text.slice(0, 500) }),
        item.more && make("small", { text: item.more.slice(0, 500) }),
      ),
    );
  }
};
