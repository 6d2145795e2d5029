"""The index of words follows the registers' tables by triggers, so that no writer of theirs can forget it.

An index over the vectors would not be used: `@@` is not leakproof, so under row level security it is asked of each of the
tenant's rows, which the unique index finds. That is a few milliseconds for some ten thousand.
"""

from django.db import migrations

# table, kind, the column with the thing's id, its title, its state, and the columns with its words by weight.
INDEXED = (
    (
        "exceptions_exception",
        "exception",
        "id",
        "title",
        "state",
        "id title",
        "scope reason residual_risk compensating",
    ),
    ("risks_risk", "risk", "id", "title", "state", "id title", "description plan"),
    ("policies_policy", "policy", "policy", "title", "status", "policy code title", "text link"),
    ("assets_asset", "asset", "asset", "name", "status", "asset code name", "description"),
    ("remediation_task", "task", "id", "title", "state", "id title", "text"),
    ("remediation_finding", "finding", "id", "title", "state", "id title", "text reference"),
    ("remediation_incident", "incident", "id", "title", "state", "id title", "text lessons"),
)
FUNCTION = """
-- Invariant: each thing has one row of words, those of its newest version. Of tables of versions the last one inserted is the
-- newest. Texts are cut: a vector holds at most 1 MB, and one word at most 2 kB.
CREATE FUNCTION work_index_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    said jsonb := to_jsonb(NEW);
    first text := '';
    rest text := '';
    name text;
BEGIN
    FOREACH name IN ARRAY string_to_array(TG_ARGV[4], ' ') LOOP first := first || ' ' || coalesce(said ->> name, ''); END LOOP;
    FOREACH name IN ARRAY string_to_array(TG_ARGV[5], ' ') LOOP rest := rest || ' ' || coalesce(said ->> name, ''); END LOOP;
    INSERT INTO work_words (tenant_id, kind, subject, title, state, vector)
        VALUES (NEW.tenant_id, TG_ARGV[0], said ->> TG_ARGV[1], coalesce(said ->> TG_ARGV[2], ''), coalesce(said ->> TG_ARGV[3], ''),
            setweight(to_tsvector('simple', left(first, 2000)), 'A') || setweight(to_tsvector('simple', left(rest, 40000)), 'B'))
        ON CONFLICT (tenant_id, kind, subject) DO UPDATE
            SET title = excluded.title, state = excluded.state, vector = excluded.vector;
    RETURN NULL;
END $$
"""


def _trigger(table: str, *arguments: str) -> str:
    said = ", ".join(f"'{one}'" for one in arguments)
    return (
        f"CREATE TRIGGER {table}_words AFTER INSERT OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION work_index_words({said})"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("work", "0001_initial"),
        ("exceptions", "0001_initial"),
        ("risks", "0001_initial"),
        ("policies", "0001_initial"),
        ("assets", "0001_initial"),
        ("remediation", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, migrations.RunSQL.noop),
        *(migrations.RunSQL(_trigger(*one), migrations.RunSQL.noop) for one in INDEXED),
    ]
