"""Metrics of this service, declared once. No label says anything of a child, class or school."""

from collections.abc import Mapping, Sequence
from itertools import chain

from prometheus_client import Counter, Histogram

from contracts.features import (
    AttendanceFeaturesUpdated,
    InfirmaryFeaturesUpdated,
    LabelMatured,
    SurveyFeaturesUpdated,
)
from services.kit.lanes import Outgoing

VECTORS = Counter("kizashi_features_vectors_total", "Day vectors told", ["item"])
EVIDENCE = Counter("kizashi_features_evidence_total", "Facts told as evidence for the newest day")
REMOVED = Counter("kizashi_features_removed_days_total", "Days told to have no vector any more")
LABELS = Counter("kizashi_features_labels_total", "Matured labels of the basis attendance", ["label"])
CHILDREN = Histogram(
    "kizashi_features_poll_children",
    "Children's years whose vectors one poll computed",
    buckets=(0, 1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000, 20000),
)


def count(outgoing: Mapping[int, Sequence[Outgoing]]) -> None:
    """Count what a committed poll tells, by lane."""
    attendance = infirmary = survey = evidence = removed = children = 0
    for sent in chain.from_iterable(outgoing.values()):
        body = sent.body
        if isinstance(body, AttendanceFeaturesUpdated):
            attendance += len(body.days)
            evidence += len(body.evidence)
            removed += len(body.removed)
            children += 1
        elif isinstance(body, InfirmaryFeaturesUpdated):
            infirmary += len(body.days)
        elif isinstance(body, SurveyFeaturesUpdated):
            survey += len(body.days)
        elif isinstance(body, LabelMatured):
            positive = sum(row.label for row in body.rows)
            LABELS.labels("true").inc(positive)
            LABELS.labels("false").inc(len(body.rows) - positive)
    VECTORS.labels("attendance").inc(attendance)
    VECTORS.labels("infirmary_count").inc(infirmary)
    VECTORS.labels("survey").inc(survey)
    EVIDENCE.inc(evidence)
    REMOVED.inc(removed)
    CHILDREN.observe(children)
