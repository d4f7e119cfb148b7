// A stack trace with the application's own frames first to the eye: runs of library frames are folded away.
"use strict";

(function () {
  // The collector's stack_frames.py knows the same languages and the same libraries.
  const PLACES = [
    /^\s*File "(?<file>[^"]*)", line (?<line>\d+), in (?<function>.*)$/, // Python
    /^\s*at (?<function>[^(]+)\(.*\) in (?<file>.+):line (?<line>\d+)$/, // .NET
    /^\s*at (?:async )?(?<function>[^()]*?) ?\((?<file>[^()]*?)(?::(?<line>\d+))?(?::\d+)?\)$/, // Java, JavaScript
    /^\s*at (?<file>\S+?):(?<line>\d+)(?::\d+)?$/, // JavaScript without a name
    /^\s*(?<file>\S+\.go):(?<line>\d+)/, // Go
  ];
  const LIBRARY_FILE =
    /site-packages|dist-packages|\/lib\/python\d|<frozen |<string>|node_modules|node:|internal\/|native code|Native Method|Unknown Source|\/go\/pkg\/mod\/|\/usr\/local\/go\/|\/usr\/lib\/go/;
  const LIBRARY_FUNCTION =
    /^(?:java|javax|jdk|sun|jakarta|kotlin|kotlinx|scala|reactor|io\.netty|io\.grpc|org\.springframework|org\.apache|org\.eclipse|org\.hibernate|com\.sun|com\.zaxxer|io\.opentelemetry|System|Microsoft)\./;
  const MOST_LINES = 2000;

  // [{ lines, kind: "app" | "library" | "text", place }]: a frame has the lines up to the next one.
  function frames(text) {
    const found = [];
    for (const line of text.split("\n").slice(0, MOST_LINES)) {
      const groups = line.length < 2000 && PLACES.map((place) => place.exec(line)?.groups).find(Boolean);
      const last = found[found.length - 1];
      if (groups) {
        const isLibrary = LIBRARY_FILE.test(groups.file) || LIBRARY_FUNCTION.test(groups.function || "");
        found.push({ kind: isLibrary ? "library" : "app", lines: [line], place: groups });
      } else if (last && last.kind !== "text" && /^\s/.test(line)) last.lines.push(line);
      else if (last && last.kind === "text") last.lines.push(line);
      else if (line.trim()) found.push({ kind: "text", lines: [line], place: null });
    }
    return found;
  }

  const named = ({ file, line, function: called }) =>
    [`${file.split(/[\\/]/).pop() || file}${line ? `:${line}` : ""}`, called?.trim() && `in ${called.trim()}`]
      .filter(Boolean)
      .join(" ");

  // The frame to begin with: Python ends with the innermost, everything else starts with it.
  function innermost(found, text) {
    const own = found.filter((frame) => frame.kind === "app");
    return /^\s*File "/m.test(text) ? own[own.length - 1] : own[0];
  }

  qt.stackTrace = function (text) {
    const { make } = qt,
      found = frames(text),
      own = innermost(found, text);
    const parts = [];
    for (let at = 0; at < found.length;) {
      let end = at + 1;
      while (end < found.length && found[end].kind === "library" && found[at].kind === "library") end++;
      const lines = found
        .slice(at, end)
        .flatMap((frame) => frame.lines)
        .join("\n");
      if (found[at].kind !== "library")
        parts.push(
          make("pre", {
            className: `qt-frame is-${found[at].kind}${found[at] === own ? " is-innermost" : ""}`,
            text: lines,
          }),
        );
      else {
        const count = end - at;
        parts.push(
          make(
            "details",
            { className: "qt-frame-fold", open: !own },
            make("summary", {
              text: count === 1 ? `1 library frame: ${named(found[at].place)}` : `${qt.count(count)} library frames`,
            }),
            make("pre", { className: "qt-frame is-library", text: lines }),
          ),
        );
      }
      at = end;
    }
    return make(
      "div",
      { className: "qt-stacktrace" },
      own &&
        make(
          "p",
          { className: "qt-stacktrace-own" },
          "In your code: ",
          make("b", { className: "qt-mono", text: named(own.place) }),
        ),
      make(
        "details",
        { open: true },
        make("summary", {}, "Stack trace"),
        make("div", { className: "qt-frames", tabindex: "0" }, ...parts),
      ),
      make(
        "button",
        {
          className: "qt-tool",
          type: "button",
          title: "Copy the stack trace",
          "aria-label": "Copy the stack trace",
          onclick: () => qt.copy(text),
        },
        qt.icon("copy"),
      ),
    );
  };
})();
