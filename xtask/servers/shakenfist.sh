#!/bin/bash
# A real Shaken Fist API server on loopback, without a hypervisor: Debian, Python 3, as root or not.
#
#   shakenfist.sh install VERSION            what PyPI and Debian have, into a cache; nothing of it starts by itself
#   shakenfist.sh with VERSION COMMAND...    starts a fresh one-node cluster, runs COMMAND, takes the cluster down
#
# Real are the API below gunicorn, etcd, the event log, and the code that takes an instance through its states. Stand-ins
# are libvirt (stubs/), the network node and the agent in the guest (node.py). COMMAND finds the address in
# WINDLASS_LIVE_SHAKENFIST_URL and the version in WINDLASS_LIVE_SHAKENFIST_VERSION. Namespaces and keys: system/secret,
# demo/demokey, other/otherkey.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")/shakenfist
cache=${WINDLASS_SHAKENFIST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/windlass/shakenfist}
client_version=0.8.3

paths() {
  # The event log takes a dot in its path for the one before a month.
  venv=$cache/$(tr . _ <<<"$1")
  etcd=$cache/etcd/usr/bin/etcd
}

install() {
  paths "$1"
  mkdir -p "$cache"
  if [ ! -x "$etcd" ]; then
    local packages
    packages=$(mktemp -d)
    # Unpacked, not installed: no service starts.
    (cd "$packages" && apt-get -qq download etcd-server)
    dpkg-deb -x "$packages"/etcd-server_*.deb "$cache/etcd"
    rm -r "$packages"
  fi
  if ! command -v qemu-img >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-utils ||
      { echo "needs qemu-img: apt-get install qemu-utils" >&2; return 1; }
  fi
  if [ ! -e "$venv/complete" ]; then
    python3 -m venv --clear "$venv" ||
      { echo "needs python3-venv: apt-get install python3-venv" >&2; return 1; }
    "$venv/bin/pip" install --quiet --disable-pip-version-check "shakenfist==$1" "shakenfist-client==$client_version"
    touch "$venv/complete"
  fi
}

children=()
end() {
  local child
  for child in "${children[@]}"; do
    kill -TERM -- "-$child" 2>/dev/null || true
  done
  for child in "${children[@]}"; do
    for _ in {1..50}; do
      kill -0 -- "-$child" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$child" 2>/dev/null || true
  done
  rm -rf --one-file-system "$run"
}

# begin NAME COMMAND...: in the background, in a process group of its own.
begin() {
  local log=$run/$1.log
  shift
  set -m
  (cd "$run" && exec "$@") </dev/null >"$log" 2>&1 &
  children+=($!)
  set +m
}

# until_answers NAME URL
until_answers() {
  for _ in {1..300}; do
    if python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=5)' "$2" 2>/dev/null; then
      return 0
    fi
    sleep 0.1
  done
  echo "$1 doesn't start:" >&2
  tail -n 20 "$run"/*.log >&2
  return 1
}

with() {
  local version=$1
  paths "$version"
  shift
  local port
  for port in 2379 2380 13000 13003; do
    if python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then
      echo "port $port is taken" >&2
      return 1
    fi
  done
  run=$(mktemp -d "${TMPDIR:-/tmp}/windlass-shakenfist-XXXXXX")
  trap end EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP

  export SHAKENFIST_ETCD_HOST=127.0.0.1 SHAKENFIST_NODE_NAME=localhost
  export SHAKENFIST_AUTH_SECRET_SEED=only-on-loopback-only-on-loopback
  export SHAKENFIST_NODE_MESH_IP=127.0.0.1 SHAKENFIST_NODE_EGRESS_IP=127.0.0.1
  export SHAKENFIST_NETWORK_NODE_IP=127.0.0.1 SHAKENFIST_EVENTLOG_NODE_IP=127.0.0.1
  export SHAKENFIST_NODE_IS_HYPERVISOR=1 SHAKENFIST_NODE_IS_NETWORK_NODE=1
  export SHAKENFIST_NODE_IS_EVENTLOG_NODE=1 SHAKENFIST_NODE_IS_ETCD_MASTER=1
  export SHAKENFIST_STORAGE_PATH=$run/store SHAKENFIST_API_PORT=13000
  export WINDLASS_DOMAINS=$run/domains WINDLASS_GUESTS=$run/guests PYTHONDONTWRITEBYTECODE=1
  mkdir -p "$SHAKENFIST_STORAGE_PATH" "$WINDLASS_DOMAINS" "$WINDLASS_GUESTS"
  cp "$venv"/share/shakenfist/templates/*.tmpl "$SHAKENFIST_STORAGE_PATH"

  begin etcd "$etcd" --data-dir "$run/etcd" \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
    --initial-cluster default=http://127.0.0.1:2380
  until_answers etcd http://127.0.0.1:2379/health
  local python=("$venv/bin/python")
  PYTHONPATH=$here/stubs begin events "${python[@]}" "$here/events.py"
  PYTHONPATH=$here/stubs "${python[@]}" "$here/bootstrap.py" >"$run/bootstrap.log" 2>&1 ||
    { cat "$run/bootstrap.log" >&2; return 1; }
  PYTHONPATH=$here/stubs begin node "${python[@]}" "$here/node.py"
  PYTHONPATH=$here/stubs begin api "$venv/bin/gunicorn" --workers 4 --timeout 30 --bind 127.0.0.1:13000 \
    shakenfist.external_api.app:app
  until_answers "the API" http://127.0.0.1:13000/
  local status=0
  WINDLASS_LIVE_SHAKENFIST_URL=http://127.0.0.1:13000 WINDLASS_LIVE_SHAKENFIST_VERSION=$version \
    WINDLASS_SHAKENFIST_PYTHON=$venv/bin/python "$@" || status=$?
  [ "$status" = 0 ] || tail -n 5 "$run"/*.log >&2
  return "$status"
}

case ${1:-} in
  install | with) "$@" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
