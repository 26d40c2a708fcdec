import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class Entry(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_UNSPECIFIED: _ClassVar[Entry]
    ENTRY_MARKET: _ClassVar[Entry]
    ENTRY_LIMIT: _ClassVar[Entry]
    ENTRY_STOP: _ClassVar[Entry]

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNSPECIFIED: _ClassVar[Mode]
    MODE_DEMO: _ClassVar[Mode]
    MODE_REAL: _ClassVar[Mode]

class OrderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATE_UNSPECIFIED: _ClassVar[OrderState]
    ORDER_STATE_RECEIVED: _ClassVar[OrderState]
    ORDER_STATE_DENIED: _ClassVar[OrderState]
    ORDER_STATE_EXPIRED: _ClassVar[OrderState]
    ORDER_STATE_CANCELED: _ClassVar[OrderState]
    ORDER_STATE_SUPERSEDED: _ClassVar[OrderState]
    ORDER_STATE_SUBMITTING: _ClassVar[OrderState]
    ORDER_STATE_ACCEPTED: _ClassVar[OrderState]
    ORDER_STATE_PARTIALLY_FILLED: _ClassVar[OrderState]
    ORDER_STATE_FILLED: _ClassVar[OrderState]
    ORDER_STATE_APPLIED: _ClassVar[OrderState]
    ORDER_STATE_REJECTED: _ClassVar[OrderState]
    ORDER_STATE_NOT_SENT: _ClassVar[OrderState]
    ORDER_STATE_IN_DOUBT: _ClassVar[OrderState]
    ORDER_STATE_ABANDONED: _ClassVar[OrderState]

class Retry(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_UNSPECIFIED: _ClassVar[Retry]
    RETRY_NEVER: _ClassVar[Retry]
    RETRY_AFTER_REPRICE: _ClassVar[Retry]
    RETRY_AFTER_DELAY: _ClassVar[Retry]

class DealEntry(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEAL_ENTRY_UNSPECIFIED: _ClassVar[DealEntry]
    DEAL_ENTRY_IN: _ClassVar[DealEntry]
    DEAL_ENTRY_OUT: _ClassVar[DealEntry]
    DEAL_ENTRY_INOUT: _ClassVar[DealEntry]
    DEAL_ENTRY_OUT_BY: _ClassVar[DealEntry]
    DEAL_ENTRY_NONE: _ClassVar[DealEntry]
    DEAL_ENTRY_CREDIT: _ClassVar[DealEntry]
    DEAL_ENTRY_COST: _ClassVar[DealEntry]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ENTRY_UNSPECIFIED: Entry
ENTRY_MARKET: Entry
ENTRY_LIMIT: Entry
ENTRY_STOP: Entry
MODE_UNSPECIFIED: Mode
MODE_DEMO: Mode
MODE_REAL: Mode
ORDER_STATE_UNSPECIFIED: OrderState
ORDER_STATE_RECEIVED: OrderState
ORDER_STATE_DENIED: OrderState
ORDER_STATE_EXPIRED: OrderState
ORDER_STATE_CANCELED: OrderState
ORDER_STATE_SUPERSEDED: OrderState
ORDER_STATE_SUBMITTING: OrderState
ORDER_STATE_ACCEPTED: OrderState
ORDER_STATE_PARTIALLY_FILLED: OrderState
ORDER_STATE_FILLED: OrderState
ORDER_STATE_APPLIED: OrderState
ORDER_STATE_REJECTED: OrderState
ORDER_STATE_NOT_SENT: OrderState
ORDER_STATE_IN_DOUBT: OrderState
ORDER_STATE_ABANDONED: OrderState
RETRY_UNSPECIFIED: Retry
RETRY_NEVER: Retry
RETRY_AFTER_REPRICE: Retry
RETRY_AFTER_DELAY: Retry
DEAL_ENTRY_UNSPECIFIED: DealEntry
DEAL_ENTRY_IN: DealEntry
DEAL_ENTRY_OUT: DealEntry
DEAL_ENTRY_INOUT: DealEntry
DEAL_ENTRY_OUT_BY: DealEntry
DEAL_ENTRY_NONE: DealEntry
DEAL_ENTRY_CREDIT: DealEntry
DEAL_ENTRY_COST: DealEntry

class Problem(_message.Message):
    __slots__ = ("kind", "text", "newest_token", "lifted_sequence", "field", "rule")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[Problem.Kind]
        KIND_UNREACHABLE: _ClassVar[Problem.Kind]
        KIND_UNANSWERED: _ClassVar[Problem.Kind]
        KIND_STALE_TOKEN: _ClassVar[Problem.Kind]
        KIND_STALE_LATCH: _ClassVar[Problem.Kind]
        KIND_INVALID_VALUE: _ClassVar[Problem.Kind]
    KIND_UNSPECIFIED: Problem.Kind
    KIND_UNREACHABLE: Problem.Kind
    KIND_UNANSWERED: Problem.Kind
    KIND_STALE_TOKEN: Problem.Kind
    KIND_STALE_LATCH: Problem.Kind
    KIND_INVALID_VALUE: Problem.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NEWEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LIFTED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    kind: Problem.Kind
    text: str
    newest_token: int
    lifted_sequence: int
    field: str
    rule: str
    def __init__(self, kind: _Optional[_Union[Problem.Kind, str]] = ..., text: _Optional[str] = ..., newest_token: _Optional[int] = ..., lifted_sequence: _Optional[int] = ..., field: _Optional[str] = ..., rule: _Optional[str] = ...) -> None: ...

class AccountCall(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class HealthsCall(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TokenCall(_message.Message):
    __slots__ = ("account", "token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: str
    token: int
    def __init__(self, account: _Optional[str] = ..., token: _Optional[int] = ...) -> None: ...

class ReadingsCall(_message.Message):
    __slots__ = ("accounts", "ledger_at")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    LEDGER_AT_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    ledger_at: _timestamp_pb2.Timestamp
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., ledger_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReadingStreamCall(_message.Message):
    __slots__ = ("accounts", "every_s")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    EVERY_S_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    every_s: float
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., every_s: _Optional[float] = ...) -> None: ...

class SymbolCall(_message.Message):
    __slots__ = ("account", "symbol")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    account: str
    symbol: str
    def __init__(self, account: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class DealsCall(_message.Message):
    __slots__ = ("account", "since", "until")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    account: str
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CheckCall(_message.Message):
    __slots__ = ("account", "order")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account: str
    order: OpenOrder
    def __init__(self, account: _Optional[str] = ..., order: _Optional[_Union[OpenOrder, _Mapping]] = ...) -> None: ...

class SubmitCall(_message.Message):
    __slots__ = ("account", "order", "permit")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    account: str
    order: OpenOrder
    permit: Permit
    def __init__(self, account: _Optional[str] = ..., order: _Optional[_Union[OpenOrder, _Mapping]] = ..., permit: _Optional[_Union[Permit, _Mapping]] = ...) -> None: ...

class CloseCall(_message.Message):
    __slots__ = ("account", "order", "permit")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    account: str
    order: CloseOrder
    permit: Permit
    def __init__(self, account: _Optional[str] = ..., order: _Optional[_Union[CloseOrder, _Mapping]] = ..., permit: _Optional[_Union[Permit, _Mapping]] = ...) -> None: ...

class ModifyCall(_message.Message):
    __slots__ = ("account", "order", "permit")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    account: str
    order: ModifyOrder
    permit: Permit
    def __init__(self, account: _Optional[str] = ..., order: _Optional[_Union[ModifyOrder, _Mapping]] = ..., permit: _Optional[_Union[Permit, _Mapping]] = ...) -> None: ...

class CancelCall(_message.Message):
    __slots__ = ("account", "order", "permit")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    account: str
    order: CancelOrder
    permit: Permit
    def __init__(self, account: _Optional[str] = ..., order: _Optional[_Union[CancelOrder, _Mapping]] = ..., permit: _Optional[_Union[Permit, _Mapping]] = ...) -> None: ...

class ResolveCall(_message.Message):
    __slots__ = ("account", "key", "magic", "attempt", "token", "since")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    account: str
    key: str
    magic: int
    attempt: int
    token: int
    since: _timestamp_pb2.Timestamp
    def __init__(self, account: _Optional[str] = ..., key: _Optional[str] = ..., magic: _Optional[int] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LatchCall(_message.Message):
    __slots__ = ("account", "sequence", "reason")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    account: str
    sequence: int
    reason: str
    def __init__(self, account: _Optional[str] = ..., sequence: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class RecordCall(_message.Message):
    __slots__ = ("account", "record")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    account: str
    record: str
    def __init__(self, account: _Optional[str] = ..., record: _Optional[str] = ...) -> None: ...

class CheckpointCall(_message.Message):
    __slots__ = ("account", "memory")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    account: str
    memory: GuardMemory
    def __init__(self, account: _Optional[str] = ..., memory: _Optional[_Union[GuardMemory, _Mapping]] = ...) -> None: ...

class BindCall(_message.Message):
    __slots__ = ("account", "journal_id", "sequence")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    account: str
    journal_id: str
    sequence: int
    def __init__(self, account: _Optional[str] = ..., journal_id: _Optional[str] = ..., sequence: _Optional[int] = ...) -> None: ...

class Permit(_message.Message):
    __slots__ = ("key", "attempt", "token", "not_after", "sent_at", "journal_id", "journal_sequence")
    KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    key: str
    attempt: int
    token: int
    not_after: _timestamp_pb2.Timestamp
    sent_at: _timestamp_pb2.Timestamp
    journal_id: str
    journal_sequence: int
    def __init__(self, key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., not_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., journal_id: _Optional[str] = ..., journal_sequence: _Optional[int] = ...) -> None: ...

class OpenOrder(_message.Message):
    __slots__ = ("symbol", "side", "entry", "volume_lots", "price", "tolerance_price", "stop_loss_price", "take_profit_price", "magic", "comment", "created_at", "expires_at")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_PRICE_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: Side
    entry: Entry
    volume_lots: str
    price: str
    tolerance_price: str
    stop_loss_price: str
    take_profit_price: str
    magic: int
    comment: str
    created_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., entry: _Optional[_Union[Entry, str]] = ..., volume_lots: _Optional[str] = ..., price: _Optional[str] = ..., tolerance_price: _Optional[str] = ..., stop_loss_price: _Optional[str] = ..., take_profit_price: _Optional[str] = ..., magic: _Optional[int] = ..., comment: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CloseOrder(_message.Message):
    __slots__ = ("opening_key", "opening_magic", "ticket", "remaining_lots")
    OPENING_KEY_FIELD_NUMBER: _ClassVar[int]
    OPENING_MAGIC_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    REMAINING_LOTS_FIELD_NUMBER: _ClassVar[int]
    opening_key: str
    opening_magic: int
    ticket: int
    remaining_lots: str
    def __init__(self, opening_key: _Optional[str] = ..., opening_magic: _Optional[int] = ..., ticket: _Optional[int] = ..., remaining_lots: _Optional[str] = ...) -> None: ...

class Level(_message.Message):
    __slots__ = ("price", "remove")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    price: str
    remove: bool
    def __init__(self, price: _Optional[str] = ..., remove: _Optional[bool] = ...) -> None: ...

class ModifyOrder(_message.Message):
    __slots__ = ("opening_key", "opening_magic", "ticket", "stop_loss", "take_profit", "price")
    OPENING_KEY_FIELD_NUMBER: _ClassVar[int]
    OPENING_MAGIC_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    opening_key: str
    opening_magic: int
    ticket: int
    stop_loss: Level
    take_profit: Level
    price: str
    def __init__(self, opening_key: _Optional[str] = ..., opening_magic: _Optional[int] = ..., ticket: _Optional[int] = ..., stop_loss: _Optional[_Union[Level, _Mapping]] = ..., take_profit: _Optional[_Union[Level, _Mapping]] = ..., price: _Optional[str] = ...) -> None: ...

class CancelOrder(_message.Message):
    __slots__ = ("opening_key", "opening_magic", "ticket")
    OPENING_KEY_FIELD_NUMBER: _ClassVar[int]
    OPENING_MAGIC_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    opening_key: str
    opening_magic: int
    ticket: int
    def __init__(self, opening_key: _Optional[str] = ..., opening_magic: _Optional[int] = ..., ticket: _Optional[int] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("state", "sentence", "retry", "retcode", "last_error", "order_ticket", "deal_ticket", "position_ticket", "volume_lots", "price", "existed", "broker_at", "sent_at", "denial")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    RETCODE_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    ORDER_TICKET_FIELD_NUMBER: _ClassVar[int]
    DEAL_TICKET_FIELD_NUMBER: _ClassVar[int]
    POSITION_TICKET_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    EXISTED_FIELD_NUMBER: _ClassVar[int]
    BROKER_AT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    DENIAL_FIELD_NUMBER: _ClassVar[int]
    state: OrderState
    sentence: str
    retry: Retry
    retcode: int
    last_error: int
    order_ticket: int
    deal_ticket: int
    position_ticket: int
    volume_lots: str
    price: str
    existed: bool
    broker_at: _timestamp_pb2.Timestamp
    sent_at: _timestamp_pb2.Timestamp
    denial: str
    def __init__(self, state: _Optional[_Union[OrderState, str]] = ..., sentence: _Optional[str] = ..., retry: _Optional[_Union[Retry, str]] = ..., retcode: _Optional[int] = ..., last_error: _Optional[int] = ..., order_ticket: _Optional[int] = ..., deal_ticket: _Optional[int] = ..., position_ticket: _Optional[int] = ..., volume_lots: _Optional[str] = ..., price: _Optional[str] = ..., existed: _Optional[bool] = ..., broker_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., denial: _Optional[str] = ...) -> None: ...

class Latch(_message.Message):
    __slots__ = ("sequence", "reason", "at", "local")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    reason: str
    at: _timestamp_pb2.Timestamp
    local: bool
    def __init__(self, sequence: _Optional[int] = ..., reason: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local: _Optional[bool] = ...) -> None: ...

class Floor(_message.Message):
    __slots__ = ("equity_money", "readings", "person", "signed_at")
    EQUITY_MONEY_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    SIGNED_AT_FIELD_NUMBER: _ClassVar[int]
    equity_money: str
    readings: int
    person: str
    signed_at: _timestamp_pb2.Timestamp
    def __init__(self, equity_money: _Optional[str] = ..., readings: _Optional[int] = ..., person: _Optional[str] = ..., signed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Health(_message.Message):
    __slots__ = ("connected", "trade_allowed", "why_not", "login", "server", "company", "mode", "build", "server_offset_s", "journal_id", "newest_token", "bridge_at", "version", "journal_sequence", "journal_writable", "latch", "lifted_sequence", "floor", "ledger_age_s", "build_before", "offset_before_s", "shadow", "risk_people")
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    TRADE_ALLOWED_FIELD_NUMBER: _ClassVar[int]
    WHY_NOT_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    SERVER_FIELD_NUMBER: _ClassVar[int]
    COMPANY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    SERVER_OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    NEWEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BRIDGE_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_WRITABLE_FIELD_NUMBER: _ClassVar[int]
    LATCH_FIELD_NUMBER: _ClassVar[int]
    LIFTED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    LEDGER_AGE_S_FIELD_NUMBER: _ClassVar[int]
    BUILD_BEFORE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_BEFORE_S_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    RISK_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    connected: bool
    trade_allowed: bool
    why_not: _containers.RepeatedScalarFieldContainer[str]
    login: int
    server: str
    company: str
    mode: Mode
    build: int
    server_offset_s: int
    journal_id: str
    newest_token: int
    bridge_at: _timestamp_pb2.Timestamp
    version: str
    journal_sequence: int
    journal_writable: bool
    latch: Latch
    lifted_sequence: int
    floor: Floor
    ledger_age_s: float
    build_before: int
    offset_before_s: int
    shadow: bool
    risk_people: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, connected: _Optional[bool] = ..., trade_allowed: _Optional[bool] = ..., why_not: _Optional[_Iterable[str]] = ..., login: _Optional[int] = ..., server: _Optional[str] = ..., company: _Optional[str] = ..., mode: _Optional[_Union[Mode, str]] = ..., build: _Optional[int] = ..., server_offset_s: _Optional[int] = ..., journal_id: _Optional[str] = ..., newest_token: _Optional[int] = ..., bridge_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[str] = ..., journal_sequence: _Optional[int] = ..., journal_writable: _Optional[bool] = ..., latch: _Optional[_Union[Latch, _Mapping]] = ..., lifted_sequence: _Optional[int] = ..., floor: _Optional[_Union[Floor, _Mapping]] = ..., ledger_age_s: _Optional[float] = ..., build_before: _Optional[int] = ..., offset_before_s: _Optional[int] = ..., shadow: _Optional[bool] = ..., risk_people: _Optional[_Iterable[str]] = ...) -> None: ...

class Reading(_message.Message):
    __slots__ = ("account", "at", "source", "currency", "balance_money", "equity_money", "credit_money", "margin_money", "margin_free_money", "profit_money", "leverage", "positions", "orders")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MONEY_FIELD_NUMBER: _ClassVar[int]
    EQUITY_MONEY_FIELD_NUMBER: _ClassVar[int]
    CREDIT_MONEY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_MONEY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FREE_MONEY_FIELD_NUMBER: _ClassVar[int]
    PROFIT_MONEY_FIELD_NUMBER: _ClassVar[int]
    LEVERAGE_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    account: str
    at: _timestamp_pb2.Timestamp
    source: str
    currency: str
    balance_money: str
    equity_money: str
    credit_money: str
    margin_money: str
    margin_free_money: str
    profit_money: str
    leverage: int
    positions: int
    orders: int
    def __init__(self, account: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., currency: _Optional[str] = ..., balance_money: _Optional[str] = ..., equity_money: _Optional[str] = ..., credit_money: _Optional[str] = ..., margin_money: _Optional[str] = ..., margin_free_money: _Optional[str] = ..., profit_money: _Optional[str] = ..., leverage: _Optional[int] = ..., positions: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "digits", "point_price", "tick_size_price", "tick_value_money", "contract_size", "volume_min_lots", "volume_max_lots", "volume_step_lots", "stops_level_points", "trade_allowed_buy", "trade_allowed_sell", "close_only", "currency_profit", "currency_margin")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DIGITS_FIELD_NUMBER: _ClassVar[int]
    POINT_PRICE_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_PRICE_FIELD_NUMBER: _ClassVar[int]
    TICK_VALUE_MONEY_FIELD_NUMBER: _ClassVar[int]
    CONTRACT_SIZE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MIN_LOTS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_MAX_LOTS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_STEP_LOTS_FIELD_NUMBER: _ClassVar[int]
    STOPS_LEVEL_POINTS_FIELD_NUMBER: _ClassVar[int]
    TRADE_ALLOWED_BUY_FIELD_NUMBER: _ClassVar[int]
    TRADE_ALLOWED_SELL_FIELD_NUMBER: _ClassVar[int]
    CLOSE_ONLY_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_PROFIT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_MARGIN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    digits: int
    point_price: str
    tick_size_price: str
    tick_value_money: str
    contract_size: str
    volume_min_lots: str
    volume_max_lots: str
    volume_step_lots: str
    stops_level_points: int
    trade_allowed_buy: bool
    trade_allowed_sell: bool
    close_only: bool
    currency_profit: str
    currency_margin: str
    def __init__(self, symbol: _Optional[str] = ..., digits: _Optional[int] = ..., point_price: _Optional[str] = ..., tick_size_price: _Optional[str] = ..., tick_value_money: _Optional[str] = ..., contract_size: _Optional[str] = ..., volume_min_lots: _Optional[str] = ..., volume_max_lots: _Optional[str] = ..., volume_step_lots: _Optional[str] = ..., stops_level_points: _Optional[int] = ..., trade_allowed_buy: _Optional[bool] = ..., trade_allowed_sell: _Optional[bool] = ..., close_only: _Optional[bool] = ..., currency_profit: _Optional[str] = ..., currency_margin: _Optional[str] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("symbol", "bid_price", "ask_price", "at")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BID_PRICE_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    bid_price: str
    ask_price: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., bid_price: _Optional[str] = ..., ask_price: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("ticket", "symbol", "side", "volume_lots", "open_price", "current_price", "stop_loss_price", "take_profit_price", "profit_money", "swap_money", "magic", "comment", "opened_at")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_PRICE_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    PROFIT_MONEY_FIELD_NUMBER: _ClassVar[int]
    SWAP_MONEY_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    ticket: int
    symbol: str
    side: Side
    volume_lots: str
    open_price: str
    current_price: str
    stop_loss_price: str
    take_profit_price: str
    profit_money: str
    swap_money: str
    magic: int
    comment: str
    opened_at: _timestamp_pb2.Timestamp
    def __init__(self, ticket: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., volume_lots: _Optional[str] = ..., open_price: _Optional[str] = ..., current_price: _Optional[str] = ..., stop_loss_price: _Optional[str] = ..., take_profit_price: _Optional[str] = ..., profit_money: _Optional[str] = ..., swap_money: _Optional[str] = ..., magic: _Optional[int] = ..., comment: _Optional[str] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RestingOrder(_message.Message):
    __slots__ = ("ticket", "symbol", "side", "entry", "volume_lots", "volume_left_lots", "price", "stop_loss_price", "take_profit_price", "magic", "comment", "placed_at", "expires_at")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LEFT_LOTS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STOP_LOSS_PRICE_FIELD_NUMBER: _ClassVar[int]
    TAKE_PROFIT_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    PLACED_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    ticket: int
    symbol: str
    side: Side
    entry: str
    volume_lots: str
    volume_left_lots: str
    price: str
    stop_loss_price: str
    take_profit_price: str
    magic: int
    comment: str
    placed_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    def __init__(self, ticket: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., entry: _Optional[str] = ..., volume_lots: _Optional[str] = ..., volume_left_lots: _Optional[str] = ..., price: _Optional[str] = ..., stop_loss_price: _Optional[str] = ..., take_profit_price: _Optional[str] = ..., magic: _Optional[int] = ..., comment: _Optional[str] = ..., placed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Deal(_message.Message):
    __slots__ = ("ticket", "order", "position", "symbol", "side", "entry", "volume_lots", "price", "profit_money", "swap_money", "commission_money", "fee_money", "magic", "reason", "comment", "at")
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    VOLUME_LOTS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PROFIT_MONEY_FIELD_NUMBER: _ClassVar[int]
    SWAP_MONEY_FIELD_NUMBER: _ClassVar[int]
    COMMISSION_MONEY_FIELD_NUMBER: _ClassVar[int]
    FEE_MONEY_FIELD_NUMBER: _ClassVar[int]
    MAGIC_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ticket: int
    order: int
    position: int
    symbol: str
    side: Side
    entry: DealEntry
    volume_lots: str
    price: str
    profit_money: str
    swap_money: str
    commission_money: str
    fee_money: str
    magic: int
    reason: int
    comment: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, ticket: _Optional[int] = ..., order: _Optional[int] = ..., position: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., entry: _Optional[_Union[DealEntry, str]] = ..., volume_lots: _Optional[str] = ..., price: _Optional[str] = ..., profit_money: _Optional[str] = ..., swap_money: _Optional[str] = ..., commission_money: _Optional[str] = ..., fee_money: _Optional[str] = ..., magic: _Optional[int] = ..., reason: _Optional[int] = ..., comment: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("passed", "retcode", "sentence", "margin_money", "margin_free_money")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    RETCODE_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    MARGIN_MONEY_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FREE_MONEY_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    retcode: int
    sentence: str
    margin_money: str
    margin_free_money: str
    def __init__(self, passed: _Optional[bool] = ..., retcode: _Optional[int] = ..., sentence: _Optional[str] = ..., margin_money: _Optional[str] = ..., margin_free_money: _Optional[str] = ...) -> None: ...

class GuardMemory(_message.Message):
    __slots__ = ("peak_equity_money", "first_balance_money", "last_equity_money", "last_balance_money", "last_at", "cash_flow_total_money", "sequence", "last_deal", "last_credit_money")
    PEAK_EQUITY_MONEY_FIELD_NUMBER: _ClassVar[int]
    FIRST_BALANCE_MONEY_FIELD_NUMBER: _ClassVar[int]
    LAST_EQUITY_MONEY_FIELD_NUMBER: _ClassVar[int]
    LAST_BALANCE_MONEY_FIELD_NUMBER: _ClassVar[int]
    LAST_AT_FIELD_NUMBER: _ClassVar[int]
    CASH_FLOW_TOTAL_MONEY_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_DEAL_FIELD_NUMBER: _ClassVar[int]
    LAST_CREDIT_MONEY_FIELD_NUMBER: _ClassVar[int]
    peak_equity_money: str
    first_balance_money: str
    last_equity_money: str
    last_balance_money: str
    last_at: _timestamp_pb2.Timestamp
    cash_flow_total_money: str
    sequence: int
    last_deal: int
    last_credit_money: str
    def __init__(self, peak_equity_money: _Optional[str] = ..., first_balance_money: _Optional[str] = ..., last_equity_money: _Optional[str] = ..., last_balance_money: _Optional[str] = ..., last_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cash_flow_total_money: _Optional[str] = ..., sequence: _Optional[int] = ..., last_deal: _Optional[int] = ..., last_credit_money: _Optional[str] = ...) -> None: ...

class Binding(_message.Message):
    __slots__ = ("journal_id", "sequence", "created_at")
    JOURNAL_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    journal_id: str
    sequence: int
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, journal_id: _Optional[str] = ..., sequence: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DoneAnswer(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthAnswer(_message.Message):
    __slots__ = ("health",)
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    health: Health
    def __init__(self, health: _Optional[_Union[Health, _Mapping]] = ...) -> None: ...

class HealthsAnswer(_message.Message):
    __slots__ = ("answers",)
    class One(_message.Message):
        __slots__ = ("account", "health", "why_not")
        ACCOUNT_FIELD_NUMBER: _ClassVar[int]
        HEALTH_FIELD_NUMBER: _ClassVar[int]
        WHY_NOT_FIELD_NUMBER: _ClassVar[int]
        account: str
        health: Health
        why_not: str
        def __init__(self, account: _Optional[str] = ..., health: _Optional[_Union[Health, _Mapping]] = ..., why_not: _Optional[str] = ...) -> None: ...
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[HealthsAnswer.One]
    def __init__(self, answers: _Optional[_Iterable[_Union[HealthsAnswer.One, _Mapping]]] = ...) -> None: ...

class ReadingAnswer(_message.Message):
    __slots__ = ("reading",)
    READING_FIELD_NUMBER: _ClassVar[int]
    reading: Reading
    def __init__(self, reading: _Optional[_Union[Reading, _Mapping]] = ...) -> None: ...

class ReadingsAnswer(_message.Message):
    __slots__ = ("answers",)
    class One(_message.Message):
        __slots__ = ("account", "reading", "why_not")
        ACCOUNT_FIELD_NUMBER: _ClassVar[int]
        READING_FIELD_NUMBER: _ClassVar[int]
        WHY_NOT_FIELD_NUMBER: _ClassVar[int]
        account: str
        reading: Reading
        why_not: str
        def __init__(self, account: _Optional[str] = ..., reading: _Optional[_Union[Reading, _Mapping]] = ..., why_not: _Optional[str] = ...) -> None: ...
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[ReadingsAnswer.One]
    def __init__(self, answers: _Optional[_Iterable[_Union[ReadingsAnswer.One, _Mapping]]] = ...) -> None: ...

class InstrumentAnswer(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: Instrument
    def __init__(self, instrument: _Optional[_Union[Instrument, _Mapping]] = ...) -> None: ...

class QuoteAnswer(_message.Message):
    __slots__ = ("quote",)
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    quote: Quote
    def __init__(self, quote: _Optional[_Union[Quote, _Mapping]] = ...) -> None: ...

class PositionsAnswer(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ...) -> None: ...

class OrdersAnswer(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[RestingOrder]
    def __init__(self, orders: _Optional[_Iterable[_Union[RestingOrder, _Mapping]]] = ...) -> None: ...

class DealsAnswer(_message.Message):
    __slots__ = ("deals",)
    DEALS_FIELD_NUMBER: _ClassVar[int]
    deals: _containers.RepeatedCompositeFieldContainer[Deal]
    def __init__(self, deals: _Optional[_Iterable[_Union[Deal, _Mapping]]] = ...) -> None: ...

class CheckAnswer(_message.Message):
    __slots__ = ("check",)
    CHECK_FIELD_NUMBER: _ClassVar[int]
    check: Check
    def __init__(self, check: _Optional[_Union[Check, _Mapping]] = ...) -> None: ...

class OutcomeAnswer(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: Outcome
    def __init__(self, outcome: _Optional[_Union[Outcome, _Mapping]] = ...) -> None: ...

class MemoryAnswer(_message.Message):
    __slots__ = ("memory",)
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    memory: GuardMemory
    def __init__(self, memory: _Optional[_Union[GuardMemory, _Mapping]] = ...) -> None: ...

class BindingAnswer(_message.Message):
    __slots__ = ("binding",)
    BINDING_FIELD_NUMBER: _ClassVar[int]
    binding: Binding
    def __init__(self, binding: _Optional[_Union[Binding, _Mapping]] = ...) -> None: ...
