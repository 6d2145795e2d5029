"""Tables that people edit in spreadsheets: what their columns are, reading CSV and XLSX row by row, and writing them.

Nothing here knows what a row means. Reading gives rows or says what is wrong with which cell; both formats have limits
that hold before memory is used for what they limit.
"""

from muniment.tables.csvfile import read_csv, write_csv
from muniment.tables.reading import LIMITS, Limits, Read, Row, RowFault
from muniment.tables.table import Column, Kind, Table, Value
from muniment.tables.xlsxfile import read_xlsx, write_xlsx

__all__ = [
    "LIMITS",
    "Column",
    "Kind",
    "Limits",
    "Read",
    "Row",
    "RowFault",
    "Table",
    "Value",
    "read_csv",
    "read_xlsx",
    "write_csv",
    "write_xlsx",
]
