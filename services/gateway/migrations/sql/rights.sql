GRANT SELECT, INSERT, UPDATE, DELETE ON school, class, calendar, assignment, classes_confirmed, settled_day, class_day,
    staff, pupil_name, enrolment, day_mark, month_count, survey_round, infirmary_visit, infirmary_detail, alert,
    alert_reason, alert_recipient, alert_event, visible_delay, consumer_pulse, dead_letter_seen, scoreboard, waiting,
    erased, consumer_position, outbox, relay_outbox, dead_letter TO gateway_feed;

GRANT SELECT, DELETE ON note, alert_response TO gateway_feed;

GRANT SELECT ON schema_version TO gateway_feed;

GRANT SELECT ON school, class, calendar, assignment, classes_confirmed, settled_day, class_day, staff, pupil_name,
    enrolment, day_mark, month_count, survey_round, infirmary_visit, infirmary_detail, alert, alert_reason,
    alert_recipient, alert_response, alert_event, visible_delay, consumer_pulse, dead_letter_seen, scoreboard, waiting,
    policy, note TO gateway_page;

GRANT SELECT, INSERT, UPDATE ON account, credential, invitation, granted TO gateway_page;

GRANT SELECT ON demo_link TO gateway_page;

GRANT INSERT ON note, alert_response, relay_outbox TO gateway_page;

GRANT EXECUTE ON FUNCTION is_demo(), school_date(), held_now(), opened(text), visible(text), taught(), alerts_today(),
    school_counts(text[]) TO gateway_page;

GRANT EXECUTE ON FUNCTION is_demo(), school_date() TO gateway_feed;
