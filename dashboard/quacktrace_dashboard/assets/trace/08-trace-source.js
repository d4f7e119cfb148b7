// Where a trace page gets its trace from, and where it writes what the reader sees: the collector and the address bar.
// A saved file (19-trace-file.js) has the same methods over what is embedded in it.
"use strict";

qt.TraceApi = class {
  constructor(traceId) {
    this.traceId = traceId;
    this.path = qt.at(`/api/v1/traces/${encodeURIComponent(traceId)}`);
    this.isFile = false;
  }

  // { data, etag }; the request that index.py sent before any script was parsed is used once.
  async waterfall(signal) {
    const path = `${this.path}/waterfall`,
      early = window.quacktraceEarly;
    window.quacktraceEarly = null;
    const asked =
      early && early.path === path ? early.response : fetch(path, { headers: { Accept: "application/json" }, signal });
    const response = await asked.catch((cause) => {
      if (cause.name === "AbortError") throw cause;
      throw Object.assign(new Error("The collector does not answer."), {
        hint: "Check that it is running, then retry.",
      });
    });
    const body = await response.json().catch(() => null);
    if (response.ok && body) return { data: body, etag: response.headers.get("ETag") };
    throw Object.assign(
      new Error(body?.error?.message || `The collector answered with HTTP status ${response.status}.`),
      { hint: body?.error?.hint || "", status: response.status },
    );
  }

  span(spanId, signal) {
    return qt.getJson(`${this.path}/spans/${spanId}`, { signal });
  }
  linkedFrom(spanId, signal) {
    return qt.getJson(`${this.path}/spans/${spanId}/linked_from`, { signal });
  }
  explain(signal) {
    return qt.getJson(`${this.path}/explain`, { signal });
  }
  events() {
    return qt.getJson(`${this.path}/events`);
  }
  logs() {
    return qt.getJson(`/api/v1/logs?${new URLSearchParams({ trace_id: this.traceId, order: "oldest", limit: 5000 })}`);
  }
  // `wanted` are parameters of the list of traces.
  matches(wanted) {
    return qt.getJson(`${this.path}/matches?${wanted}`);
  }
  mapPicture() {
    return qt.getJson(`/trace/${encodeURIComponent(this.traceId)}/map.json`);
  }
  // Traces like this one, the newest first, from a day before it to a day after.
  similar(data) {
    const start = Number(BigInt(data.t0_ns) / 1000000n),
      day = 86400e3;
    const parameters = { from: start - day, to: start + day, limit: 12 };
    if (data.root_service_name) parameters.service = data.root_service_name;
    if (data.root_name) parameters.operation = data.root_name;
    return qt.getJson(`/api/v1/traces?${new URLSearchParams(parameters)}`);
  }

  get otlpHref() {
    return this.path;
  }
  get htmlHref() {
    return qt.at(`/trace/${encodeURIComponent(this.traceId)}/trace.html`);
  }
  spanLink(traceId, spanId) {
    return qt.at(`/trace/${encodeURIComponent(traceId)}?${new URLSearchParams({ span: spanId })}`);
  }
  // The address of this page with a span selected, to be copied.
  shareLink(spanId) {
    return `${location.origin}${location.pathname}?${new URLSearchParams({ span: spanId })}`;
  }

  parameters() {
    return new URLSearchParams(location.search);
  }
  // What is undefined stays as it is. Never while another page is on the way in.
  remember(changes) {
    changes = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    if (qt.path().startsWith(`/trace/${encodeURIComponent(this.traceId)}`))
      qt.patchUrl(changes, { replace: true });
  }
};
