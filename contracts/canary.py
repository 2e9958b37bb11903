"""The canary: a synthetic child of a synthetic school, by which the whole chain is timed each minute.

No real school has this code (学校コード are a letter and twelve digits). The school is registered nowhere:
what is told of it is on nobody's board and in no number about alerts.
"""

from contracts.codes import NameKind
from contracts.records import PersonNames

SCHOOL = "KIZASHICANARY"
#: The source of its records: the name of its API key.
SOURCE = "canary"
#: The child's number in that source, and its name: whoever holds the key can register no other.
PUPIL = "canary"
NAMES = PersonNames("カナリア", "計測用", "カナリア", "ケイソクヨウ", NameKind.registered)
