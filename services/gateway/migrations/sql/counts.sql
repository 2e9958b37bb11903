CREATE FUNCTION alerts_today() RETURNS TABLE (
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
        (SELECT count(*) FROM standing s
         WHERE NOT s.held AND s.visible_at < now() - interval '10 minutes'
           AND s.visible_at > (SELECT min(e.at) FROM alert_event e WHERE e.step = 'delivered')
           AND NOT EXISTS (SELECT 1 FROM alert_event e WHERE e.alert_id = s.alert_id AND e.step = 'delivered'))
$$;

CREATE FUNCTION school_counts(schools text[]) RETURNS TABLE (
    school text, pupils bigint, open bigint, acknowledged bigint, closed bigint, standing bigint
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp
AS $$
    WITH today AS MATERIALIZED (
        SELECT d.date, date_trunc('month', d.date)::date AS month,
               make_date(extract(year FROM d.date - interval '3 months')::int, 4, 1) AS year_start
        FROM (SELECT school_date() AS date) d
    ),
    roster AS MATERIALIZED (
        SELECT e.school, e.linkage_id FROM enrolment e, today
        WHERE e.school = ANY (schools) AND NOT e.withdrawn
          AND e.valid_from <= today.date AND today.date < e.valid_to
    ),
    absent AS (
        SELECT m.linkage_id FROM month_count m, today
        WHERE m.linkage_id IN (SELECT linkage_id FROM roster) AND m.month >= today.year_start AND m.month < today.month
        GROUP BY m.linkage_id
        HAVING max(m.sick + m.other) >= 10 OR sum(m.sick + m.other) >= 30
    ),
    standing_alert AS (
        SELECT a.school,
               bool_or(r.step = 'closed') AS is_closed,
               bool_or(r.step = 'acknowledged') AS is_acknowledged
        FROM alert a LEFT JOIN alert_response r ON r.alert_id = a.alert_id
        WHERE a.school = ANY (schools) AND a.standing AND NOT a.held
        GROUP BY a.alert_id, a.school
    )
    SELECT s.school,
        (SELECT count(DISTINCT linkage_id) FROM roster r WHERE r.school = s.school),
        (SELECT count(*) FROM standing_alert a
         WHERE a.school = s.school AND a.is_closed IS NOT TRUE AND a.is_acknowledged IS NOT TRUE),
        (SELECT count(*) FROM standing_alert a
         WHERE a.school = s.school AND a.is_closed IS NOT TRUE AND a.is_acknowledged),
        (SELECT count(*) FROM standing_alert a WHERE a.school = s.school AND a.is_closed),
        (SELECT count(DISTINCT r.linkage_id) FROM roster r
         WHERE r.school = s.school AND r.linkage_id IN (SELECT linkage_id FROM absent))
    FROM unnest(schools) AS s (school)
$$;
