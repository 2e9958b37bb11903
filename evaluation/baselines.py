"""Ways of naming that learn nothing: order by total absences, each published rule, the rules' band, the class alone."""

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Band
from services.scoring import rules
from services.scoring.layout import INDEX, Values
from services.scoring.rules import BIT, RULES

TOTAL = "total"
RULE_BAND = "rule-band"
CLASS_AVERAGE = "class-average"
DAILY = (*(rule.value.replace("_", "-") for rule in RULES), RULE_BAND, CLASS_AVERAGE)


def baseline_scores(values: Values, room: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Scores of every baseline for rows of attendance values of one day; float32 [n] each, -inf: not named.

    Rules order those they fire for by total absences (ties by pace); the rules' band orders by pace. ``room`` [n]
    tells classes apart.
    """
    found = rules.score(values)
    total = np.nan_to_num(values[:, INDEX["year_absent"]])
    scores = {
        rule.value.replace("_", "-"): _where(found.fired & BIT[rule] > 0, total + found.pace / 100)
        for rule in RULES
    }
    scores[RULE_BAND] = _where(found.enter >= Band.check, found.pace)
    scores[TOTAL] = total
    scores[CLASS_AVERAGE] = class_average(values, room)
    return scores


def class_average(values: Values, room: NDArray[np.int64]) -> NDArray[np.float32]:
    """Mean share of days absent this year in each row's class, those at risk alone; float32 [n].

    Perdomo et al. (arXiv 2304.06205) found that aiming by the surroundings alone does as well as aiming at persons:
    whoever names persons must be better than this.
    """
    counted = np.maximum(np.nan_to_num(values[:, INDEX["year_counted"]]), 1)
    rate = np.nan_to_num(values[:, INDEX["year_absent"]]) / counted
    pupils = np.bincount(room)
    return (np.bincount(room, rate)[room] / pupils[room]).astype(np.float32)


def _where(allowed: NDArray[np.bool_], score: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.where(allowed, score, -np.inf).astype(np.float32)
