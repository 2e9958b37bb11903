CREATE TABLE delivery (
    delivery_id text PRIMARY KEY,
    alert_id text NOT NULL,
    linkage_id text NOT NULL,
    school text NOT NULL,
    channel text NOT NULL,
    receiver text,
    news text,
    queued_at timestamptz,
    delivered_at timestamptz,
    failed_at timestamptz
);

CREATE INDEX delivery_of_alert ON delivery (alert_id);

CREATE INDEX delivery_of_child ON delivery (linkage_id);

CREATE TABLE receiver_key (
    public_id text PRIMARY KEY,
    receiver text NOT NULL,
    secret_sha256 bytea NOT NULL,
    schools text[],
    items text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

-- The one alert that the key named in this transaction may fetch, by the delivery named beside it, once for each item
-- of the key; else nothing. An alert whose level rests on an item that the key lacks is not there.
CREATE FUNCTION received() RETURNS TABLE (delivery_id text, alert_id text, linkage_id text, audience text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 3
AS $$
    SELECT d.delivery_id, d.alert_id, d.linkage_id, item
    FROM receiver_key k
    JOIN delivery d ON d.receiver = k.receiver
    JOIN alert a ON a.alert_id = d.alert_id
    CROSS JOIN unnest(k.items) AS item
    WHERE k.public_id = nullif(current_setting('kizashi.receiver_key', true), '')
      AND d.delivery_id = nullif(current_setting('kizashi.delivery', true), '')
      AND k.revoked_at IS NULL AND now() < k.expires_at
      AND (k.schools IS NULL OR d.school = ANY (k.schools))
      AND d.queued_at > now() - interval '14 days'
      AND item IN ('attendance', 'survey', 'infirmary_count')
      AND k.items @> CASE a.basis WHEN 'attendance' THEN '{attendance}'::text[]
                     ELSE '{attendance,survey,infirmary_count}' END
$$;

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;

ALTER TABLE delivery FORCE ROW LEVEL SECURITY;

CREATE POLICY feed ON delivery TO gateway_feed USING (true) WITH CHECK (true);

CREATE POLICY by_function ON delivery FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY to_receiver ON delivery FOR SELECT TO gateway_page
    USING (delivery_id IN (SELECT r.delivery_id FROM received() r));

-- Whoever names no delivery, so every page, is not made to look.
CREATE POLICY to_receiver ON alert FOR SELECT TO gateway_page
    USING (
        coalesce(current_setting('kizashi.delivery', true), '') <> ''
        AND alert_id IN (SELECT r.alert_id FROM received() r)
    );

CREATE POLICY to_receiver ON alert_reason FOR SELECT TO gateway_page
    USING (
        coalesce(current_setting('kizashi.delivery', true), '') <> ''
        AND (alert_id, audience) IN (SELECT r.alert_id, r.audience FROM received() r)
    );

CREATE POLICY to_receiver ON enrolment FOR SELECT TO gateway_page
    USING (
        coalesce(current_setting('kizashi.delivery', true), '') <> ''
        AND linkage_id IN (SELECT r.linkage_id FROM received() r)
    );

GRANT SELECT, INSERT, UPDATE, DELETE ON delivery TO gateway_feed;

GRANT SELECT ON delivery TO gateway_page;

GRANT SELECT, INSERT, UPDATE (revoked_at) ON receiver_key TO gateway_page;

REVOKE ALL ON FUNCTION received() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION received() TO gateway_page;

CREATE OR REPLACE FUNCTION alerts_today() RETURNS TABLE (
    raised bigint, held bigint, withdrawn bigint, unseen bigint, without_recipient bigint, undelivered bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp
AS $$
    WITH today AS MATERIALIZED (SELECT school_date() AS date),
    standing AS MATERIALIZED (SELECT * FROM alert WHERE alert.standing)
    SELECT
        (SELECT count(*) FROM alert, today
         WHERE level IS NOT NULL AND NOT alert.held AND raised_on = today.date),
        (SELECT count(*) FROM alert, today
         WHERE level IS NOT NULL AND alert.held AND raised_on = today.date),
        (SELECT count(*) FROM alert, today
         WHERE retracted AND level IS NOT NULL AND retracted_on = today.date),
        (SELECT count(*) FROM standing s
         WHERE NOT s.held AND NOT EXISTS (SELECT 1 FROM alert_response r WHERE r.alert_id = s.alert_id)
           AND 2 < (SELECT count(*) FROM settled_day d, today
                    WHERE d.school = s.school AND d.date <= today.date
                      AND d.date > s.raised_on)),
        (SELECT count(*) FROM standing s
         WHERE NOT s.held AND NOT EXISTS (
             SELECT 1 FROM alert_recipient r WHERE r.alert_id = s.alert_id AND r.staff_id <> '')),
        (SELECT count(DISTINCT d.alert_id) FROM delivery d JOIN alert a ON a.alert_id = d.alert_id
         WHERE d.delivered_at IS NULL
           AND CASE WHEN d.news = 'retracted' THEN a.retracted AND d.failed_at > now() - interval '7 days'
                    ELSE a.standing AND NOT a.held
                        AND (d.failed_at IS NOT NULL OR d.queued_at < now() - interval '10 minutes') END
           AND NOT EXISTS (
               SELECT 1 FROM delivery n WHERE n.alert_id = d.alert_id AND n.queued_at > d.queued_at))
$$;
