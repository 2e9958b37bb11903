"""Metrics of scoring; no label says anything of a child, class or school."""

from prometheus_client import Counter, Gauge, Histogram

DAYS_JUDGED = Counter("kizashi_scoring_days_judged_total", "Day vectors judged")
ASSESSED = Counter("kizashi_scoring_risk_assessed_total", "Assessments emitted", ["basis", "decider"])
MODEL_MISSED = Counter(
    "kizashi_scoring_model_waits_lost_total", "Polls that went on without the awaited model"
)
UNKNOWN_FORMAT = Counter("kizashi_scoring_models_refused_total", "Models of an unknown format")
HANDLE_SECONDS = Histogram(
    "kizashi_scoring_handle_seconds",
    "Time in one poll's handler",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
LABELS_LEARNED = Counter("kizashi_scoring_labels_learned_total", "Matured rows learned", ["basis"])
LABELS_LATE = Counter("kizashi_scoring_labels_late_total", "Matured rows that came too late", ["basis"])
LEADS = Gauge("kizashi_scoring_model_leads", "1 while the model sets the band, 0 in shadow", ["basis"])
RECALL = Gauge(
    "kizashi_scoring_recall_lead_5", "Recall at five names per school and month", ["basis", "method"]
)
CONTESTED_RECALL = Gauge(
    "kizashi_scoring_contested_recall_lead_5",
    "The same where a model was there to be compared: by this it is decided who leads",
    ["basis", "method"],
)
CALIBRATION = Gauge(
    "kizashi_scoring_calibration", "Predicted minus come true among days of a level", ["basis", "level"]
)
DRIFT = Counter("kizashi_scoring_drift_total", "Changes of the daily log-loss that ADWIN noticed", ["basis"])
