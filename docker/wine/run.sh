#!/bin/bash
# run-bridge bridge: the bridge. run-bridge setup: the terminal alone, on a display that VNC shows.
set -euo pipefail

screen='-screen 0 1280x800x24 -nolisten tcp'
case "${1:-bridge}" in
    bridge)
        # shellcheck disable=SC1003  # Windows paths end words here
        exec xvfb-run -a -s "$screen" wine 'Z:\opt\python\python.exe' -m mt5fleet.cli.main \
            bridge serve --config 'Z:\etc\mt5fleet\bridge.toml'
        ;;
    setup)
        # shellcheck disable=SC2016  # the inner shell knows the display
        exec xvfb-run -a -s "$screen" bash -c \
            'x11vnc -quiet -bg -forever -nopw -display "$DISPLAY" -auth "$XAUTHORITY" && wine "C:\\terminal\\terminal64.exe"'
        ;;
    *)
        echo 'run-bridge: say "bridge" or "setup"' >&2
        exit 2
        ;;
esac
