-- The files of this folder are run in the order of their names, once each, inside one migration, by the role muniment_owner
-- (SET ROLE muniment_owner by a migrator who is its member; it needs CREATE on the database). The roles exist before.
-- A later change is a new file; a file that has been released is never edited.

DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the database must be encoded in UTF8, it is in %: create it with ENCODING ''UTF8'' TEMPLATE template0',
            current_setting('server_encoding');
    END IF;
    IF current_setting('server_version_num')::int < 150000 THEN
        RAISE EXCEPTION 'PostgreSQL 15 or later is needed, this is %', current_setting('server_version');
    END IF;
    IF current_user <> 'muniment_owner' THEN
        RAISE EXCEPTION 'the ledger must be created by muniment_owner, not by %: SET ROLE muniment_owner first', current_user;
    END IF;
END $$;

CREATE SCHEMA ledger;

-- Nothing of ours is executable by everybody: each function is granted by name in 900_grants.sql.
ALTER DEFAULT PRIVILEGES FOR ROLE muniment_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
