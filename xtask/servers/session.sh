#!/bin/bash
# session.sh COMMAND...: runs COMMAND with WINDLASS_LIVE_SESSION, a fresh directory for daemons. However COMMAND ends,
# by itself or by a signal to this script, what it started is ended, and the directory is removed.
set -uo pipefail

# Handlers that only note the signal: a second one can't cut the clean-up short.
stopped=
trap 'stopped=130' INT
trap 'stopped=143' TERM HUP

here=$(dirname "$(readlink -f "$0")")
session=$(mktemp -d /tmp/windlass-live.XXXXXX) || exit 1
chmod 0711 "$session"

# Ends the command's whole process group: cargo, the tests, what they run. An installation gets time to tidy up.
end_group() {
  kill -TERM -- "-$1" 2>/dev/null || return 0
  for _ in {1..150}; do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

# Takes down the daemons that are left.
end_daemons() {
  local lab
  for lab in "$session"/*/n1/lab; do
    [ ! -d "$lab" ] || bash "$here/incus-cluster.sh" down "$(dirname "$(dirname "$lab")")"
  done
  for lab in "$session"/*/lab; do
    [ ! -d "$lab" ] || bash "$here/incus.sh" down "$(dirname "$lab")"
  done
}

# Job control gives COMMAND a process group of its own, so that Ctrl-C reaches this script alone.
set -m
WINDLASS_LIVE_SESSION=$session "$@" </dev/null &
job=$!
set +m
status=0
[ -n "$stopped" ] || wait "$job" || status=$?

# From here on signals are ignored, by the commands below as well.
trap '' INT TERM HUP
end_group "$job"
end_daemons
rm -rf --one-file-system "$session"
exit "${stopped:-$status}"
