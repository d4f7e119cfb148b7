// What a service map is made of: SVG elements, the outline and the symbol of each kind, texts that fit their place.
"use strict";

(function () {
  const SVG = "http://www.w3.org/2000/svg";

  // Outlines tell the kinds apart without colour: card, cylinder, pipe with pointed ends, stack, cut corners.
  const OUTLINES = {
    service: (w, h) => `M10 0H${w - 10}Q${w} 0 ${w} 10V${h - 10}Q${w} ${h} ${w - 10} ${h}H10Q0 ${h} 0 ${h - 10}V10Q0 0 10 0Z`,
    database: (w, h) =>
      `M0 4C0 -1.6 ${w} -1.6 ${w} 4V${h - 5}C${w} ${h + 2} 0 ${h + 2} 0 ${h - 5}ZM0 4C0 9.6 ${w} 9.6 ${w} 4`,
    messaging: (w, h) => `M12 0H${w - 12}L${w} ${h / 2}L${w - 12} ${h}H12L0 ${h / 2}Z`,
    group: (w, h) =>
      `M8 0H${w - 8}Q${w} 0 ${w} 8V${h - 8}Q${w} ${h} ${w - 8} ${h}H8Q0 ${h} 0 ${h - 8}V8Q0 0 8 0ZM6 ${h + 3.5}H${w - 6}M12 ${h + 7}H${w - 12}`,
    external: (w, h) => `M12 0H${w - 12}L${w} 12V${h - 12}L${w - 12} ${h}H12L0 ${h - 12}V12Z`,
  };
  // 16 × 16 strokes: cards, cylinder, queue, globe.
  const ICONS = {
    group: "M2 5H11V12H2ZM5 5V2.5H14V9.5H11",
    database: "M2.5 4C2.5 1.5 13.5 1.5 13.5 4V12C13.5 14.5 2.5 14.5 2.5 12ZM2.5 4C2.5 6.5 13.5 6.5 13.5 4M2.5 8C2.5 10.5 13.5 10.5 13.5 8",
    messaging: "M1.5 4H8.5V12H1.5ZM11 4V12M14 4V12",
    external: "M8 1.5A6.5 6.5 0 1 0 8 14.5A6.5 6.5 0 1 0 8 1.5M1.5 8H14.5M8 1.5C4.5 5 4.5 11 8 14.5M8 1.5C11.5 5 11.5 11 8 14.5",
  };

  const element = (parent, tag, className, attributes = {}) => {
    const made = document.createElementNS(SVG, tag);
    if (className) made.setAttribute("class", className);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent?.appendChild(made);
    return made;
  };

  // A canvas measures without a layout of the page: asking each text of fifty cards for its length took 190 to 450 ms.
  let pen = null;
  const widths = new Map();
  const widthOf = (text, font) => {
    const key = `${font}\n${text}`;
    if (!widths.has(key)) {
      pen ||= document.createElement("canvas").getContext("2d");
      if (widths.size > 5000) widths.clear();
      pen.font = `${font} ${getComputedStyle(document.body).fontFamily}`;
      widths.set(key, pen.measureText(text).width);
    }
    return widths.get(key);
  };

  /** The text, cut in its middle if it is wider than its place: what tells long names apart is often at the end. */
  const fitted = (text, width, font) => {
    const characters = Array.from(text);
    let keep = characters.length, shown = text;
    while (keep > 4 && widthOf(shown, font) > width) {
      keep = Math.max(4, Math.min(keep - 1, Math.floor((keep * width) / widthOf(shown, font))));
      const head = Math.ceil((keep - 1) / 2);
      shown = `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (keep - 1 - head)).join("")}`;
    }
    return shown;
  };

  qt.map = {
    element,
    fitted,
    kindOf: (kind) => (OUTLINES[kind] ? kind : "external"),
    outline: (kind, width, height) => OUTLINES[kind](width, height),
    symbol: (kind) => ICONS[kind],
    setText: (target, text) => {
      if (target.textContent !== text) target.textContent = text;
    },
    setAttribute: (target, name, value) => {
      if (target.getAttribute(name) !== String(value)) target.setAttribute(name, value);
    },
  };
})();
