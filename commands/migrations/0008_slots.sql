-- Which of its columns a field's values are in: a change of type writes into another.

ALTER TABLE catalog.fields ADD COLUMN slot text NOT NULL DEFAULT '';
