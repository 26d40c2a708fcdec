"""The public programs that are run on the simulator: written by other people for the real module, pinned.

None of their code is in this repository; `obtaining.py` fetches the published packages.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One published package, and what of it is run.

    `steps` names a file in `exercises/`; `own_tests` are pytest arguments in its source package.
    `commit`: it is run from a checkout of that commit, because its package comes without what is run.
    `faults` maps a text in the name or the message of a failure to why it is the program's own doing, and
    would be the same on a real terminal.
    """

    name: str
    version: str
    about: str
    page: str
    licence: str
    steps: str | None = None
    own_tests: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # beyond what its package asks for
    commit: str = ""
    remark: str = ""  # what a reader of the page must know
    settings: dict[str, str] = field(
        default_factory=dict
    )  # files it reads where it is started, and their text
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"


_AIOMQL_FAULTS = {
    "does not have the attribute 'signal'": "its tests patch a name that its executor no longer has",
    "float can't be used in 'await'": "its trader awaits a function that is not asynchronous",
    "MagicMock can't be used in 'await'": "its test replaces an asynchronous function by a plain one",
    "test_bot_integration": "an earlier test of its leaves its shut-down flag set; each passes alone",
    "remove_closed() missing 1 required": "its test calls a method without the object",
    "'NoneType' object is not iterable": "it leaves `position=0` (a deposit's) out and asks without a filter",
    "isinstance(100, float)": "with 10,000 and more of free margin it gives its own integer limit back",
    "AnalysisIndicators object": "its test compares two objects that it makes anew each time",
    "assert 12345 in {}": "its own state, without a terminal",
    "'absolute_timeout'": "its test gives an argument that its queue no longer takes",
    "There is no current event loop": "its test asks for a loop where none runs",
}

PROGRAMS: tuple[Program, ...] = (
    Program(
        name="mqpy",
        version="0.6.11",
        about="expert advisors in Python",
        page="https://github.com/Joaopeuko/Mql5-Python-Integration",
        licence="MIT",
        own_tests=("tests",),
        needs=("numpy",),
    ),
    Program(
        name="mt5-trading-mcp",
        version="1.6.1",
        about="guarded trading tools for assistants",
        page="https://github.com/vincentwongso/mt5-trading-mcp",
        licence="MIT",
        steps="use_mt5_trading_mcp.py",
        own_tests=("tests/integration", "-m", "integration"),
        needs=("numpy", "mcp<2"),  # it was written for the first major version
    ),
    Program(
        name="metatrader-mcp-server",
        version="0.5.1",
        about="client library, MCP tools and web routes",
        page="https://github.com/ariadng/metatrader-mcp-server",
        licence="MIT",
        steps="use_metatrader_mcp_server.py",
    ),
    Program(
        name="mcp-metatrader5-server",
        version="0.1.7",
        about="MCP tools close to the module",
        page="https://github.com/Qoyyuum/mcp-metatrader5-server",
        licence="MIT",
        steps="use_mcp_metatrader5_server.py",
        remark="its order tool cannot name a position, so `modify` must be refused and `close` must open an "
        "opposite position; it names the dates of a history, which the module refuses (its issue 86)",
        needs=("pydantic<2.12", "mcp<2"),  # the versions of its time, which the fastmcp it pins works with
    ),
    Program(
        name="pdmt5",
        version="1.2.3",
        about="tables (pandas) of a terminal's answers",
        page="https://github.com/dceoy/pdmt5",
        licence="MIT",
        steps="use_pdmt5.py",
        needs=("numpy",),
    ),
    Program(
        name="mt5cli",
        version="1.7.1",
        about="command line for export and orders",
        page="https://github.com/dceoy/mt5cli",
        licence="MIT",
        steps="use_mt5cli.py",
        needs=("numpy",),
    ),
    Program(
        name="mt5api",
        version="1.0.6",
        about="web service over one terminal",
        page="https://github.com/dceoy/mt5api",
        licence="MIT",
        steps="use_mt5api.py",
        remark="it checks orders and sends none",
        needs=("numpy", "httpx"),
    ),
    Program(
        name="pymt5adapter",
        version="0.4.4",
        about="Pythonic adapter of 2020",
        page="https://github.com/nicholishen/pymt5adapter",
        licence="MIT",
        steps="use_pymt5adapter.py",
        needs=("numpy",),
    ),
    Program(
        name="aiomql",
        version="4.1.2",
        about="asynchronous trading framework with bots; it asks for Python 3.13",
        page="https://github.com/Ichinga-Samuel/aiomql",
        licence="MIT",
        commit="1aadf1aac4536faa1efba6dfbcf634924752ede5",
        remark="its package has no tests: run from a checkout of commit 1aadf1a, `--checkout aiomql=FOLDER`",
        own_tests=("-c", "tests/pytest.ini", "--rootdir=tests", "tests/live"),
        needs=("numpy", "pandas>=3.0.1", "mplfinance", "six", "pytest-asyncio>=1.3"),
        settings={"aiomql.json": '{"login": 12345678, "password": "sim-pass", "server": "Sim-Demo"}'},
        faults=_AIOMQL_FAULTS,
    ),
)
