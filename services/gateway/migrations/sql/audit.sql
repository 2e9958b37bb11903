CREATE TABLE audit.entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    viewer text NOT NULL,
    staff_id text NOT NULL,
    session text NOT NULL,
    route text NOT NULL,
    action text NOT NULL,
    items text[] NOT NULL,
    rule text NOT NULL,
    linkage_ids text[] NOT NULL,
    subject text NOT NULL,
    purpose text NOT NULL,
    outcome text NOT NULL
);

CREATE INDEX entry_order ON audit.entry (txid, id);

CREATE TABLE audit.seal (
    number bigint PRIMARY KEY,
    entry_id bigint NOT NULL UNIQUE,
    txid xid8 NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION audit.unchangeable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the operation log is only ever added to';
END
$$;

CREATE TRIGGER entry_unchangeable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit.unchangeable();

CREATE TRIGGER seal_unchangeable BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit.unchangeable();

CREATE FUNCTION audit.latest(wanted int) RETURNS SETOF audit.entry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp
AS $$
    SELECT * FROM entry ORDER BY id DESC LIMIT least(wanted, 500)
$$;

CREATE FUNCTION audit.sealed_until() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = audit, pg_temp
AS $$
    SELECT sealed_at FROM seal ORDER BY number DESC LIMIT 1
$$;

GRANT INSERT ON audit.entry TO gateway_page, gateway_feed;

GRANT SELECT ON audit.entry, audit.seal TO audit_sealer;

GRANT INSERT ON audit.seal TO audit_sealer;

GRANT EXECUTE ON FUNCTION audit.latest(int), audit.sealed_until() TO gateway_page;
