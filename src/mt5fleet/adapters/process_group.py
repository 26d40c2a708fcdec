"""How a process is started so that Ctrl-C in a console reaches its parent only."""

import subprocess
import sys
from typing import Any


# Any: subprocess and asyncio take these as keyword arguments of different types.
def own_group() -> dict[str, Any]:
    """What to start a process with: the parent then stops its processes in their order."""
    if sys.platform == "win32":
        group: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        group = {"start_new_session": True}
    return group
