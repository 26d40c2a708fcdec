"""From the file of a bridge to its configuration: secrets read, and kept from the children."""

from collections.abc import Mapping
from dataclasses import replace

from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.bridge.settings import BridgeConfig, BridgeLimits, ChildConfig, TlsServer
from mt5fleet.bridge_file import BridgeAccountTerms, BridgeFile, BridgeSection
from mt5fleet.bridge_terms import BridgeTls
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.net_address import host_and_port
from mt5fleet.secret_source import resolve_secret
from mt5fleet.simulator.process import terminal_environment


def bridge_told(
    file: BridgeFile, environ: Mapping[str, str], hidden: frozenset[str] = frozenset()
) -> BridgeConfig:
    """The bridge as its file describes it; raises InvalidValue naming the field of the bridge's section.

    `hidden` names further variables that the children must not see. A password that cannot be read stops its
    own account only.
    """
    section = file.bridge
    host, port = host_and_port(section.listen)
    token = bridge_token(section.token, section.journal_dir, environ) if section.wants_token else None
    return BridgeConfig(
        name=section.name,
        host=host,
        port=port,
        token=token,
        tls=None if section.tls is None else _tls(section.tls),
        accounts=tuple(_child(name, one, section, environ) for name, one in sorted(file.accounts.items())),
        environment=_environment(file, environ, hidden),
        people_file=section.people_file,
        journal_dir=section.journal_dir,
        limits=replace(BridgeLimits(), **section.limits.model_dump(exclude_none=True)),
    )


def _tls(terms: BridgeTls) -> TlsServer:
    return TlsServer(cert_file=terms.cert_file, key_file=terms.key_file, client_ca_file=terms.client_ca_file)


def _child(
    name: str, terms: BridgeAccountTerms, section: BridgeSection, environ: Mapping[str, str]
) -> ChildConfig:
    password, refused = _password(name, terms, environ)
    return ChildConfig(
        account=name,
        server=terms.server,
        login=terms.login,
        mode=terms.mode,
        password=password,
        allow_real=terms.allow_real,
        foreign=terms.foreign,
        shadow=terms.shadow,
        terminal_path="" if terms.terminal_path is None else str(terms.terminal_path),
        visibility_lag_s=section.visibility_lag_s,
        settle_s=section.settle_s,
        unanswered_s=section.unanswered_s,
        quote_age_s_max=terms.quote_age_s_max,
        server_offset_s=terms.server_offset_s,
        refused=refused,
    )


def _password(name: str, terms: BridgeAccountTerms, environ: Mapping[str, str]) -> tuple[str, str]:
    """The password, or why there is none although the file names one."""
    if terms.password is None:
        return "", ""
    try:
        return resolve_secret(terms.password, environ), ""
    except InvalidValue as error:
        return "", f"accounts.{name}.{error}; put it there and start the bridge again"


def _environment(file: BridgeFile, environ: Mapping[str, str], hidden: frozenset[str]) -> dict[str, str]:
    """What the children see: no secret by name, and the drop-in module where there is a simulator."""
    secret = hidden | file.secret_variables()
    kept = {key: value for key, value in environ.items() if key not in secret}
    return kept if file.simulator is None else terminal_environment(file.simulator.address, kept)
