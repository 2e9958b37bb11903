CREATE FUNCTION reachable(wanted text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 100
AS $$
DECLARE
    today date := school_date();
    post record;
BEGIN
    FOR post IN SELECT * FROM opened(wanted) LOOP
        IF post.role = 'homeroom' THEN
            RETURN QUERY SELECT e.linkage_id FROM enrolment e
                WHERE e.class_id = post.class_id
                  AND NOT e.withdrawn AND e.valid_from <= today AND today < e.valid_to;
        ELSIF post.role = 'grade_head' THEN
            RETURN QUERY SELECT e.linkage_id FROM enrolment e
                WHERE e.school = post.school AND e.grade = post.grade
                  AND NOT e.withdrawn AND e.valid_from <= today AND today < e.valid_to;
        ELSIF post.school IS NOT NULL THEN
            RETURN QUERY SELECT e.linkage_id FROM enrolment e
                WHERE e.school = post.school
                  AND NOT e.withdrawn AND e.valid_from <= today AND today < e.valid_to;
        ELSIF post.role = 'board' THEN
            RETURN QUERY SELECT e.linkage_id FROM enrolment e
                WHERE NOT e.withdrawn AND e.valid_from <= today AND today < e.valid_to;
        END IF;
    END LOOP;
END
$$;

-- A page asks a dozen times in one transaction. The answer is kept in a setting that ends with the transaction and
-- begins with whose it is: another viewer, or the same with another level, is not given it.
CREATE OR REPLACE FUNCTION visible(wanted text) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 100
AS $$
DECLARE
    place text := 'kizashi.visible_' || wanted;
    whose text := current_setting('kizashi.viewer', true) || '/' || current_setting('kizashi.auth_level', true);
    kept text[] := string_to_array(current_setting(place, true), ',');
BEGIN
    IF kept[1] IS DISTINCT FROM whose OR whose IS NULL THEN
        kept := ARRAY[whose] || ARRAY(SELECT reachable(wanted));
        IF whose IS NOT NULL AND cardinality(kept) <= 1000 THEN
            PERFORM set_config(place, array_to_string(kept, ','), true);
        END IF;
    END IF;
    RETURN QUERY SELECT unnest(kept[2:]);
END
$$;

ALTER POLICY related ON alert_recipient
    USING (alert_id IN (SELECT a.alert_id FROM alert a WHERE a.linkage_id = ANY (ARRAY(SELECT visible('attendance')))));

ALTER POLICY related ON alert_event
    USING (alert_id IN (SELECT a.alert_id FROM alert a WHERE a.linkage_id = ANY (ARRAY(SELECT visible('attendance')))));

ALTER POLICY related ON alert_response
    USING (alert_id IN (SELECT a.alert_id FROM alert a WHERE a.linkage_id = ANY (ARRAY(SELECT visible('attendance')))));

REVOKE ALL ON FUNCTION reachable(text) FROM PUBLIC;
