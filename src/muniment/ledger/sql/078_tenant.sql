-- Name the tenant of this transaction, once: a transaction that is in one tenant cannot be led into another.
-- Whatever the session prefers, a commit that acknowledges entries waits for the disk.
CREATE FUNCTION ledger.enter_tenant(p_tenant uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF coalesce(current_setting('muniment.tenant', true), '') = '' THEN
        PERFORM set_config('muniment.tenant', p_tenant::text, true);
    ELSIF current_setting('muniment.tenant')::uuid <> p_tenant THEN
        RAISE EXCEPTION 'this transaction is in tenant %; use another one for tenant %', current_setting('muniment.tenant'), p_tenant
            USING ERRCODE = 'MU005';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written at READ COMMITTED, not at %', current_setting('transaction_isolation') USING ERRCODE = 'MU006';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

CREATE FUNCTION ledger.check_system_submitter(p_by text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF p_by IS NULL OR octet_length(p_by) > 128 OR p_by !~ '^(?:system:[A-Za-z0-9_.-]+|user:usr_[0-7][0-9A-HJKMNP-TV-Z]{25})$' COLLATE "C" THEN
        RAISE EXCEPTION '% cannot submit for the server: name system:… or user:usr_…', p_by USING ERRCODE = 'MU001';
    END IF;
END $$;
