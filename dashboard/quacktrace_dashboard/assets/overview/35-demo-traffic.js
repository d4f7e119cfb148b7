// Ten minutes of a made-up shop as one OTLP request: four services, a database, a payment that begins to fail.
"use strict";

(function () {
  const TRACES = 300;
  const LENGTH_MS = 600e3;
  const SERVER = 2, CLIENT = 3;
  const ERROR = 2;

  // mulberry32: the shop is the same at every press, its ids are not.
  function random(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  const hex = (bytes) =>
    [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const nanoseconds = (ms) => String(BigInt(Math.round(ms * 1000)) * 1000n);
  const attributes = (values) =>
    Object.entries(values).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
    }));

  function shop(nowMs) {
    const chance = random(7);
    const spans = { "demo-frontend": [], "demo-cart": [], "demo-payment": [], "demo-inventory": [] };
    const usual = (ms) => ms * Math.exp(0.35 * (chance() + chance() + chance() - 1.5));

    function span(service, traceId, parent, kind, name, startMs, lengthMs, values = {}, failure = null) {
      const made = {
        traceId, spanId: hex(8), parentSpanId: parent ? parent.spanId : undefined, kind, name,
        startTimeUnixNano: nanoseconds(startMs), endTimeUnixNano: nanoseconds(startMs + lengthMs), attributes: attributes(values),
        status: failure ? { code: ERROR, message: failure } : {},
      };
      if (failure)
        made.events = [{
          name: "exception", timeUnixNano: nanoseconds(startMs + lengthMs * 0.9),
          attributes: attributes({ "exception.type": "PaymentDeclined", "exception.message": failure }),
        }];
      spans[service].push(made);
      return made;
    }

    for (let i = 0; i < TRACES; i++) {
      const at = nowMs - LENGTH_MS + (LENGTH_MS * (i + chance())) / (TRACES + 2);
      const traceId = hex(16);
      const isCheckout = chance() < 0.35;
      const isLate = i > TRACES * 0.6;
      const stock = usual(isLate ? 60 : 12), cart = stock + usual(6), charge = isCheckout ? usual(45) : 0;
      const failure = isCheckout && isLate && chance() < 0.3 ? `card ${1000 + Math.floor(chance() * 9000)} was declined` : null;
      const root = span("demo-frontend", traceId, null, SERVER, isCheckout ? "POST /checkout" : "GET /cart", at, 4 + cart + charge + 3,
        { "http.request.method": isCheckout ? "POST" : "GET", "http.route": isCheckout ? "/checkout" : "/cart", "http.response.status_code": failure ? 502 : 200 });
      if (failure) root.status = { code: ERROR };
      const asked = span("demo-frontend", traceId, root, CLIENT, "GET", at + 2, cart + 2, { "server.address": "demo-cart" });
      const answered = span("demo-cart", traceId, asked, SERVER, "GET /cart/{id}", at + 3, cart, { "http.route": "/cart/{id}" });
      const looked = span("demo-cart", traceId, answered, CLIENT, "GET", at + 4, stock + 1, { "server.address": "demo-inventory" });
      const found = span("demo-inventory", traceId, looked, SERVER, "GET /stock", at + 4.5, stock, { "http.route": "/stock" });
      span("demo-inventory", traceId, found, CLIENT, "SELECT stock", at + 5, stock * 0.8, {
        "db.system.name": "postgresql", "db.namespace": "stock", "server.address": "demo-db",
        "db.query.text": "SELECT sku, available FROM stock WHERE sku = ANY($1)",
      });
      if (!isCheckout) continue;
      const paid = span("demo-frontend", traceId, root, CLIENT, "POST", at + 5 + cart, charge + 1, { "server.address": "demo-payment" });
      if (failure) paid.status = { code: ERROR };
      span("demo-payment", traceId, paid, SERVER, "POST /charge", at + 5.5 + cart, charge, { "http.route": "/charge" }, failure);
    }
    return spans;
  }

  /** An OTLP request whose newest trace ends at `nowMs`. */
  qt.demoTraffic = (nowMs) => ({
    resourceSpans: Object.entries(shop(nowMs)).map(([service, spans]) => ({
      resource: { attributes: attributes({ "service.name": service, "service.version": "1.0.0", "service.namespace": "demo" }) },
      scopeSpans: [{ scope: { name: "quacktrace.dashboard.demo" }, spans }],
    })),
  });
})();
