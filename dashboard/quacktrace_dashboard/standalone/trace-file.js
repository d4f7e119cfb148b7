// A saved trace: the same page as in the dashboard, over what is embedded in the file. It asks nobody for anything.
"use strict";

const embedded = (id) => JSON.parse(document.getElementById(id).textContent);

// OTLP's AnyValue as the API writes attributes: the value as text, and its type.
function anyValue(value = {}) {
  if (value.stringValue !== undefined) return { value: value.stringValue, type: "string" };
  if (value.intValue !== undefined) return { value: String(value.intValue), type: "int" };
  if (value.doubleValue !== undefined) return { value: String(value.doubleValue), type: "double" };
  if (value.boolValue !== undefined) return { value: String(value.boolValue), type: "bool" };
  if (value.bytesValue !== undefined) return { value: value.bytesValue, type: "bytes" };
  if (value.arrayValue) return { value: JSON.stringify(plain(value)), type: "array" };
  if (value.kvlistValue) return { value: JSON.stringify(plain(value)), type: "kvlist" };
  return { value: "", type: "empty" };
}

function plain(value = {}) {
  if (value.arrayValue) return (value.arrayValue.values || []).map(plain);
  if (value.kvlistValue)
    return Object.fromEntries((value.kvlistValue.values || []).map((pair) => [pair.key, plain(pair.value)]));
  if (value.intValue !== undefined)
    return Number.isSafeInteger(Number(value.intValue)) ? Number(value.intValue) : String(value.intValue);
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? value.bytesValue ?? null;
}

const attributes = (list = []) => list.map(({ key, value }) => ({ key, ...anyValue(value) }));
const valueOf = (list, key) => list.find((attribute) => attribute.key === key)?.value || "";

// Nanoseconds since the epoch, as a decimal text, as RFC 3339 with nine digits.
function time(nano) {
  const ns = BigInt(nano || 0);
  const seconds = new Date(Number(ns / 1000000000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(ns % 1000000000n).padStart(9, "0")}Z`;
}

class TraceFile {
  constructor() {
    this.isFile = true;
    this.data = embedded("waterfall");
    this.traceId = this.data.trace_id;
  }

  // Every span with its resource and scope; read when the first span is opened.
  get spans() {
    if (this.found) return this.found;
    this.found = new Map();
    for (const { resource = {}, scopeSpans = [], schemaUrl: resourceSchema = "" } of embedded("otlp").resourceSpans)
      for (const { scope = {}, spans = [], schemaUrl: scopeSchema = "" } of scopeSpans)
        for (const span of spans) this.found.set(span.spanId, { span, resource, scope, resourceSchema, scopeSchema });
    return this.found;
  }

  get allLogs() {
    return (this.logRecords ??= embedded("logs"));
  }

  async waterfall() {
    return { data: this.data, etag: null };
  }

  async span(spanId) {
    const { span, resource, scope } = this.spans.get(spanId) || {};
    if (!span) throw new Error("The span is not in this file.");
    const ofResource = attributes(resource.attributes);
    const start = BigInt(span.startTimeUnixNano),
      end = BigInt(span.endTimeUnixNano);
    return {
      trace_id: this.traceId,
      span_id: spanId,
      parent_span_id: span.parentSpanId || null,
      trace_state: span.traceState || "",
      name: span.name,
      start_time: time(start),
      end_time: time(end),
      duration_ns: end > start ? Number(end - start) : 0,
      status_code: ["UNSET", "OK", "ERROR"][span.status?.code || 0],
      status_message: span.status?.message || "",
      service_version: valueOf(ofResource, "service.version"),
      service_instance_id: valueOf(ofResource, "service.instance.id"),
      scope_name: scope.name || "",
      scope_version: scope.version || "",
      received_at: "",
      attributes: attributes(span.attributes),
      resource: ofResource,
      events: (span.events || []).map((event) => ({
        name: event.name || "",
        time: time(event.timeUnixNano),
        attributes: attributes(event.attributes),
      })),
      links: (span.links || []).map((link) => ({
        trace_id: link.traceId,
        span_id: link.spanId,
        attributes: attributes(link.attributes),
      })),
      dropped_attributes_count: span.droppedAttributesCount || 0,
      dropped_events_count: span.droppedEventsCount || 0,
      dropped_links_count: span.droppedLinksCount || 0,
      logs: this.allLogs.logs.filter((log) => log.span_id === spanId),
      operation_stats: null,
    };
  }

  // Of the spans in this file; other traces are elsewhere.
  async linkedFrom(spanId) {
    const spans = [];
    for (const { span, resource } of this.spans.values()) {
      const isLinking = (span.links || []).some((link) => link.spanId === spanId && link.traceId === this.traceId);
      if (!isLinking) continue;
      const service_name = valueOf(attributes(resource.attributes), "service.name");
      spans.push({
        trace_id: this.traceId,
        span_id: span.spanId,
        service_name,
        name: span.name,
        start_time: time(span.startTimeUnixNano),
      });
    }
    return { spans, truncated: false };
  }

  async explain() {
    return embedded("explanation");
  }
  async logs() {
    return this.allLogs;
  }
  async events() {
    const events = [];
    for (const [span_id, { span }] of this.spans)
      for (const event of span.events || [])
        events.push({
          span_id,
          time: time(event.timeUnixNano),
          name: event.name || "",
          attributes: attributes(event.attributes),
        });
    return { events, truncated: false };
  }
  async matches() {
    return { span_ids: [] };
  }
  async mapPicture() {
    return embedded("picture");
  }

  spanLink(traceId, spanId) {
    return traceId === this.traceId ? `#${new URLSearchParams({ span: spanId })}` : null;
  }

  // A file's address may change behind the # only.
  parameters() {
    return new URLSearchParams(location.hash.slice(1));
  }
  remember(changes) {
    const parameters = this.parameters();
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) continue;
      if (value === null || value === "") parameters.delete(name);
      else parameters.set(name, value);
    }
    const hash = parameters.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
  }
}

qt.theme.show();
const page = new qt.TracePage(document.getElementById("trace-page"), embedded("waterfall").trace_id, new TraceFile());
window.addEventListener("hashchange", () => page.follow());
document.addEventListener("keydown", (event) => {
  if (event.key === "t" && !event.defaultPrevented && !event.target.closest("input, textarea")) qt.theme.next();
});
