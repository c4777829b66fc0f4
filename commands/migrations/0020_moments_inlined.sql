-- to_char is stable, and what is called immutable is not inlined where its body is not:
-- each moment of a list was a call of its own.
ALTER FUNCTION ledger.rfc3339(timestamptz) STABLE;
