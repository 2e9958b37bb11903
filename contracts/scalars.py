"""Constrained scalars. Beyond identity only these, enums, numbers and dates may appear in an event."""

from typing import Annotated

from msgspec import Meta

#: First 128 bits of HMAC(mint key, source ‖ source's pupil id), hex.
LinkageId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
#: The same for a member of staff.
StaffId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
#: 学校コード (13 characters) or another authority's school number.
SchoolId = Annotated[str, Meta(pattern=r"^[A-Z0-9]{4,16}$")]
#: A 組 label as schools write it ("1", "A", "すみれ"). The pattern is wider than what ingest lets in, which is no name.
ClassLabel = Annotated[str, Meta(pattern=r"^[0-9A-Za-zぁ-んァ-ヶー一-龥]{1,8}$")]
#: School, school year, grade and label: "B101210000018/2025/5/2".
ClassId = Annotated[str, Meta(pattern=r"^[A-Z0-9]{4,16}/20\d\d/\d{1,2}/[0-9A-Za-zぁ-んァ-ヶー一-龥]{1,8}$")]
#: A school's public name; a school is no person.
SchoolName = Annotated[str, Meta(pattern=r"^[^<>&\"'\x00-\x1f]{1,40}$")]
#: Opaque identifiers made by us (alerts, visits, enrolments, deliveries): 32 hex digits.
OpaqueId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
#: Coded survey question or indicator: "enjoy_math", "understand_science".
QuestionCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
#: Names of our own parts: services, consumers, topics, models.
PartName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9.\-]{1,63}$")]
#: Where in a document a schema was broken ("$.answers[...].value"): field names only, never values.
SchemaPath = Annotated[str, Meta(pattern=r"^[$A-Za-z0-9_.\[\]\-]{0,120}$")]
#: Base64 of packed numbers.
PackedNumbers = Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/=]{0,4000000}$")]

SchoolYear = Annotated[int, Meta(ge=2000, le=2100)]
Grade = Annotated[int, Meta(ge=1, le=12)]
RollNumber = Annotated[int, Meta(ge=1, le=99)]
Count = Annotated[int, Meta(ge=0)]
FlagBits = Annotated[int, Meta(ge=0, le=31)]
Likert = Annotated[int, Meta(ge=1, le=5)]
MinuteOfDay = Annotated[int, Meta(ge=0, le=1439)]
#: Function of the facts a state is made of, never a count of emissions.
Version = Annotated[int, Meta(ge=0)]

# --- only on the names' side (records, inbound-*, pupil-profile) ---
#: The source's own pupil, staff or record number.
SourceKey = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]
#: Any part of a person's name, as the source writes it.
PersonName = Annotated[str, Meta(min_length=1, max_length=120)]
