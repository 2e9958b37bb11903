CREATE POLICY by_function ON enrolment FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY by_function ON alert FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY by_function ON alert_event FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY by_function ON alert_recipient FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY by_function ON alert_response FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY by_function ON month_count FOR SELECT TO gateway_owner USING (session_user = 'gateway_page');

CREATE POLICY related ON pupil_name FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('registry')));

CREATE POLICY related ON enrolment FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('registry')));

CREATE POLICY related ON day_mark FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('attendance')));

CREATE POLICY related ON month_count FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('attendance')));

CREATE POLICY related ON survey_round FOR SELECT TO gateway_page USING (
    (audience = 'survey' AND linkage_id IN (SELECT visible('survey')))
    OR (
        audience = 'survey_about_teacher'
        AND linkage_id IN (SELECT visible('survey_about_teacher'))
        AND linkage_id NOT IN (SELECT taught())
    )
    OR (audience = 'survey_about_family' AND linkage_id IN (SELECT visible('survey_about_family')))
);

CREATE POLICY related ON infirmary_visit FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('infirmary_count')));

CREATE POLICY related ON infirmary_detail FOR SELECT TO gateway_page
    USING (linkage_id IN (SELECT visible('infirmary_detail')));

CREATE POLICY related ON alert FOR SELECT TO gateway_page USING (
    linkage_id IN (SELECT visible('attendance'))
    AND (
        basis = 'attendance'
        OR (linkage_id IN (SELECT visible('survey')) AND linkage_id IN (SELECT visible('infirmary_count')))
    )
);

CREATE POLICY related ON alert_reason FOR SELECT TO gateway_page USING (
    (audience = 'attendance' AND linkage_id IN (SELECT visible('attendance')))
    OR (audience = 'infirmary_count' AND linkage_id IN (SELECT visible('infirmary_count')))
    OR (audience = 'survey' AND linkage_id IN (SELECT visible('survey')))
    OR (
        audience = 'survey_about_teacher'
        AND linkage_id IN (SELECT visible('survey_about_teacher'))
        AND linkage_id NOT IN (SELECT taught())
    )
);

CREATE POLICY related ON alert_recipient FOR SELECT TO gateway_page USING (alert_id IN (SELECT alert_id FROM alert));

CREATE POLICY related ON alert_event FOR SELECT TO gateway_page USING (alert_id IN (SELECT alert_id FROM alert));

CREATE POLICY related ON alert_response FOR SELECT TO gateway_page USING (alert_id IN (SELECT alert_id FROM alert));

CREATE POLICY answering ON alert_response FOR INSERT TO gateway_page WITH CHECK (
    alert_id IN (SELECT alert_id FROM alert) AND staff_id = current_setting('kizashi.viewer', true)
);

CREATE POLICY related ON note FOR SELECT TO gateway_page USING (linkage_id IN (SELECT visible(item)));

CREATE POLICY writing ON note FOR INSERT TO gateway_page WITH CHECK (
    linkage_id IN (SELECT visible(item)) AND staff_id = current_setting('kizashi.viewer', true)
);
