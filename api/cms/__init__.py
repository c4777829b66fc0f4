"""The headless CMS: a table is an object type, a record is an entry."""
