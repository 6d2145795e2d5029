-- What append_batch() needs to write the canonical text of events from columns (docs/format.md section 2). No JSON text is ever accepted.
--
-- A batch of events comes as columns: each column is one text with a line for each event, an empty line where the value is absent,
-- NULL where no event has it. The items of an array are separated by tabs. Neither newline nor tab can occur in a value, so
-- splitting is exact; checks and escapes run over a whole column at once.

-- Nanoseconds since the epoch as time9. Needs datestyle ISO, which every caller that is reachable from outside sets.
CREATE FUNCTION ledger.time9(p_ns bigint) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT replace((timestamp '1970-01-01' + (p_ns / 1000000000) * interval '1 second')::text, ' ', 'T')
           || '.' || lpad((p_ns % 1000000000)::text, 9, '0') || 'Z'
$$;

-- Escape a whole column for use inside JSON strings: the grammar leaves only " and \ to be escaped.
CREATE FUNCTION ledger.json_column(p_column text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT replace(replace(p_column, '\', '\\'), '"', '\"')
$$;
