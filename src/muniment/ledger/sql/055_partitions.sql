-- Partitions come from this file alone. A new partition has no row level security, no policy and no statement trigger of its own;
-- here it gets all of them before anyone can reach it, and no grants.

-- The first ten characters of a ULID of that time: what sorts before every ULID made then or later.
CREATE FUNCTION ledger.ulid_time(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + ((ms >> shift) & 31)::int, 1), '' ORDER BY shift DESC)
    FROM (SELECT floor(extract(epoch FROM p_at) * 1000)::bigint AS ms) AS t, generate_series(0, 45, 5) AS shift
$$;

CREATE FUNCTION ledger.make_partition(p_parent text, p_name text, p_bounds text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Made apart and attached, because ATTACH leaves the parent open to readers and writers.
    EXECUTE format('CREATE TABLE ledger.%I (LIKE ledger.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', p_name, p_parent);
    PERFORM ledger.protect(format('ledger.%I', p_name)::regclass);
    IF p_parent = 'bodies' THEN
        PERFORM ledger.refuse_removals(format('ledger.%I', p_name)::regclass);
    ELSE
        PERFORM ledger.refuse_changes(format('ledger.%I', p_name)::regclass);
    END IF;
    IF p_parent = 'entries' THEN
        EXECUTE format('CREATE TRIGGER guard_entries AFTER INSERT ON ledger.%I
                        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_entries()', p_name);
    END IF;
    EXECUTE format('ALTER TABLE ledger.%I ATTACH PARTITION ledger.%I %s', p_parent, p_name, p_bounds);
END $$;

-- Make the partitions that are missing from the newest one, or this month, up to the months ahead; returns the names of those made.
-- Months that went by without a start are made up for, because ULIDs of those months may still come.
CREATE FUNCTION ledger.create_partitions(p_months_ahead int DEFAULT 3) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '5s'
AS $$
DECLARE
    this   timestamptz := date_trunc('month', clock_timestamp());
    month  timestamptz;
    parent text;
    name   text;
    bounds text;
BEGIN
    IF p_months_ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'partitions are made for 0 to 24 months ahead, not for %', p_months_ahead USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger.create_partitions'));
    SELECT least(this, to_timestamp(max(right(c.relname, 7)) FILTER (WHERE c.relname ~ '_[0-9]{4}_[0-9]{2}$'), 'YYYY_MM'))
        INTO month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'ledger.event_ids'::regclass;
    WHILE month <= this + make_interval(months => p_months_ahead) LOOP
        FOREACH parent IN ARRAY ARRAY['entries', 'entry_controls', 'bodies', 'event_ids'] LOOP
            name := parent || to_char(month, '_YYYY_MM');
            IF to_regclass(format('ledger.%I', name)) IS NULL THEN
                IF parent = 'event_ids' THEN
                    bounds := format('FOR VALUES FROM (%L) TO (%L)', 'evt_' || ledger.ulid_time(month),
                                     'evt_' || ledger.ulid_time(month + interval '1 month'));
                ELSE
                    bounds := format('FOR VALUES FROM (%L) TO (%L)', month, month + interval '1 month');
                END IF;
                PERFORM ledger.make_partition(parent, name, bounds);
                RETURN NEXT name;
            END IF;
        END LOOP;
        month := month + interval '1 month';
    END LOOP;
END $$;

-- How many months from now on, without a gap, every partitioned table is ready for; below 1 appends fail.
CREATE FUNCTION ledger.months_ready() RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
    SELECT coalesce(min(m) FILTER (WHERE NOT ready), max(m) + 1)::int
    FROM (SELECT m, bool_and(to_regclass(format('ledger.%I', parent || to_char(
                     date_trunc('month', clock_timestamp()) + make_interval(months => m), '_YYYY_MM'))) IS NOT NULL) AS ready
          FROM generate_series(0, 36) AS m, unnest(ARRAY['entries', 'entry_controls', 'bodies', 'event_ids']) AS parent
          GROUP BY m) AS months
$$;

-- ULIDs older than the installation have one partition of their own: a spool may be shipped late.
SELECT ledger.make_partition('event_ids', 'event_ids_before',
    format('FOR VALUES FROM (MINVALUE) TO (%L)', 'evt_' || ledger.ulid_time(date_trunc('month', clock_timestamp(), 'UTC'))));
SELECT count(*) FROM ledger.create_partitions(3);
