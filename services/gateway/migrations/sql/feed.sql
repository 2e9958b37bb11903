CREATE TABLE school (
    school text PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE class (
    class_id text PRIMARY KEY,
    school text NOT NULL,
    school_year int NOT NULL,
    grade int NOT NULL,
    label text NOT NULL,
    special_needs boolean NOT NULL,
    version bigint NOT NULL
);

CREATE INDEX class_of_school ON class (school, school_year);

CREATE TABLE calendar (
    school text NOT NULL,
    school_year int NOT NULL,
    grade int NOT NULL DEFAULT 0,
    class_label text NOT NULL DEFAULT '',
    days text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (school, school_year, grade, class_label)
);

CREATE TABLE assignment (
    assignment_id text PRIMARY KEY,
    staff_id text NOT NULL,
    school text NOT NULL,
    role text NOT NULL,
    grade int,
    class_id text,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    version bigint NOT NULL
);

CREATE INDEX assignment_of_staff ON assignment (staff_id);

CREATE INDEX assignment_of_class ON assignment (class_id);

CREATE TABLE classes_confirmed (
    school text NOT NULL,
    date date NOT NULL,
    expected int NOT NULL,
    confirmed int NOT NULL,
    version bigint NOT NULL,
    heard_at timestamptz NOT NULL,
    PRIMARY KEY (school, date)
);

CREATE INDEX classes_confirmed_date ON classes_confirmed (date);

CREATE TABLE settled_day (
    school text NOT NULL,
    date date NOT NULL,
    PRIMARY KEY (school, date)
);

CREATE INDEX settled_day_date ON settled_day (date);

CREATE TABLE class_day (
    class_id text NOT NULL,
    date date NOT NULL,
    counted int NOT NULL,
    absent int NOT NULL,
    late int NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (class_id, date)
);

CREATE TABLE staff (
    staff_id text PRIMARY KEY,
    family text NOT NULL,
    given text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE pupil_name (
    linkage_id text PRIMARY KEY,
    name text NOT NULL,
    kana text NOT NULL,
    other_names text[] NOT NULL,
    search text NOT NULL,
    version bigint NOT NULL
);

CREATE TABLE enrolment (
    linkage_id text NOT NULL,
    enrolment_id text NOT NULL,
    school text NOT NULL DEFAULT '',
    class_id text NOT NULL DEFAULT '',
    school_year int NOT NULL DEFAULT 0,
    grade int NOT NULL DEFAULT 0,
    number int,
    valid_from date NOT NULL DEFAULT 'infinity',
    valid_to date NOT NULL DEFAULT '-infinity',
    moved_in boolean NOT NULL DEFAULT false,
    withdrawn boolean NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (linkage_id, enrolment_id)
);

CREATE INDEX enrolment_of_class ON enrolment (class_id);

CREATE INDEX enrolment_of_school ON enrolment (school, school_year, grade);

CREATE TABLE day_mark (
    linkage_id text NOT NULL,
    date date NOT NULL,
    code smallint NOT NULL,
    flags smallint NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (linkage_id, date)
) WITH (fillfactor = 85);

CREATE TABLE month_count (
    linkage_id text NOT NULL,
    month date NOT NULL,
    sick int NOT NULL,
    other int NOT NULL,
    late int NOT NULL,
    left_early int NOT NULL,
    separate_room int NOT NULL,
    excused int NOT NULL,
    counted int NOT NULL,
    PRIMARY KEY (linkage_id, month)
) WITH (fillfactor = 50);

CREATE TABLE survey_round (
    linkage_id text NOT NULL,
    survey text NOT NULL,
    school_year int NOT NULL,
    round int NOT NULL,
    audience text NOT NULL,
    date date NOT NULL,
    positive int NOT NULL,
    asked int NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (linkage_id, survey, school_year, round, audience)
);

CREATE TABLE infirmary_visit (
    linkage_id text NOT NULL,
    visit_id text NOT NULL,
    date date NOT NULL,
    kind text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (linkage_id, visit_id)
);

CREATE TABLE infirmary_detail (
    linkage_id text NOT NULL,
    visit_id text NOT NULL,
    date date NOT NULL,
    symptom text NOT NULL,
    entered_minute int,
    left_minute int,
    version bigint NOT NULL,
    PRIMARY KEY (linkage_id, visit_id)
);

CREATE TABLE alert (
    alert_id text PRIMARY KEY,
    linkage_id text NOT NULL,
    school text NOT NULL,
    basis text NOT NULL DEFAULT 'combined',
    level int,
    as_of date,
    decided_by text,
    held boolean NOT NULL DEFAULT false,
    raised_on date,
    raised_at timestamptz,
    raised_version numeric NOT NULL DEFAULT -1,
    retraction text,
    retracted_on date,
    retracted_at timestamptz,
    retracted_version numeric NOT NULL DEFAULT -1,
    ended_on date,
    ended_at timestamptz,
    ended_version numeric NOT NULL DEFAULT -1,
    standing boolean NOT NULL GENERATED ALWAYS AS (raised_version > greatest(retracted_version, ended_version)) STORED,
    retracted boolean NOT NULL
        GENERATED ALWAYS AS (retracted_version >= greatest(raised_version, ended_version)) STORED,
    visible_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX alert_of_child ON alert (linkage_id);

CREATE INDEX alert_standing ON alert (school) WHERE standing;

CREATE TABLE alert_reason (
    alert_id text NOT NULL,
    item text NOT NULL,
    audience text NOT NULL,
    linkage_id text NOT NULL,
    reasons text NOT NULL,
    version numeric NOT NULL,
    PRIMARY KEY (alert_id, audience)
);

CREATE TABLE alert_recipient (
    alert_id text NOT NULL,
    role text NOT NULL,
    staff_id text NOT NULL,
    step int NOT NULL,
    linkage_id text NOT NULL,
    version numeric NOT NULL,
    PRIMARY KEY (alert_id, role, staff_id, step)
);

CREATE TABLE alert_response (
    alert_id text NOT NULL,
    step text NOT NULL,
    staff_id text NOT NULL,
    linkage_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome text,
    PRIMARY KEY (alert_id, step, staff_id)
);

CREATE TABLE alert_event (
    event_id text PRIMARY KEY,
    alert_id text NOT NULL,
    linkage_id text NOT NULL,
    step text NOT NULL,
    at timestamptz NOT NULL,
    level int,
    held boolean,
    retraction text,
    channel text,
    role text,
    staff_id text,
    version numeric NOT NULL
);

CREATE INDEX alert_event_of_alert ON alert_event (alert_id);

CREATE INDEX alert_event_of_child ON alert_event (linkage_id);

CREATE TABLE visible_delay (
    event_id text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seconds double precision NOT NULL
);

CREATE INDEX visible_delay_at ON visible_delay (at);

CREATE TABLE consumer_pulse (
    consumer text NOT NULL,
    member text NOT NULL,
    service text NOT NULL,
    pulse text NOT NULL,
    pulsed_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, member)
);

CREATE TABLE dead_letter_seen (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    service text NOT NULL,
    code text NOT NULL,
    path text NOT NULL,
    size_bytes int NOT NULL,
    heard_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition, record_offset)
);

CREATE INDEX dead_letter_seen_at ON dead_letter_seen (heard_at);

CREATE TABLE scoreboard (
    basis text PRIMARY KEY,
    body text NOT NULL,
    published_at timestamptz NOT NULL
);

CREATE TABLE waiting (
    service text PRIMARY KEY,
    records bigint NOT NULL,
    refs bigint NOT NULL,
    oldest_at timestamptz,
    counted_at timestamptz NOT NULL
);

CREATE TABLE erased (
    linkage_id text PRIMARY KEY,
    erased_at timestamptz NOT NULL DEFAULT now()
);
