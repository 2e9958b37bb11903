CREATE TABLE role_audience (
    role text NOT NULL,
    audience text NOT NULL,
    second_factor boolean NOT NULL,
    PRIMARY KEY (role, audience)
);

INSERT INTO role_audience (role, audience, second_factor)
SELECT role, audience, audience IN ('counselling', 'bullying', 'welfare', 'sos')
FROM (VALUES
    ('homeroom', '{registry,attendance,survey,infirmary_count,guidance}'::text[]),
    ('grade_head', '{registry,attendance,survey,infirmary_count,guidance}'),
    ('guidance_head', '{registry,attendance,survey,infirmary_count,guidance,bullying}'),
    ('nurse', '{registry,attendance,survey,survey_about_teacher,survey_about_family,infirmary_count,infirmary_detail,guidance,health}'),
    ('counsellor', '{registry,attendance,survey,survey_about_teacher,survey_about_family,infirmary_count,infirmary_detail,guidance,counselling,sos}'),
    ('vice_principal', '{registry,attendance,survey,survey_about_teacher,survey_about_family,infirmary_count,infirmary_detail,guidance,health,attainment,counselling,bullying,welfare,sos}'),
    ('principal', '{registry,attendance,survey,survey_about_teacher,survey_about_family,infirmary_count,infirmary_detail,guidance,health,attainment,counselling,bullying,welfare,sos}'),
    ('board', '{registry,attendance,survey,infirmary_count}')
) AS rights (role, audiences), unnest(audiences) AS audience;

CREATE FUNCTION is_demo() RETURNS boolean
LANGUAGE sql STABLE SET search_path = gateway, pg_temp
AS $$
    SELECT coalesce(shobj_description(
        (SELECT oid FROM pg_database WHERE datname = current_database()), 'pg_database'), '') = 'kind=demo'
$$;

CREATE FUNCTION school_date() RETURNS date
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp
AS $$
    SELECT CASE WHEN is_demo() THEN coalesce(
        greatest((SELECT max(date) FROM classes_confirmed), (SELECT max(date) FROM settled_day)),
        (now() AT TIME ZONE 'Asia/Tokyo')::date
    ) ELSE (now() AT TIME ZONE 'Asia/Tokyo')::date END
$$;

CREATE FUNCTION held_now() RETURNS TABLE (
    role text, school text, grade int, class_id text, valid_from date, valid_to date, granted boolean, items text[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 3
AS $$
    SELECT a.role, a.school, a.grade, a.class_id, a.valid_from, a.valid_to, false, '{}'::text[]
    FROM assignment a
    WHERE a.staff_id = nullif(current_setting('kizashi.viewer', true), '')
      AND a.role IN ('homeroom', 'grade_head')
      AND a.valid_from <= school_date() AND school_date() < a.valid_to
    UNION ALL
    SELECT g.role, g.school, NULL, NULL, g.valid_from, g.valid_to, true, g.items
    FROM granted g
    WHERE g.staff_id = nullif(current_setting('kizashi.viewer', true), '')
      AND g.revoked_at IS NULL
      AND g.valid_from <= school_date() AND school_date() < g.valid_to
$$;

CREATE FUNCTION opened(wanted text) RETURNS TABLE (role text, school text, grade int, class_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 3
AS $$
    SELECT h.role, h.school, h.grade, h.class_id
    FROM held_now() h
    WHERE (h.role <> 'board' OR (SELECT routing FROM policy) = 'principal_first')
      AND (
        EXISTS (
            SELECT 1 FROM role_audience r
            WHERE r.role = h.role AND r.audience = wanted
              AND (NOT r.second_factor OR current_setting('kizashi.auth_level', true) = '2')
        )
        OR (
            wanted = ANY (h.items)
            AND (
                wanted NOT IN ('counselling', 'bullying', 'welfare', 'sos')
                OR current_setting('kizashi.auth_level', true) = '2'
            )
        )
      )
$$;

CREATE FUNCTION visible(wanted text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 100
AS $$
    WITH mine AS MATERIALIZED (SELECT * FROM opened(wanted)), today AS MATERIALIZED (SELECT school_date() AS date)
    SELECT e.linkage_id
    FROM mine JOIN enrolment e ON mine.role = 'homeroom' AND e.class_id = mine.class_id, today
    WHERE NOT e.withdrawn AND e.valid_from <= today.date AND today.date < e.valid_to
    UNION ALL
    SELECT e.linkage_id
    FROM mine JOIN enrolment e ON mine.role = 'grade_head' AND e.school = mine.school AND e.grade = mine.grade, today
    WHERE NOT e.withdrawn AND e.valid_from <= today.date AND today.date < e.valid_to
    UNION ALL
    SELECT e.linkage_id
    FROM mine JOIN enrolment e ON mine.role NOT IN ('homeroom', 'grade_head') AND e.school = mine.school, today
    WHERE NOT e.withdrawn AND e.valid_from <= today.date AND today.date < e.valid_to
    UNION ALL
    SELECT e.linkage_id
    FROM mine JOIN enrolment e ON mine.role = 'board' AND mine.school IS NULL, today
    WHERE NOT e.withdrawn AND e.valid_from <= today.date AND today.date < e.valid_to
$$;

CREATE FUNCTION taught() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = gateway, pg_temp ROWS 40
AS $$
    SELECT e.linkage_id
    FROM held_now() h JOIN enrolment e ON e.class_id = h.class_id
    WHERE h.role = 'homeroom' AND NOT e.withdrawn
      AND e.valid_from <= school_date() AND school_date() < e.valid_to
$$;
