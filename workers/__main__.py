"""`python -m workers up` runs a whole fleet on this machine; `attached` runs one part of it."""

import sys

from workers import attached

USAGE = """usage: python -m workers up [--help]
       python -m workers attached MODULE [ARGUMENT ...]   (used by `up` for each part)"""
EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    """Run the command; a part never comes back here."""
    match arguments:
        case ["up", *options]:
            # Loaded here: a part must not pay for what only the supervisor needs.
            from workers import up  # noqa: PLC0415

            return up.main(options)
        case ["attached", module, *rest]:
            attached.run([module, *rest])
            return 0
        case _:
            sys.stderr.write(USAGE + "\n")
            return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
