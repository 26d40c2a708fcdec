"""What `last_error` says of a call that gives nothing. Texts: the strings of the package 5.0.6231."""


class CallRefusedError(Exception):
    """The call has no result; carries what `last_error` shall say."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def call_failed() -> CallRefusedError:
    """The terminal could not do it; the reason is not told."""
    return CallRefusedError(-1, "Terminal: Call failed")


def invalid_parameters() -> CallRefusedError:
    """The terminal refused the values."""
    return CallRefusedError(-2, "Terminal: Invalid params")


def not_found() -> CallRefusedError:
    """No such symbol or ticket."""
    return CallRefusedError(-4, "Terminal: Not found")


def authorization_failed() -> CallRefusedError:
    """Unknown account, or wrong password or server."""
    return CallRefusedError(-6, "Terminal: Authorization failed")


def unsupported() -> CallRefusedError:
    """The terminal has no such function."""
    return CallRefusedError(-7, "Terminal: Unsupported function")


def api_disabled() -> CallRefusedError:
    """The terminal's option against Python is on; nothing was sent."""
    return CallRefusedError(-8, "Auto-Trading using Python API disabled in Terminal")


def terminal_not_found(path: str) -> CallRefusedError:
    """No terminal is installed at the path."""
    return CallRefusedError(-10003, f"IPC initialize failed, Process create failed '{path}'")


def no_connection() -> CallRefusedError:
    """Nobody is logged in over this connection."""
    return CallRefusedError(-10004, "No IPC connection")


def not_ready() -> CallRefusedError:
    """The terminal did not become ready in time."""
    return CallRefusedError(-10005, "IPC timeout")
