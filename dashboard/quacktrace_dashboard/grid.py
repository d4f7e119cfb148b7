"""How every AG Grid looks: the dashboard's own colours, which follow the theme because they are CSS variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_ag_grid as dag

__all__ = ["table_grid"]

_THEME = (
    "themeQuartz.withParams({"
    "fontFamily: 'inherit', fontSize: 13, headerFontSize: 12, headerFontWeight: 500, spacing: 6, "
    "backgroundColor: 'var(--qt-surface)', foregroundColor: 'var(--qt-text)', "
    "headerBackgroundColor: 'var(--qt-surface)', "
    "headerTextColor: 'var(--qt-muted)', borderColor: 'var(--qt-line)', rowHoverColor: 'var(--qt-hover)', "
    "selectedRowBackgroundColor: 'var(--qt-selected)', accentColor: 'var(--qt-accent-solid)', "
    "oddRowBackgroundColor: 'var(--qt-surface)', wrapperBorderRadius: 0, wrapperBorder: false, columnBorder: false, "
    "headerColumnResizeHandleColor: 'transparent'})"
)


def table_grid(grid_id: str, columns: list[dict[str, Any]], *, row_id: str, **options: Any) -> dag.AgGrid:
    """Return a grid whose rows are all in the browser; only those in sight are in the page."""
    merged: Mapping[str, Any] = {
        "rowHeight": 32,
        "headerHeight": 32,
        "theme": {"function": _THEME},
        "animateRows": False,
        "enableCellTextSelection": True,
        "suppressScrollOnNewData": True,
        "tooltipShowDelay": 400,
        **options,
    }
    return dag.AgGrid(
        id=grid_id,
        columnDefs=columns,
        rowData=[],
        getRowId=row_id,
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True, "cellDataType": False},
        dashGridOptions=dict(merged),
        style={"height": "100%"},
    )
