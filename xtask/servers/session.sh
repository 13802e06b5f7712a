#!/bin/bash
# session.sh COMMAND...: runs COMMAND with WINDLASS_LIVE_SESSION, a fresh directory for daemons. However COMMAND ends,
# by itself or by a signal to this script, what it started is ended, and the directory is removed.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
session=$(mktemp -d /tmp/windlass-live.XXXXXX)
chmod 0711 "$session"
job=

finish() {
  trap '' INT TERM HUP
  # The whole process group: cargo, the tests, what they run.
  [ -z "$job" ] || kill -TERM -- "-$job" 2>/dev/null && sleep 0.5 && kill -KILL -- "-$job" 2>/dev/null || true
  local lab
  for lab in "$session"/*/lab; do
    [ ! -d "$lab" ] || bash "$here/incus.sh" down "$(dirname "$lab")" || true
  done
  rm -rf --one-file-system "$session"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Job control gives COMMAND a process group of its own, so that Ctrl-C reaches this script alone.
set -m
WINDLASS_LIVE_SESSION=$session "$@" </dev/null &
job=$!
set +m
wait "$job"
