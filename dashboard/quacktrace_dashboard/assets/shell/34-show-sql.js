// Show SQL: the link from a panel to the query that counts the same, its range frozen in it; show_sql.py makes the same.
"use strict";

// `of` names the panel for those who cannot see where the link stands; empty parameters are left out.
qt.showSql = (panel, parameters, of, { asButton = false } = {}) => {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return qt.make("a", {
    href: `/sql?${new URLSearchParams([["panel", panel], ...given])}`,
    className: asButton ? "qt-button" : "qt-show-sql",
    title: `Show the SQL behind: ${of}`,
    "aria-label": `Show SQL: ${of}`,
    "data-panel": panel,
  }, qt.icon("sql"), asButton ? "Show SQL" : "SQL");
};
