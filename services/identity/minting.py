"""Identifiers that only the holder of a key can compute, and that a replay computes again.

A linkage ID is the first 128 bits of HMAC-SHA-256(mint key, source ‖ the source's pupil id); the
key lives outside the database. Event ids that leave this service are made likewise under the
identity key, so that nobody can go back from them to a source's own numbers.
"""

from services.kit.ids import keyed_id


class Minter:
    """Makes linkage, staff and opaque record ids, and ids of outgoing events. Ids are 32 hex digits."""

    def __init__(self, mint_key: bytes, identity_key: bytes) -> None:
        self._mint_key = mint_key
        self._identity_key = identity_key

    def linkage(self, source: str, pupil_id: str) -> str:
        """The linkage ID minted for a source's pupil."""
        return keyed_id(self._mint_key, source, pupil_id)

    def staff(self, source: str, staff_id: str) -> str:
        """The id of a source's member of staff."""
        return keyed_id(self._mint_key, "staff", source, staff_id)

    def opaque(self, kind: str, source: str, number: str) -> str:
        """The id beyond identity of a source's own record number (enrolment, visit, assignment)."""
        return keyed_id(self._identity_key, kind, source, number)

    def event(self, input_id: str, kind: str, about: str = "") -> str:
        """The id of the event of type ``kind`` that follows from an input event, about one child."""
        return keyed_id(self._identity_key, input_id, kind, about)
