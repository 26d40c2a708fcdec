import json
from pathlib import Path

import pytest

from mt5fleet.adapters.mt5.retcodes import RETCODES, meaning, meaning_of_silence
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Retry

# TRADE_RETCODE_* of the MetaTrader5 package 5.0.6231, and 10046, which only MQL5 names.
DOCUMENTED = {
    10004, 10006, 10007, 10008, 10009, 10010, 10011, 10012, 10013, 10014, 10015, 10016, 10017, 10018, 10019,
    10020, 10021, 10022, 10023, 10024, 10025, 10026, 10027, 10028, 10029, 10030, 10031, 10032, 10033, 10034,
    10035, 10036, 10038, 10039, 10040, 10041, 10042, 10043, 10044, 10045, 10046,
}  # fmt: skip
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "mt5_constants.json"
EXECUTED = {10008, 10009, 10010, 10025}
DOUBT = {10011, 10012, 10031}
REPRICE = {10004, 10020}
DELAY = {10018, 10021, 10023, 10024, 10028, 10029, 10036, 10038, 10039}


def test_every_documented_code_has_its_row_and_no_other_has() -> None:
    assert set(RETCODES) == DOCUMENTED


@pytest.mark.skipif(not REFERENCE.exists(), reason="the vendor's list is not part of the repository")
def test_every_code_of_the_vendors_list_has_its_row() -> None:
    constants = json.loads(REFERENCE.read_text())
    listed = {value for name, value in constants.items() if name.startswith("TRADE_RETCODE_")}
    assert listed
    assert listed <= set(RETCODES)


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_a_code_says_whether_the_order_may_have_been_executed(code: int) -> None:
    judged = RETCODES[code]
    assert judged.may_have_executed is (code in EXECUTED | DOUBT)
    assert (judged.outcome is OrderState.IN_DOUBT) is (code in DOUBT)
    assert judged.sentence


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_only_what_was_not_executed_may_be_tried_again(code: int) -> None:
    expected = Retry.AFTER_REPRICE if code in REPRICE else Retry.AFTER_DELAY if code in DELAY else Retry.NEVER
    assert RETCODES[code].retry is expected
    assert (RETCODES[code].outcome is OrderState.NOT_SENT) is (code in REPRICE | DELAY)


@pytest.mark.parametrize("code", [0, 1, 9999, 10005, 10037, 10047, 20000])
def test_an_unknown_code_is_in_doubt(code: int) -> None:
    assert meaning(code).outcome is OrderState.IN_DOUBT
    assert str(code) in meaning(code).sentence


@pytest.mark.parametrize("code", [-2, -8])
def test_silence_that_the_terminal_explains_by_refusal_is_rejected(code: int) -> None:
    assert meaning_of_silence(code, "").outcome is OrderState.REJECTED


@pytest.mark.parametrize("code", [-10003, -10004])
def test_silence_without_a_connection_was_not_sent(code: int) -> None:
    assert meaning_of_silence(code, "").outcome is OrderState.NOT_SENT


@pytest.mark.parametrize("code", [1, 0, -1, -3, -4, -5, -6, -7, -10000, -10001, -10002, -10005, -99999])
def test_every_other_silence_is_in_doubt(code: int) -> None:
    assert meaning_of_silence(code, "text").outcome is OrderState.IN_DOUBT
