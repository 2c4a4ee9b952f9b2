"""A table of a report as CSV or XLSX: plain numbers, times in minutes, no formula."""

from __future__ import annotations

import csv
import io

from app.desk.export import LONGEST_CELL, UNSTORABLE, safe
from app.desk.reportsasked import Period
from app.desk.reportsshown import Cell, Table

LONGEST_TITLE = 31
"""Characters of a sheet's name."""


def as_csv(table: Table) -> str:
    """The byte order mark tells spreadsheets that this is UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([safe(name) for name in table.head])
    writer.writerows([[_plain(cell) for cell in row] for row in table.rows])
    return "\ufeff" + buffer.getvalue()


def as_xlsx(table: Table) -> bytes:
    from openpyxl import Workbook  # slow to load, and seldom asked for

    book = Workbook(write_only=True)
    sheet = book.create_sheet(UNSTORABLE.sub("", table.title)[:LONGEST_TITLE])
    sheet.append(list(table.head))
    for row in table.rows:
        sheet.append([_storable(cell) for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def file_name(table: Table, period: Period, ending: str) -> str:
    return f"report-{table.name}-{period.first:%Y-%m-%d}-{period.last:%Y-%m-%d}.{ending}"


def _plain(cell: Cell) -> str:
    return str(cell.value) if isinstance(cell.value, int | float) else safe(cell.value)


def _storable(cell: Cell) -> str | int | float | None:
    if cell.value is None or isinstance(cell.value, int | float):
        return cell.value
    return UNSTORABLE.sub("", safe(cell.value))[:LONGEST_CELL]
