#!/bin/bash
# A private Incus cluster of three members on this machine, for the live tests. Needs what `incus.sh install-6`, and for
# 7.0 `install-7`, installs.
#
#   incus-cluster.sh up DIR      start members n1, n2 and n3 in DIR/n1 … (below /tmp), with a pool and an image `busybox`
#   incus-cluster.sh down DIR    delete the cluster's instances, end all three, remove DIR
#
# Each member is a daemon by incus.sh, with a free port of 127.0.0.1 for its HTTPS listener (DIR/nN/lab/address).
# WINDLASS_LIVE_INCUS_GENERATION chooses 6.0 (default) or 7.0.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
members=(n1 n2 n3)

say() { echo "incus-cluster.sh: $*" >&2; }
die() { say "$@"; exit 1; }

recipe() { bash "$here/incus.sh" "$@"; }

# A command of the CLI for one member.
cli() {
  local dir=$1
  shift
  INCUS_DIR=$dir INCUS_CONF=$dir/lab/cli timeout 90 incus "$@"
}

# A free port. Below the range that the kernel takes ports for clients from.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

bare_daemon() { WINDLASS_LIVE_INCUS_BARE=1 recipe up "$1"; }

# Turns a standalone server into the first member.
bootstrap() {
  local dir=$1 address=$2
  cli "$dir" admin init --preseed <<YAML || return
config: {core.https_address: "$address"}
storage_pools: [{name: default, driver: dir}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: default}}}]
cluster: {enabled: true, server_name: n1}
YAML
  recipe image "$dir/lab/busybox.tar.gz" &&
    cli "$dir" image import "$dir/lab/busybox.tar.gz" --alias busybox </dev/null >/dev/null
}

# Makes a bare server a member, by a token of the first one.
join() {
  local first=$1 name=$2 dir=$3 address=$4 token
  token=$(cli "$first" cluster add "$name" --quiet </dev/null | tail -n 1)
  cli "$dir" admin init --preseed <<YAML
cluster:
  enabled: true
  server_name: $name
  server_address: "$address"
  cluster_token: "$token"
  member_config: [{entity: storage-pool, name: default, key: source, value: ""}]
YAML
}

up_member() {
  local top=$1 name=$2 dir=$1/$2 address
  address=127.0.0.1:$(free_port)
  bare_daemon "$dir" || return
  echo "$address" >"$dir/lab/address"
  if [ "$name" = n1 ]; then bootstrap "$dir" "$address"; else join "$top/n1" "$name" "$dir" "$address"; fi
}

up() {
  local top=$1 name
  case $top in /tmp/?*) ;; *) die "$top isn't below /tmp" ;; esac
  [ ! -e "$top" ] || die "$top exists"
  mkdir -p "$top"
  chmod 0711 "$top" # root inside a container must be able to go through
  for name in "${members[@]}"; do
    up_member "$top" "$name" || { down "$top"; die "no member $name in $top"; }
  done
}

# While all members live: the last ones can't delete anything, for want of a majority.
delete_instances() {
  local dir=$1/n1 project names
  for project in $(cli "$dir" project list -f csv -c n </dev/null | sed 's/ (current)//'); do
    names=$(cli "$dir" list --project "$project" -f csv -c n </dev/null)
    # shellcheck disable=SC2086
    [ -z "$names" ] || cli "$dir" delete -f --project "$project" $names </dev/null
  done
}

down() {
  local top=$1 name
  delete_instances "$top" || say "could not delete the instances of $top"
  for name in "${members[@]}"; do
    [ -e "$top/$name/lab/holder" ] || continue
    # A member alone doesn't stop in peace.
    recipe kill "$top/$name" 2>/dev/null || true
  done
  for name in "${members[@]}"; do
    [ ! -e "$top/$name/lab/holder" ] || recipe down "$top/$name"
  done
  rm -rf --one-file-system "$top"
}

[ "$(id -u)" = 0 ] || die "needs root"
case "${1:-} $#" in
  "up 2" | "down 2") "$@" ;;
  *) sed -n '5,6s/^# *//p' "$0" >&2; exit 2 ;;
esac
