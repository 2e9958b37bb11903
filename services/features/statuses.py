"""Status and flag bytes to compare whole arrays with.

A member of an enumeration is no byte to numpy: the array becomes 64-bit numbers first, thirteen times as slow.
"""

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from services.features.arrays import U8, Bool

UNKNOWN, PRESENT, CLOSED = np.uint8(Code.unknown), np.uint8(Code.present), np.uint8(Code.no_school)
SICK, OTHER = np.uint8(Code.sick), np.uint8(Code.other)
SUSPENDED, BEREAVED = np.uint8(Code.suspended), np.uint8(Code.bereaved)
PROVISIONAL = np.uint8(Flag.provisional)


def is_absent(status: U8) -> Bool:
    """Days of absence (病欠 + 事故欠), of the same shape."""
    found: Bool = (status == SICK) | (status == OTHER)
    return found
