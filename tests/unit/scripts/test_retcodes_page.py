"""The page of return codes is what the code's tables say."""

from mt5fleet.adapters.mt5.codes import LastError
from mt5fleet.adapters.mt5.retcodes import RETCODES
from mt5fleet.simulator.codes import Retcode
from scripts.conformance.retcodes import PAGE, SILENCE_TEXTS, page


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.conformance.retcodes"


def test_every_code_the_simulator_can_answer_has_its_row() -> None:
    codes = {code for code in Retcode if code is not Retcode.OK}  # OK is order_check's, not an answer

    assert codes == set(RETCODES)


def test_every_last_error_of_the_gateway_has_its_row() -> None:
    assert set(SILENCE_TEXTS) == set(LastError)


def test_rows_name_code_meaning_and_what_may_have_happened() -> None:
    rows = {row.split(" | ")[0].strip("| "): row for row in page().splitlines() if row.startswith("| ")}

    assert "| DONE | Request executed | yes |" in rows["10009"]
    assert "| REQUOTE | Requote | no |" in rows["10004"]
    assert "| TIMEOUT | Request timeout | unknown |" in rows["10012"]
    assert "| no |" in rows["-8"]
    assert "| unknown |" in rows["-10002"]
