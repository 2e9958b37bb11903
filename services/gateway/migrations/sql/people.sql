CREATE TABLE account (
    account_id text PRIMARY KEY,
    sign_in_name text NOT NULL UNIQUE,
    staff_id text NOT NULL UNIQUE,
    display_name text NOT NULL,
    administrator boolean NOT NULL DEFAULT false,
    demo_role text,
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

CREATE TABLE credential (
    credential_id text PRIMARY KEY,
    account_id text NOT NULL REFERENCES account,
    kind text NOT NULL CHECK (kind IN ('password', 'passkey', 'totp')),
    secret text NOT NULL,
    label text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz,
    replaced_at timestamptz
);

CREATE UNIQUE INDEX one_live_password ON credential (account_id) WHERE kind = 'password' AND replaced_at IS NULL;

CREATE TABLE invitation (
    token_hash bytea PRIMARY KEY,
    staff_id text,
    administrator boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

CREATE TABLE demo_link (
    token text PRIMARY KEY,
    account_id text NOT NULL UNIQUE REFERENCES account
);

CREATE TABLE granted (
    grant_id text PRIMARY KEY,
    staff_id text NOT NULL,
    role text NOT NULL,
    school text,
    items text[] NOT NULL DEFAULT '{}',
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    granted_by text,
    granted_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    revoked_by text
);

CREATE INDEX granted_to_staff ON granted (staff_id) WHERE revoked_at IS NULL;

CREATE TABLE note (
    note_id text PRIMARY KEY,
    linkage_id text NOT NULL,
    item text NOT NULL,
    body text NOT NULL CHECK (length(body) BETWEEN 1 AND 2000),
    staff_id text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX note_of_child ON note (linkage_id);

CREATE TABLE policy (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    routing text NOT NULL DEFAULT 'direct' CHECK (routing IN ('direct', 'principal_first'))
);

INSERT INTO policy DEFAULT VALUES;
