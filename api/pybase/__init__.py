"""PyBase: tables, fields, records and views."""
