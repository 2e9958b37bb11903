"""The only SQL of scoring: reading and writing in bulk, and the dump of the convergent state."""

from services.scoring.store.children import (
    all_erased,
    dump_convergent,
    erase,
    erased,
    load_children,
    load_months,
    save_children,
)
from services.scoring.store.learning import (
    Waiting,
    learner_states,
    models,
    save_learners,
    save_models,
    save_waiting,
    waiting,
)

__all__ = [
    "Waiting",
    "all_erased",
    "dump_convergent",
    "erase",
    "erased",
    "learner_states",
    "load_children",
    "load_months",
    "models",
    "save_children",
    "save_learners",
    "save_models",
    "save_waiting",
    "waiting",
]
