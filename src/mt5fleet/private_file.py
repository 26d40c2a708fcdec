"""Files for the eyes of their owner only."""

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Create a file that only its owner can read, never opening it wider; raises FileExistsError and OSError.

    Windows keeps no such mode: there the folder's own permissions protect the file.
    """
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")
