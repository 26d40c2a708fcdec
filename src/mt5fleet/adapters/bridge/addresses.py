"""Where the bridges of a fleet's file are reached, for workers and commands."""

from collections.abc import Mapping

from mt5fleet.adapters.bridge.gateway import BridgeAddress
from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.fleet_file import LOCAL_BRIDGE, BridgeTerms, FleetFile


def bridge_addresses(fleet: FleetFile, environ: Mapping[str, str]) -> dict[str, BridgeAddress]:
    """Where each bridge of the file is reached; raises InvalidValue for a missing token."""
    local = BridgeTerms.model_validate({}, context={"folder": fleet.folder})
    terms = {LOCAL_BRIDGE: local, **fleet.bridges}
    return {name: _bridge_address(one, environ) for name, one in terms.items()}


def _bridge_address(terms: BridgeTerms, environ: Mapping[str, str]) -> BridgeAddress:
    host, _, port = terms.reached_at.rpartition(":")
    token = bridge_token(terms.token, terms.journal_dir, environ)
    return BridgeAddress(host=host.strip("[]"), port=int(port), token=token)
