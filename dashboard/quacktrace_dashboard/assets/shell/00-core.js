// What every other asset stands on: formatting, service colours, the URL as state, live ticks, small DOM helpers.
// Telemetry is text: nothing here or elsewhere assigns innerHTML.
"use strict";

window.qt = (function () {
  const SLOT_COUNT = 12;
  const SLOTS_KEY = "quacktrace-slots";
  let slots = {};
  try {
    // The colours of last time, for what is drawn before the server has said which services there are.
    for (const [service, slot] of Object.entries(JSON.parse(localStorage.getItem(SLOTS_KEY) || "{}")))
      if (Number.isInteger(slot)) slots[service] = slot;
  } catch {
    /* storage is blocked or was tampered with: hashes will do */
  }

  // Where we are below a reverse proxy's path; addresses of ours begin with a slash and are written without it.
  const ROOT = window.quacktraceRoot || "";
  const at = (path) =>
    ROOT && path.startsWith("/") && !path.startsWith("//") && path !== ROOT && !path.startsWith(`${ROOT}/`) ? ROOT + path : path;
  const path = () => location.pathname.slice(ROOT.length) || "/";

  // FNV-1a, 32 bit, over UTF-8: palette.py has the same, and a test compares them.
  function hash(text) {
    let value = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
    return value;
  }

  const serviceSlot = (service) => slots[service] ?? hash(service) % SLOT_COUNT;
  const serviceColour = (service) => `var(--qt-service-${serviceSlot(service)})`;

  // Slots for the services of one picture: their own, unless another one of the picture has it and a slot is free. With
  // more than twelve services in all, two of a trace would otherwise look like one.
  function assignSlots(services) {
    const sorted = [...services].sort();
    const result = {};
    const taken = new Set();
    const isFree = (slot) => !taken.has(slot) || taken.size >= SLOT_COUNT;
    const take = (service, slot) => {
      result[service] = slot;
      taken.add(slot);
    };
    for (const service of sorted) if (service in slots && isFree(slots[service])) take(service, slots[service]);
    for (const service of sorted) {
      if (service in result) continue;
      let slot = serviceSlot(service);
      while (!isFree(slot)) slot = (slot + 1) % SLOT_COUNT;
      take(service, slot);
    }
    return result;
  }

  function threeDigits(value) {
    const text = value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }

  function duration(us) {
    const ns = us * 1000;
    if (ns < 999.5) return `${threeDigits(ns)} ns`;
    if (ns < 999.5e3) return `${threeDigits(ns / 1e3)} µs`;
    if (ns < 999.5e6) return `${threeDigits(ns / 1e6)} ms`;
    if (ns < 59.95e9) return `${threeDigits(ns / 1e9)} s`;
    const seconds = Math.round(ns / 1e9);
    if (seconds < 3600)
      return seconds % 60 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${seconds / 60} min`;
    const minutes = Math.round(seconds / 60);
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  }

  const count = (n) => (n < 100000 ? Math.round(n).toLocaleString("en") : compact(n));
  const compact = (n) =>
    n < 999.5e3 ? `${threeDigits(n / 1e3)}k` : n < 999.5e6 ? `${threeDigits(n / 1e6)}M` : `${threeDigits(n / 1e9)}G`;

  function bytes(size) {
    for (const unit of ["B", "KiB", "MiB", "GiB"]) {
      if (size < 1023.5) return `${threeDigits(size)} ${unit}`;
      size /= 1024;
    }
    return `${threeDigits(size)} TiB`;
  }

  const two = (n) => String(n).padStart(2, "0");
  const clock = (date) =>
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  const day = (date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

  // make("div", {className: "x", text: name}, child, child…)
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === undefined || value === null || value === false) continue;
      if (name === "text") element.textContent = value;
      else if (name === "className") element.className = value;
      else if (name === "style") element.style.cssText = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value === true ? "" : name === "href" ? at(value) : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  const icon = (name) => make("span", { className: `qt-icon qt-icon-${name}`, "aria-hidden": "true" });

  // ---- the URL ----
  const listeners = [];
  const onUrl = (listener) => {
    listeners.push(listener);
    listener();
  };
  const announce = () => {
    for (const listener of listeners) listener();
  };
  window.addEventListener("popstate", announce);
  window.addEventListener("_dashprivate_pushstate", announce);

  function go(url, { replace = false } = {}) {
    const target = new URL(at(url), location.href);
    if (target.origin !== location.origin) return;
    if (target.href === location.href) return;
    const isNewPage = target.pathname !== location.pathname;
    history[replace ? "replaceState" : "pushState"]({}, "", target);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    if (isNewPage) window.scrollTo(0, 0);
  }

  // Change some parameters and keep the others; null removes one.
  function patchUrl(changes, options) {
    const parameters = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === "") parameters.delete(name);
      else parameters.set(name, value);
    }
    const query = parameters.toString();
    go(location.pathname + (query ? `?${query}` : ""), options);
  }

  const UNIT_MS = { m: 60e3, h: 3600e3, d: 86400e3 };
  function timeRange() {
    const parameters = new URLSearchParams(location.search);
    const from = Number(parameters.get("from")),
      to = Number(parameters.get("to"));
    if (parameters.get("from") && from < to) return { from, to, relative: null };
    const match = /^([1-9]\d{0,3})([mhd])$/.exec(parameters.get("r") || "");
    const relative = match ? match[0] : "1h";
    const length = match ? Number(match[1]) * UNIT_MS[match[2]] : UNIT_MS.h;
    const now = Date.now();
    return { from: now - length, to: now, relative };
  }

  // The range alone, for links from one page to another.
  function rangeQuery() {
    const here = new URLSearchParams(location.search),
      kept = new URLSearchParams();
    for (const name of ["r", "from", "to"]) if (here.has(name)) kept.set(name, here.get(name));
    const query = kept.toString();
    return query ? `?${query}` : "";
  }

  // ---- asking the collector ----
  async function getJson(path, options = {}) {
    let response;
    try {
      response = await fetch(at(path), { headers: { Accept: "application/json" }, ...options });
    } catch (cause) {
      if (cause.name === "AbortError") throw cause;
      throw Object.assign(new Error("The collector does not answer."), {
        hint: "Check that it is running, then retry.",
      });
    }
    if (response.status === 304) return null;
    const body = await response.json().catch(() => null);
    if (response.ok && body !== null) return body;
    const error = (body && body.error) || {};
    throw Object.assign(new Error(error.message || `The collector answered with HTTP status ${response.status}.`), {
      hint: error.hint || "",
      code: error.code || "http_error",
      status: response.status,
    });
  }

  async function copy(text, message = "Copied") {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard outside https and localhost: an input and the old command still work there.
      const field = make("textarea", { style: "position:fixed;opacity:0" });
      field.value = text;
      (document.querySelector("dialog[open]") || document.body).append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    toast(message);
  }

  function toast(message) {
    const host = document.getElementById("shell-toasts");
    if (!host) return;
    const element = make("div", { className: "qt-toast", text: message });
    host.replaceChildren(element);
    setTimeout(() => element.remove(), 2200);
  }

  return {
    SLOT_COUNT,
    at,
    path,
    hash,
    serviceColour,
    assignSlots,
    duration,
    count,
    bytes,
    clock,
    day,
    make,
    icon,
    onUrl,
    go,
    patchUrl,
    timeRange,
    rangeQuery,
    getJson,
    copy,
    toast,
    setSlots: (known) => {
      slots = known || {};
      try {
        localStorage.setItem(SLOTS_KEY, JSON.stringify(slots));
      } catch {
        /* storage is blocked or full */
      }
    },
  };
})();
