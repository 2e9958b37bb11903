"""Ways of naming that learn nothing: order by total absences, each published rule, the rules' band."""

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Band
from services.scoring import rules
from services.scoring.layout import INDEX, Values
from services.scoring.rules import BIT, RULES

TOTAL = "total"
RULE_BAND = "rule-band"
DAILY = (*(rule.value.replace("_", "-") for rule in RULES), RULE_BAND)


def baseline_scores(values: Values) -> dict[str, NDArray[np.float32]]:
    """Scores of every baseline for rows of attendance values; float32 [n] each, -inf: not named.

    Rules order those they fire for by total absences (ties by pace); the rules' band orders by pace.
    """
    found = rules.score(values)
    total = np.nan_to_num(values[:, INDEX["year_absent"]])
    scores = {
        rule.value.replace("_", "-"): _where(found.fired & BIT[rule] > 0, total + found.pace / 100)
        for rule in RULES
    }
    scores[RULE_BAND] = _where(found.enter >= Band.check, found.pace)
    scores[TOTAL] = total
    return scores


def _where(allowed: NDArray[np.bool_], score: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.where(allowed, score, -np.inf).astype(np.float32)
