import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as _bridge_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ToChild(_message.Message):
    __slots__ = ("start", "call", "journal_done")
    START_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_DONE_FIELD_NUMBER: _ClassVar[int]
    start: Start
    call: Call
    journal_done: JournalDone
    def __init__(self, start: _Optional[_Union[Start, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ..., journal_done: _Optional[_Union[JournalDone, _Mapping]] = ...) -> None: ...

class FromChild(_message.Message):
    __slots__ = ("started", "failed", "answer", "write", "bury", "finish", "see_deal", "see_build")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    BURY_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    SEE_DEAL_FIELD_NUMBER: _ClassVar[int]
    SEE_BUILD_FIELD_NUMBER: _ClassVar[int]
    started: Started
    failed: Failed
    answer: Answer
    write: JournalWrite
    bury: JournalBury
    finish: JournalFinish
    see_deal: int
    see_build: int
    def __init__(self, started: _Optional[_Union[Started, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ..., answer: _Optional[_Union[Answer, _Mapping]] = ..., write: _Optional[_Union[JournalWrite, _Mapping]] = ..., bury: _Optional[_Union[JournalBury, _Mapping]] = ..., finish: _Optional[_Union[JournalFinish, _Mapping]] = ..., see_deal: _Optional[int] = ..., see_build: _Optional[int] = ...) -> None: ...

class Start(_message.Message):
    __slots__ = ("settings", "journal")
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FIELD_NUMBER: _ClassVar[int]
    settings: str
    journal: JournalView
    def __init__(self, settings: _Optional[str] = ..., journal: _Optional[_Union[JournalView, _Mapping]] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("why_not",)
    WHY_NOT_FIELD_NUMBER: _ClassVar[int]
    why_not: str
    def __init__(self, why_not: _Optional[str] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("operation", "request", "arrived_at", "ledger_age_s", "journal", "number")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    ARRIVED_AT_FIELD_NUMBER: _ClassVar[int]
    LEDGER_AGE_S_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    operation: str
    request: bytes
    arrived_at: _timestamp_pb2.Timestamp
    ledger_age_s: float
    journal: JournalView
    number: int
    def __init__(self, operation: _Optional[str] = ..., request: _Optional[bytes] = ..., arrived_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ledger_age_s: _Optional[float] = ..., journal: _Optional[_Union[JournalView, _Mapping]] = ..., number: _Optional[int] = ...) -> None: ...

class JournalView(_message.Message):
    __slots__ = ("id", "created_at", "sequence", "newest_token", "newest_deal", "latch", "builds", "key", "entries", "unfinished")
    ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    NEWEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NEWEST_DEAL_FIELD_NUMBER: _ClassVar[int]
    LATCH_FIELD_NUMBER: _ClassVar[int]
    BUILDS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    UNFINISHED_FIELD_NUMBER: _ClassVar[int]
    id: str
    created_at: _timestamp_pb2.Timestamp
    sequence: int
    newest_token: int
    newest_deal: int
    latch: _bridge_pb2.Latch
    builds: _containers.RepeatedScalarFieldContainer[int]
    key: str
    entries: _containers.RepeatedCompositeFieldContainer[JournalEntry]
    unfinished: _containers.RepeatedCompositeFieldContainer[JournalEntry]
    def __init__(self, id: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sequence: _Optional[int] = ..., newest_token: _Optional[int] = ..., newest_deal: _Optional[int] = ..., latch: _Optional[_Union[_bridge_pb2.Latch, _Mapping]] = ..., builds: _Optional[_Iterable[int]] = ..., key: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[JournalEntry, _Mapping]]] = ..., unfinished: _Optional[_Iterable[_Union[JournalEntry, _Mapping]]] = ...) -> None: ...

class JournalEntry(_message.Message):
    __slots__ = ("key", "attempt", "token", "operation", "request", "written_at", "outcome", "tombstone")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_AT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    token: int
    operation: str
    request: str
    written_at: _timestamp_pb2.Timestamp
    outcome: _bridge_pb2.Outcome
    tombstone: bool
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., operation: _Optional[str] = ..., request: _Optional[str] = ..., written_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., outcome: _Optional[_Union[_bridge_pb2.Outcome, _Mapping]] = ..., tombstone: _Optional[bool] = ...) -> None: ...

class JournalWrite(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: JournalEntry
    def __init__(self, entry: _Optional[_Union[JournalEntry, _Mapping]] = ...) -> None: ...

class JournalBury(_message.Message):
    __slots__ = ("key", "attempt")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class JournalFinish(_message.Message):
    __slots__ = ("key", "attempt", "outcome")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    outcome: _bridge_pb2.Outcome
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ..., outcome: _Optional[_Union[_bridge_pb2.Outcome, _Mapping]] = ...) -> None: ...

class JournalDone(_message.Message):
    __slots__ = ("sequence", "problem", "latched", "unwritable", "broken")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    LATCHED_FIELD_NUMBER: _ClassVar[int]
    UNWRITABLE_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    problem: _bridge_pb2.Problem
    latched: str
    unwritable: str
    broken: str
    def __init__(self, sequence: _Optional[int] = ..., problem: _Optional[_Union[_bridge_pb2.Problem, _Mapping]] = ..., latched: _Optional[str] = ..., unwritable: _Optional[str] = ..., broken: _Optional[str] = ...) -> None: ...

class Answer(_message.Message):
    __slots__ = ("value", "problem", "number")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    value: bytes
    problem: _bridge_pb2.Problem
    number: int
    def __init__(self, value: _Optional[bytes] = ..., problem: _Optional[_Union[_bridge_pb2.Problem, _Mapping]] = ..., number: _Optional[int] = ...) -> None: ...
