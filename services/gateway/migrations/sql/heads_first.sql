CREATE INDEX alert_recipient_staff ON alert_recipient (staff_id);

CREATE INDEX alert_passed_on ON alert_response (alert_id) WHERE step = 'passed_on';

-- Children whom the viewer knows as 教頭 or 校長, or the board knows.
CREATE FUNCTION headed() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 100
AS $$
    SELECT e.linkage_id
    FROM held_now() h JOIN enrolment e ON e.school = h.school OR (h.role = 'board' AND h.school IS NULL)
    WHERE h.role IN ('vice_principal', 'principal', 'board') AND NOT e.withdrawn
      AND e.valid_from <= school_date() AND school_date() < e.valid_to
$$;

-- Alerts that are for the viewer, that a head has passed on to all who are related to the child, or that a key fetches.
CREATE FUNCTION handed() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 100
AS $$
    SELECT r.alert_id FROM alert_recipient r WHERE r.staff_id = nullif(current_setting('kizashi.viewer', true), '')
    UNION ALL
    SELECT a.alert_id FROM alert_response a WHERE a.step = 'passed_on'
    UNION ALL
    SELECT r.alert_id FROM received() r
$$;

CREATE POLICY heads_first ON alert AS RESTRICTIVE FOR SELECT TO gateway_page USING (
    (SELECT routing FROM policy) = 'direct'
    OR linkage_id IN (SELECT headed())
    OR alert_id IN (SELECT handed())
);

CREATE POLICY heads_first ON alert_reason AS RESTRICTIVE FOR SELECT TO gateway_page USING (
    (SELECT routing FROM policy) = 'direct'
    OR linkage_id IN (SELECT headed())
    OR alert_id IN (SELECT handed())
);

GRANT SELECT, UPDATE (routing) ON policy TO gateway_feed;

REVOKE ALL ON FUNCTION headed(), handed() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION headed(), handed() TO gateway_page;
