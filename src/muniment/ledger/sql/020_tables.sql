-- Every table is keyed by log and carries the tenant beside it, for row level security.
-- Texts are compared and sorted by their bytes (COLLATE "C"), as docs/format.md sorts them.

CREATE TABLE ledger.tenants (
    tenant_id     uuid PRIMARY KEY,
    slug          text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name          text NOT NULL CHECK (name <> '' AND octet_length(name) <= 256),
    public_verify boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE ledger.logs (
    log_id        int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id     uuid NOT NULL REFERENCES ledger.tenants (tenant_id),
    origin        text COLLATE "C" NOT NULL UNIQUE
                  CHECK (octet_length(origin) <= 255 AND origin ~ '^[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)*$'),
    region        text COLLATE "C" NOT NULL CHECK (region ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    mapping       text COLLATE "C" NOT NULL CHECK (octet_length(mapping) <= 64 AND mapping ~ '^[a-z0-9][a-z0-9._-]*$'),
    seal_within   int NOT NULL CHECK (seal_within BETWEEN 1 AND 86400),             -- seconds from recording to sealing
    genesis_hash  bytea CHECK (octet_length(genesis_hash) = 32),                    -- null only inside create_log()
    system_source text COLLATE "C" NOT NULL,                                        -- the source id of the ledger's own entries
    state         text COLLATE "C" NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'closed')),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tenant_id, log_id)
);
CREATE UNIQUE INDEX logs_one_active ON ledger.logs (tenant_id, region) WHERE state = 'active';

-- The high-water mark: what the log's end must be. Moved by the guard on entries, by nothing else (040_guard.sql).
CREATE TABLE ledger.heads (
    log_id     int PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    size       bigint NOT NULL CHECK (size >= 0),                                   -- entries, so also the next seq
    entry_hash bytea NOT NULL CHECK (octet_length(entry_hash) = 32),                -- of entry size-1; zeros while empty
    last_at    timestamptz NOT NULL,                                                -- recorded_at of entry size-1
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
) WITH (fillfactor = 50);

CREATE TABLE ledger.api_keys (
    tenant_id   uuid NOT NULL,
    key_id      text COLLATE "C" PRIMARY KEY CHECK (key_id ~ '^ak_[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
    log_id      int NOT NULL,
    scope       text COLLATE "C" NOT NULL CHECK (scope IN ('append', 'read')),
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),              -- SHA-256 of the secret part's ASCII
    label       text NOT NULL CHECK (octet_length(label) <= 256),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz,
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);
CREATE INDEX api_keys_by_log ON ledger.api_keys (log_id);

-- key_id is the API key that first submitted for the source, or 'system' for what the server itself reports.
CREATE TABLE ledger.sources (
    log_id    int NOT NULL,
    tenant_id uuid NOT NULL,
    source_id text COLLATE "C" NOT NULL,
    key_id    text COLLATE "C" NOT NULL,
    bound_at  timestamptz NOT NULL,
    PRIMARY KEY (log_id, source_id),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);

CREATE TABLE ledger.entries (
    log_id         int NOT NULL,
    tenant_id      uuid NOT NULL,
    seq            bigint NOT NULL,
    recorded_at    timestamptz NOT NULL,
    entry_hash     bytea NOT NULL,
    prev           bytea NOT NULL,
    submitter      text COLLATE "C" NOT NULL,                                       -- "by" of the entry
    mapping        text COLLATE "C" NOT NULL,                                       -- "map"
    controls       text[] COLLATE "C",                                              -- of the entry; null when absent
    event_id       text COLLATE "C" NOT NULL,
    action         text COLLATE "C" NOT NULL,
    actor_type     text COLLATE "C" NOT NULL,
    actor_id       text COLLATE "C" NOT NULL,
    outcome        text COLLATE "C" NOT NULL,
    occurred_at    bigint NOT NULL,                                                 -- nanoseconds since the Unix epoch
    source_id      text COLLATE "C" NOT NULL,
    epoch          bytea,
    source_seq     bigint,
    source_prev    bytea,
    tool           text COLLATE "C",
    workspace      text COLLATE "C",
    resource_type  text COLLATE "C",
    resource_id    text COLLATE "C",
    trace_id       bytea,
    span_id        bytea,
    labels         text[] COLLATE "C",
    causes         text[] COLLATE "C",
    event_controls text[] COLLATE "C",                                              -- of the event; null when absent
    body_commit    bytea,
    body_len       bigint,
    body_type      text COLLATE "C",
    body_scheme    smallint,
    entry          text COLLATE "C" NOT NULL CHECK (octet_length(entry) <= 65535),  -- what was hashed
    PRIMARY KEY (log_id, seq, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX entries_by_time ON ledger.entries (log_id, recorded_at, seq);
CREATE INDEX entries_by_actor ON ledger.entries (log_id, actor_id, recorded_at, seq);
CREATE INDEX entries_by_action ON ledger.entries (log_id, action, recorded_at, seq);
CREATE INDEX entries_by_trace ON ledger.entries (log_id, trace_id, recorded_at, seq) WHERE trace_id IS NOT NULL;

-- Idempotency: one row for each (source, event id) ever recorded. ULIDs sort by time, so the ranges are months too.
CREATE TABLE ledger.event_ids (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    source_id   text COLLATE "C" NOT NULL,
    event_id    text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    event_hash  bytea NOT NULL,
    PRIMARY KEY (log_id, event_id, source_id)
) PARTITION BY RANGE (event_id);

-- An index as a table: GIN on the array is unusable under row level security, because @> is not leakproof.
CREATE TABLE ledger.entry_controls (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    control     text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (log_id, control, recorded_at, seq)
) PARTITION BY RANGE (recorded_at);

-- One row for each entry that has a body. salt is null when nobody gave one (state not_stored) and after an erasure.
CREATE TABLE ledger.bodies (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    seq         bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    salt        bytea CHECK (octet_length(salt) = 32),
    body        bytea CHECK (octet_length(body) <= 262144),
    state       text COLLATE "C" NOT NULL CHECK (
                    (state = 'stored' AND salt IS NOT NULL AND body IS NOT NULL)
                    OR (state = 'not_stored' AND body IS NULL)
                    OR (state = 'erased' AND salt IS NULL AND body IS NULL)),
    PRIMARY KEY (log_id, seq, recorded_at)
) PARTITION BY RANGE (recorded_at);

-- Full tiles only, each written once: 256 hashes of 32 bytes.
CREATE TABLE ledger.tiles (
    log_id    int NOT NULL,
    tenant_id uuid NOT NULL,
    level     smallint NOT NULL CHECK (level BETWEEN 0 AND 6),
    tile      bigint NOT NULL CHECK (tile >= 0),
    hashes    bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (log_id, level, tile),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);

-- The stored right edge of the sealed tree: the unfinished tile of each level.
CREATE TABLE ledger.tree_edges (
    log_id    int PRIMARY KEY,
    tenant_id uuid NOT NULL,
    size      bigint NOT NULL CHECK (size >= 0),
    edge      bytea[] NOT NULL,
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
) WITH (fillfactor = 50);

CREATE TABLE ledger.checkpoints (
    log_id    int NOT NULL,
    tenant_id uuid NOT NULL,
    size      bigint NOT NULL CHECK (size > 0),
    root      bytea NOT NULL CHECK (octet_length(root) = 32),
    sealed_at timestamptz NOT NULL,
    PRIMARY KEY (log_id, size),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);

CREATE TABLE ledger.signatures (
    log_id    int NOT NULL,
    tenant_id uuid NOT NULL,
    size      bigint NOT NULL,
    position  smallint NOT NULL CHECK (position BETWEEN 0 AND 15),                  -- order of the note's signature lines
    key_name  text COLLATE "C" NOT NULL,
    key_id    bytea NOT NULL CHECK (octet_length(key_id) = 4),
    signature bytea NOT NULL CHECK (octet_length(signature) BETWEEN 1 AND 8192),
    PRIMARY KEY (log_id, size, position),
    FOREIGN KEY (log_id, size) REFERENCES ledger.checkpoints (log_id, size)
);

CREATE TABLE ledger.keys_notes (
    log_id    int NOT NULL,
    tenant_id uuid NOT NULL,
    number    int NOT NULL CHECK (number >= 1),
    note      text COLLATE "C" NOT NULL CHECK (octet_length(note) <= 131072),
    seq       bigint NOT NULL,                                                      -- of the keys.publish entry
    PRIMARY KEY (log_id, number),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);

CREATE TABLE ledger.walks (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    number      bigint NOT NULL CHECK (number >= 1),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    ok          boolean,
    total_rows  bigint,
    head        bytea,
    broken_at   bigint,
    report      jsonb,
    PRIMARY KEY (log_id, number),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);
