import pytest
import redis
from redis.exceptions import BusyLoadingError, NoPermissionError, OutOfMemoryError, ResponseError

from mt5fleet.adapters.redis.connection import ANSWER_S, CONNECT_S, client_of
from mt5fleet.adapters.redis.ledger import RedisLedger, connect
from mt5fleet.adapters.redis.microtime import epoch_number, from_us, to_us
from mt5fleet.adapters.redis.store import int_of, known_error, listed, text_of
from mt5fleet.domain.errors import (
    Conflict,
    FleetError,
    InvalidTransition,
    LeaseLost,
    LedgerError,
    LedgerFull,
    LedgerUnavailable,
)
from tests.contract.ledger.rigs import START

SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"rediss://:{SECRET}@host/0?ssl_cert_reqs=none",
        f"rediss://:{SECRET}@host/0?ssl_cert_reqs=optional",
        f"rediss://:{SECRET}@host/0?ssl_check_hostname=false",
        f"http://:{SECRET}@host/0",
    ],
)
def test_url_without_verification_is_refused_with_the_rule_and_without_the_secret(url: str) -> None:
    with pytest.raises(ValueError, match=r"ledger\.url: .*(must)") as refused:
        connect(url)

    assert SECRET not in str(refused.value)


def test_tls_verifies_certificate_and_name_by_default() -> None:
    options = client_of("rediss://host:6380/0").connection_pool.connection_kwargs

    assert options["ssl_cert_reqs"] == "required"
    assert options["ssl_check_hostname"] is True


def test_every_wait_and_repeat_is_bounded() -> None:
    client = client_of("redis://host/0")
    options = client.connection_pool.connection_kwargs

    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (ANSWER_S, CONNECT_S)
    assert options["retry"]._retries == 1
    assert client.connection_pool.max_connections < 1_000
    assert redis.TimeoutError not in options["retry"]._supported_errors


def test_client_that_does_not_decode_is_refused() -> None:
    with pytest.raises(ValueError, match="decode_responses"):
        RedisLedger(redis.Redis())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ResponseError("MT5FLEET LEASE_LOST token 5 is not the newest any more"), LeaseLost),
        (ResponseError("MT5FLEET CONFLICT sequence 4"), Conflict),
        (ResponseError("MT5FLEET TRANSITION an order cannot move"), InvalidTransition),
        (ResponseError("MT5FLEET FULL the memory"), LedgerFull),
        (OutOfMemoryError("command not allowed"), LedgerFull),
        (ResponseError("-OOM command not allowed"), LedgerFull),
        (redis.ConnectionError("Connection refused"), LedgerUnavailable),
        (redis.TimeoutError("Timeout reading"), LedgerUnavailable),
        (BusyLoadingError("loading"), LedgerUnavailable),
        (ResponseError("MISCONF cannot write the append-only file"), LedgerUnavailable),
        (NoPermissionError("this user has no permissions"), LedgerUnavailable),
        (ResponseError("user_script:12: a bug"), LedgerUnavailable),
    ],
)
def test_error_of_the_client_says_what_is_known(error: redis.RedisError, kind: type[FleetError]) -> None:
    translated = known_error(error)

    assert type(translated) is kind
    assert "MT5FLEET" not in str(translated)


def test_answer_of_another_shape_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(LedgerError):
        listed("text")
    with pytest.raises(LedgerError):
        text_of(["list"])
    assert (int_of(None), int_of("7"), text_of(None), text_of(3)) == (0, 7, "", "3")


def test_microseconds_are_exact_both_ways() -> None:
    assert from_us(to_us(START)) == START
    assert to_us(from_us(1_795_363_382_215_337)) == 1_795_363_382_215_337
    assert float(to_us(START.replace(year=2200))) == to_us(START.replace(year=2200))


def test_epoch_number_grows_with_the_clock_and_without_it() -> None:
    assert epoch_number(0, to_us(START)) == to_us(START) - 1_577_836_800_000_000
    assert epoch_number(10**15, to_us(START)) == 10**15 + 1
