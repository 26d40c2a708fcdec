"""The vendor's group masks."""

import pytest

from mt5fleet.simulator.host.masks import matches


@pytest.mark.parametrize(
    ("group", "name", "belongs"),
    [
        ("EURUSD", "EURUSD", True),
        ("EUR", "EURUSD", False),
        ("*EUR*", "EURUSD", True),
        ("*USD", "EURUSD", True),
        ("*", "anything", True),
        ("*,!EUR", "EURUSD", True),  # excludes only a symbol named EUR
        ("*,!EUR*", "EURUSD", False),
        ("!EUR*,*", "EURUSD", False),
        ("!GBP*", "EURUSD", False),  # exclusions alone match nothing
        ("*usd", "EURUSD", False),
        ("GBPUSD, EURUSD", "EURUSD", True),
        ("", "EURUSD", False),
        ("EURUS?", "EURUSD", False),
        ("EUR[U]SD", "EURUSD", False),
    ],
)
def test_mask_matches_as_the_vendor_does(group: str, name: str, belongs: bool) -> None:
    assert matches(group, name) is belongs
