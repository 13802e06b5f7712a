#!/bin/bash
# Private Incus daemons for the live tests. Debian 12, root; systemd isn't needed.
#
#   incus.sh install-6        Incus 6.0 and its CLI from bookworm-backports, on this machine
#   incus.sh install-go       the vendor's Go library and a compiler for it, from bookworm-backports
#   incus.sh install-7 TREE   Incus 7.0 from trixie-backports, in a small Debian 13 tree of its own
#   incus.sh up DIR           start a daemon in DIR (below /tmp), with a pool, a profile and an image `busybox`
#   incus.sh down DIR         delete its instances, end all it started, remove DIR
#   incus.sh kill DIR         SIGKILL the daemon alone: its containers live on
#   incus.sh start DIR        start the daemon again, and wait until it answers
#   incus.sh image FILE       make the image `busybox`
#
# WINDLASS_LIVE_INCUS_GENERATION chooses what `up` starts: 6.0 (default) or 7.0.
# WINDLASS_LIVE_INCUS_HTTPS is a host and port where `up` has it listen for remote clients; nowhere without it.
# WINDLASS_INCUS7_TREE is where 7.0 lives; /var/cache/windlass/incus-7 without it.
# WINDLASS_LIVE_INCUS_BARE, if set, leaves out the pool, the profile and the image.
#
# A daemon and its containers run in a mount and a PID namespace of their own, whose first process is the "holder".
# So a daemon that restarts finds its mounts again, as on a real host; and the end of the holder is the end of them all.
set -euo pipefail

self=$(readlink -f "$0")
incusd=/usr/libexec/incus/incusd
host_suite=bookworm
tree_suite=trixie
tree=${WINDLASS_INCUS7_TREE:-/var/cache/windlass/incus-7}
scratch=

say() { echo "incus.sh: $*" >&2; }
die() { say "$@"; exit 1; }

# Runs a command quietly; when it fails, its output is the explanation.
quietly() {
  local log=$scratch/log
  "$@" >"$log" 2>&1 </dev/null && return 0
  say "failed: $*"
  tail -n 40 "$log" >&2
  return 1
}

# --- packages -------------------------------------------------------------------------------------------------------

need_host_suite() {
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
  [ "$codename" = "$host_suite" ] || die "can install on Debian 12 ($host_suite) only; this machine is '$codename'"
}

# The machine's own source of Debian packages with another suite: any mirror, any options, either file format.
# Writes $2.sources or $2.list.
derive_source() {
  local suite=$1 out=$2
  awk -v suite="$suite" -v host="$host_suite" '
    BEGIN { RS = ""; FS = "\n" }
    done || !/(^|\n)Types:[^\n]*deb/ || /(^|\n)Enabled: *no/ { next }
    $0 ~ "(^|\n)Suites:([^\n]* )?" host "( |\n|$)" {
      for (i = 1; i <= NF; i++) {
        if ($i ~ /^Suites:/) $i = "Suites: " suite
        if ($i ~ /^Components:/) $i = "Components: main"
        if ($i ~ /^Types:/) $i = "Types: deb"
        if ($i !~ /^#/) print $i
      }
      done = 1
    }' /dev/null $(ls /etc/apt/sources.list.d/*.sources 2>/dev/null) >"$out.sources"
  [ ! -s "$out.sources" ] || return 0
  rm -f "$out.sources"
  sed -nE "s/^(deb +(\[[^]]*\] +)?[^ ]+) +$host_suite +.*/\1 $suite main/p" \
    /dev/null $(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null) | head -n 1 >"$out.list"
  [ -s "$out.list" ] || die "no apt source for $host_suite in /etc/apt"
}

# The address and the keyring in what derive_source wrote.
source_uri() { cat "$1".* | grep -oE -m1 '[a-z+]+:/[^ ]+' | head -n 1; }
source_keyring() { cat "$1".* | sed -nE 's/.*[Ss]igned-[Bb]y[:=] *(\/[^] ,]+).*/\1/p' | head -n 1; }

# apt-get with package lists of our own, so that neither the machine's sources nor its lists change.
apt_own() {
  apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dir::State::Lists="$scratch/lists" \
    -o Dir::Etc::SourceParts="$scratch/parts" "$@"
}

own_lists() {
  [ ! -d "$scratch/lists" ] || return 0
  mkdir -p "$scratch/lists" "$scratch/parts"
  cp /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list "$scratch/parts/" 2>/dev/null || true
  grep -qs "$host_suite-backports" /etc/apt/sources.list "$scratch"/parts/* ||
    derive_source "$host_suite-backports" "$scratch/parts/windlass-backports"
  # A source that isn't Debian's may fail without harm: the install below tells.
  quietly apt_own update || say "going on with the lists that could be read"
}

installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }

# Installs those of the named packages that are missing, without starting any service.
install_packages() {
  local missing=() package
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  need_host_suite
  say "installing ${missing[*]}"
  own_lists
  forbid_services ""
  DEBIAN_FRONTEND=noninteractive quietly apt_own install --no-install-recommends -t "$host_suite-backports" \
    "${missing[@]}"
}

# Debian asks this file before it starts a service. $1: the root directory it belongs to.
forbid_services() {
  local policy=$1/usr/sbin/policy-rc.d
  [ ! -e "$policy" ] || return 0
  [ -n "$1" ] || touch "$scratch/made-policy"
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
}

# Unprivileged containers need a range of ids for root.
grant_ids() {
  local file
  for file in "$1/etc/subuid" "$1/etc/subgid"; do
    grep -qs '^root:' "$file" || echo root:1000000:1000000000 >>"$file"
  done
}

install-6() {
  # The CLI also prepares the 7.0 daemon; curl asks whether a daemon answers. Even for a bridge without addresses the
  # daemon starts dnsmasq, and iptables where nft doesn't work.
  install_packages incus-base incus-client dnsmasq-base iptables busybox-static uidmap curl ca-certificates
  grant_ids ""
  [ -x "$incusd" ] || die "no $incusd after the installation"
}

install-go() {
  install_packages golang-go golang-github-lxc-incus-dev
}

install-7() {
  local root=$1
  [ ! -x "$root$incusd" ] || return 0
  # Built beside and renamed: a tree that was interrupted is never taken for a whole one.
  [ ! -e "$root" ] || rmdir "$root" 2>/dev/null || die "$root exists, but has no Incus: remove it"
  need_host_suite
  install_packages debootstrap ca-certificates
  mkdir -p "$(dirname "$root")"
  unfinished=$(mktemp -d "$root.XXXXXX")
  say "building a Debian 13 tree in $root"
  # What the two steps mount is gone with their mount namespace.
  quietly unshare --mount bash "$self" build-tree "$unfinished"
  chmod 0755 "$unfinished"
  mv "$unfinished" "$root"
  unfinished=
}

# The proxies of apt.conf, for debootstrap, which doesn't read it.
export_proxies() {
  local scheme proxy
  for scheme in http https; do
    proxy=$(apt-config dump "Acquire::$scheme::Proxy" | sed -nE "s/^Acquire::$scheme::Proxy \"(.*)\";/\1/p")
    [ -z "$proxy" ] || [ "$proxy" = DIRECT ] || export "${scheme}_proxy=$proxy"
  done
}

build-tree() {
  local root=$1 keyring
  derive_source "$tree_suite" "$scratch/tree"
  keyring=$(source_keyring "$scratch/tree")
  (
    export_proxies
    debootstrap --variant=minbase --include=ca-certificates ${keyring:+--keyring="$keyring"} \
      "$tree_suite" "$root" "$(source_uri "$scratch/tree")"
  )
  copy_apt "$root" "$keyring"
  forbid_services "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  chroot "$root" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    -t "$tree_suite-backports" incus-base uidmap
  chroot "$root" apt-get clean
  grant_ids "$root"
}

# Gives the tree this machine's way to its packages.
copy_apt() {
  local root=$1 keyring=$2
  rm -f "$root/etc/apt/sources.list"
  derive_source "$tree_suite" "$root/etc/apt/sources.list.d/$tree_suite"
  derive_source "$tree_suite-backports" "$root/etc/apt/sources.list.d/$tree_suite-backports"
  cp -rL /etc/apt/apt.conf.d /etc/apt/auth.conf.d "$root/etc/apt/" 2>/dev/null || true
  cp -L /etc/apt/apt.conf /etc/apt/auth.conf "$root/etc/apt/" 2>/dev/null || true
  cp -L /etc/resolv.conf "$root/etc/"
  cp -L /etc/hosts "$root/etc/" 2>/dev/null || true
  cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null && chroot "$root" update-ca-certificates
  [ -z "$keyring" ] || [ -e "$root$keyring" ] || install -D -m 0644 "$keyring" "$root$keyring"
}

# --- a daemon -------------------------------------------------------------------------------------------------------

generation_of() { cat "$1/lab/generation"; }

# Runs a command inside the namespaces of the daemon in DIR.
inside() {
  local dir=$1 holder
  holder=$(cat "$dir/lab/holder")
  shift
  nsenter --mount="/proc/$holder/ns/mnt" --pid="/proc/$holder/ns/pid_for_children" \
    env INCUS_DIR="$dir" PATH=/usr/libexec/incus:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# The first process of the namespaces: makes them ready, then only stays.
hold() {
  local dir=$1
  mount --make-rprivate /
  if [ "$(generation_of "$dir")" = 6.0 ]; then mount -t proc proc /proc; else enter_tree "$dir"; fi
  touch "$dir/lab/ready"
  while :; do sleep 3600; done
}

# The Debian 13 tree becomes /; DIR keeps its path.
enter_tree() {
  local dir=$1
  mount --bind "$tree" "$tree"
  # On a file system in memory, so that the tree stays as it is.
  mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
  mount -t tmpfs -o mode=0755 tmpfs "$tree/run"
  mkdir -p "$tree$dir"
  chmod 0711 "$tree$(dirname "$dir")"
  mount --bind "$dir" "$tree$dir"
  mount -t proc proc "$tree/proc"
  mount --rbind /sys "$tree/sys"
  mount --rbind /dev "$tree/dev"
  mkdir "$tree/tmp/.old"
  cd "$tree"
  pivot_root . tmp/.old
  umount -l /tmp/.old
  rmdir /tmp/.old
  PATH=/usr/sbin:/usr/bin:/sbin:/bin
}

# A command of the CLI for the daemon in DIR.
cli() {
  local dir=$1
  shift
  INCUS_DIR=$dir INCUS_CONF=$dir/lab/cli timeout 90 incus "$@" </dev/null
}

answers() { curl -fs --noproxy '*' --max-time 2 --unix-socket "$1/unix.socket" http://incus/1.0; }

# Waits for a condition, at most $1 tenths of a second.
within() {
  local tenths=$1
  shift
  while ! "$@" >/dev/null 2>&1; do
    [ $((tenths -= 1)) -gt 0 ] || return 1
    sleep 0.1
  done
}

start() {
  local dir=$1
  inside "$dir" true || die "no lab in $dir"
  # A proxy that is dead: the daemon would look for images on the internet. `$$` stays the same over exec.
  HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.0/8,localhost \
    setsid bash "$self" inside "$dir" sh -c 'echo $$ >"$INCUS_DIR/lab/pid"; exec "$0" --logfile "$INCUS_DIR/incusd.log"' \
    "$incusd" </dev/null >>"$dir/lab/output" 2>&1 &
  local launcher=$!
  started_or_dead() { answers "$dir" || ! kill -0 "$launcher"; }
  within 600 started_or_dead || true
  answers "$dir" >/dev/null && cli "$dir" admin waitready --timeout 60 && return 0
  say "the daemon in $dir did not start:"
  tail -n 30 "$dir/lab/output" "$dir/incusd.log" >&2 || true
  return 1
}

daemon_alive() { inside "$1" sh -c 'kill -0 "$(cat "$INCUS_DIR/lab/pid")"' 2>/dev/null; }
daemon_dead() { ! daemon_alive "$1"; }

kill_daemon() {
  local dir=$1
  inside "$dir" sh -c 'kill -9 "$(cat "$INCUS_DIR/lab/pid")"'
  within 100 daemon_dead "$dir" || die "the daemon in $dir survives SIGKILL"
}

# A container image of one file and its links, about 1 MB.
image() {
  local out=$1 root=$scratch/image busybox applet
  busybox=$(command -v busybox)
  mkdir -p "$root"/rootfs/{bin,sbin,etc,proc,sys,dev,root,tmp,run,usr/bin,var/log}
  cp "$busybox" "$root/rootfs/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/rootfs/bin/$applet"
  done
  ln -sf ../bin/busybox "$root/rootfs/sbin/init"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/rootfs/etc/passwd"
  echo 'root:x:0:' >"$root/rootfs/etc/group"
  # Not `askfirst` nor a getty: nothing may read the console. LXC's SIGPWR makes busybox power off.
  printf '::sysinit:/bin/true\n::shutdown:/bin/true\n::respawn:/bin/sleep 1000000\n' >"$root/rootfs/etc/inittab"
  printf '%s\n' "architecture: $(uname -m)" 'creation_date: 1700000000' 'properties:' '  os: busybox' \
    '  release: test' '  description: busybox test' >"$root/metadata.yaml"
  tar -C "$root" -czf "$out" metadata.yaml rootfs
}

prepare() {
  local dir=$1 project
  [ -z "${WINDLASS_LIVE_INCUS_BARE:-}" ] || return 0
  INCUS_DIR=$dir INCUS_CONF=$dir/lab/cli incus admin init --preseed <<YAML || return
config: {core.https_address: "${WINDLASS_LIVE_INCUS_HTTPS:-}"}
storage_pools: [{name: default, driver: dir}, {name: second, driver: dir}]
profiles: [{name: default, devices: {root: {type: disk, path: /, pool: default}}}]
YAML
  image "$dir/lab/busybox.tar.gz" || return
  cli "$dir" image import "$dir/lab/busybox.tar.gz" --alias busybox >/dev/null || return
  # One for what acts on a whole project, one for its neighbours.
  for project in bulk other; do
    cli "$dir" project create "$project" -c features.images=false -c features.profiles=false >/dev/null || return
  done
}

up() {
  local dir=$1 generation=${WINDLASS_LIVE_INCUS_GENERATION:-6.0}
  case $generation in 6.0 | 7.0) ;; *) die "no generation '$generation': 6.0 or 7.0" ;; esac
  case $dir in /tmp/?*) ;; *) die "$dir isn't below /tmp" ;; esac
  [ ! -e "$dir/lab" ] || die "$dir is in use"
  mkdir -p "$dir/lab/cli"
  chmod 0711 "$dir" # root inside a container must be able to go through
  echo "$generation" >"$dir/lab/generation"
  echo '{}' >"$dir/lab/cli/config.yml" # without it the CLI greets a newcomer
  setsid unshare --mount --pid --fork --kill-child bash "$self" hold "$dir" </dev/null >"$dir/lab/output" 2>&1 &
  echo $! >"$dir/lab/holder"
  disown # its end, by SIGKILL, is no news
  if ! within 100 test -e "$dir/lab/ready"; then
    cat "$dir/lab/output" >&2
    down "$dir"
    die "no namespaces for $dir"
  fi
  if ! { start "$dir" && is_generation "$dir" "$generation" && prepare "$dir"; }; then
    down "$dir"
    die "no Incus $generation in $dir"
  fi
}

is_generation() {
  [[ $(answers "$1") == *"\"server_version\":\"$2"* ]] || { say "the daemon in $1 isn't Incus $2"; return 1; }
}

# Instances are deleted by their daemon, so that their control groups go as well.
delete_instances() {
  local dir=$1 project names
  for project in $(cli "$dir" project list -f csv -c n | sed 's/ (current)//'); do
    names=$(cli "$dir" list --project "$project" -f csv -c n)
    # shellcheck disable=SC2086
    [ -z "$names" ] || cli "$dir" delete -f --project "$project" $names
  done
}

has_instances() { [ -n "$(ls "$1/containers" 2>/dev/null)" ]; }

stop_daemon() {
  local dir=$1
  delete_instances "$dir"
  cli "$dir" admin shutdown --timeout 30 >/dev/null
  within 100 daemon_dead "$dir"
}

holder_gone() { ! kill -0 "$1" 2>/dev/null; }

down() {
  local dir=$1 holder
  [ -e "$dir/lab/holder" ] || die "no lab in $dir"
  holder=$(cat "$dir/lab/holder")
  if kill -0 "$holder" 2>/dev/null; then
    # A test may have left it dead, with containers that live.
    if ! daemon_alive "$dir" && has_instances "$dir"; then start "$dir" || true; fi
    if daemon_alive "$dir"; then stop_daemon "$dir" || say "the daemon in $dir did not end in peace"; fi
    kill -9 "$holder"
    within 100 holder_gone "$holder" || die "process $holder survives SIGKILL"
  fi
  sweep_groups "$dir"
  remove "$dir"
}

# Control groups that a container left because it could not be stopped cleanly. rmdir spares those that are in use.
sweep_groups() {
  local container name
  for container in "$1"/containers/*; do
    name=${container##*/}
    find /sys/fs/cgroup -depth -type d \( -path "*/lxc.payload.$name*" -o -path "*/lxc.monitor.$name*" \) \
      -exec rmdir {} + 2>/dev/null || true
  done
}

# The last process of a namespace takes a moment to let go of its mounts.
remove() { within 50 rm -rf --one-file-system "$1" || die "could not remove $1"; }

# --------------------------------------------------------------------------------------------------------------------

finish() {
  trap '' INT TERM HUP
  [ ! -e "$scratch/made-policy" ] || rm -f /usr/sbin/policy-rc.d
  [ -z "$scratch" ] || rm -rf --one-file-system "$scratch"
  [ -z "${unfinished:-}" ] || rm -rf --one-file-system "$unfinished"
}

with_scratch() {
  scratch=$(mktemp -d)
  chmod 0755 "$scratch" # apt reads its lists as another user
  trap finish EXIT
  trap 'trap "" INT TERM HUP; exit 130' INT
  trap 'trap "" INT TERM HUP; exit 143' TERM HUP
}

main() {
  [ "$(id -u)" = 0 ] || die "needs root"
  case "${1:-} $#" in
    "install-6 1" | "install-go 1" | "install-7 2" | "build-tree 2" | "up 2" | "down 2" | "image 2") with_scratch; "$@" ;;
    "start 2" | "hold 2") "$@" ;;
    "kill 2") kill_daemon "$2" ;;
    "inside "*) "$@" ;;
    *) sed -n '4,11s/^# *//p' "$self" >&2; exit 2 ;;
  esac
}

main "$@"
