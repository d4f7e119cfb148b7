// A trace id in whatever somebody pastes: with dashes, in upper case, a traceparent, a line of a log, a link to a trace.
"use strict";

(function () {
  const TRACEPARENT = /\b[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b/;
  const PLAIN = /^(?:0x)?([0-9a-f]{32}|[0-9a-f]{16})$/;
  const NAMED = /(?:\btrace[_.-]?id\W{1,4}|\/traces?\/)([0-9a-f]{32}|[0-9a-f]{16})(?![0-9a-f])/;

  // 32 digits, or null for text that is something else.
  qt.traceIdIn = function (text) {
    const lowered = (text || "").trim().toLowerCase();
    // A term of the search language is meant as one, however much it looks like an id.
    if (/^\(|\b(and|or|not)\b/.test(lowered)) return null;
    const found =
      TRACEPARENT.exec(lowered) || PLAIN.exec(lowered.replaceAll("-", "")) || NAMED.exec(lowered.replace(/^trace_id *= *"?/, "trace_id="));
    return found ? found[1].padStart(32, "0") : null;
  };
})();
