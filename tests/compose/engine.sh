#!/usr/bin/env bash
# A Docker engine with Compose v2, on a machine that has neither a running daemon nor systemd.
#
#   engine.sh start    use the engine that answers; else install Debian's docker.io and start dockerd by hand
#   engine.sh stop     stop the dockerd that `start` started, and remove its bridges and firewall rules
#   engine.sh env      print the exports with which `docker` and `docker compose` reach that engine
#   engine.sh status   say which engine answers
#
# ENGINE_DIR       data root, pid file, log and Compose plugin (default: var/docker in this checkout)
# ENGINE_TIMEOUT   seconds to wait for dockerd (default: 60)
# DEBIAN_MIRROR    default: http://deb.debian.org/debian
#
# Exit code 75 with one line on stderr: no engine can be had here, so a test should be skipped.

set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where a plain user does not look: dockerd, iptables, ip
ENGINE_DIR=$(realpath -m "${ENGINE_DIR:-$(dirname "$0")/../../var/docker}")
readonly ENGINE_DIR
# A unix socket's path has at most 107 bytes and a checkout may lie deep, so sockets have a short place of their own.
SOCKETS=/tmp/lockbox-engine-$(sha256sum <<<"$ENGINE_DIR" | cut -c -12)
readonly SOCKETS
readonly ENGINE_TIMEOUT=${ENGINE_TIMEOUT:-60}
readonly DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly OWN_HOST=unix://$SOCKETS/docker.sock
readonly OWN_CONFIG=$ENGINE_DIR/config
readonly PLUGIN=$OWN_CONFIG/cli-plugins/docker-compose
readonly PIDFILE=$ENGINE_DIR/docker.pid
readonly LOG=$ENGINE_DIR/dockerd.log
readonly NETWORK_BEFORE=$ENGINE_DIR/network-before
readonly EX_TEMPFAIL=75

say() { printf 'engine: %s\n' "$*" >&2; }

unavailable() {
    say "unavailable: $*"
    exit "$EX_TEMPFAIL"
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

can_be_root() { as_root true 2>/dev/null; }

# --- which engine ---------------------------------------------------------------------------------------------------

answers() { timeout 10 docker info >/dev/null 2>&1; }

own_answers() { [[ -O $SOCKETS && -S $SOCKETS/docker.sock ]] && DOCKER_HOST=$OWN_HOST answers; }

# Point this script at the engine: its own if that answers, else what the caller's environment names.
choose_engine() {
    if own_answers; then
        export DOCKER_HOST=$OWN_HOST
    else
        answers
    fi
}

own_pid() {
    local pid
    pid=$(cat "$PIDFILE" 2>/dev/null) || return 1
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]] || return 1
    echo "$pid"
}

# --- installing -----------------------------------------------------------------------------------------------------

apt_install() {
    command -v apt-get >/dev/null || unavailable "no engine answers, and there is no apt-get to install $* with"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 ||
        unavailable "apt-get update failed, so $* cannot be installed"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2 ||
        unavailable "apt-get could not install $*"
    hash -r
}

ensure_dockerd() {
    if ! command -v dockerd >/dev/null; then
        say "installing docker.io"
        apt_install docker.io
    fi
    # Debian 12 has the client inside docker.io, Debian 13 in docker-cli; a client that is already there stays first.
    command -v docker >/dev/null || apt_install docker-cli
}

# --- starting -------------------------------------------------------------------------------------------------------

# What is reached through a socket in a folder of somebody else's could be anything.
make_sockets_folder() {
    mkdir -m 0700 "$SOCKETS" 2>/dev/null || true
    [[ -O $SOCKETS && ! -L $SOCKETS ]] || unavailable "$SOCKETS belongs to somebody else"
}

has_nat() { as_root "$1" -t nat -S >/dev/null 2>&1; }

# Some kernels have only the legacy tables: then dockerd gets to see iptables-legacy under the name iptables.
iptables_flavour() { if ! has_nat iptables && has_nat iptables-legacy; then echo -legacy; fi; }

iptables_path() {
    local flavour shim=$ENGINE_DIR/iptables name
    flavour=$(iptables_flavour)
    [[ -n $flavour ]] || return 0
    mkdir -p "$shim"
    for name in iptables ip6tables; do ln -sf "$(command -v "$name$flavour")" "$shim/$name"; done
    echo "$shim:"
}

uplink_mtu() {
    local device
    device=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
    cat "/sys/class/net/${device:-lo}/mtu"
}

launch_dockerd() {
    local dockerd mtu
    local -a sudo=() options=(
        --data-root "$ENGINE_DIR/data" --exec-root "$SOCKETS/exec" --pidfile "$PIDFILE"
        --host "$OWN_HOST" --group "$(id -gn)"
    )
    dockerd=$(command -v dockerd)
    mtu=$(uplink_mtu)
    ((mtu >= 1500)) || options+=(--mtu "$mtu")
    say "starting $dockerd (log: $LOG)"
    ((EUID == 0)) || sudo=(sudo -n)
    # Not as_root: a function would put a shell between $! and dockerd.
    "${sudo[@]}" env PATH="$(iptables_path)$PATH" setsid "$dockerd" "${options[@]}" \
        </dev/null >"$LOG" 2>&1 9>&- &
}

# The reason in dockerd's own words, as one line.
last_error() { grep -aE 'level=(error|fatal)|^failed|rror' "$LOG" | tail -n 1 | cut -c -300; }

await_dockerd() {
    local dockerd_job=$1 deadline=$((SECONDS + ENGINE_TIMEOUT))
    until own_answers; do
        [[ -d /proc/$dockerd_job ]] || give_up "$dockerd_job" "dockerd has ended"
        ((SECONDS < deadline)) || give_up "$dockerd_job" "dockerd does not answer after $ENGINE_TIMEOUT s"
        sleep 0.2
    done
}

give_up() {
    as_root kill "$1" 2>/dev/null || true
    wait "$1" || true
    restore_network docker0
    unavailable "$2: $(last_error)"
}

dockerd_runs() { grep -qx dockerd /proc/[0-9]*/comm 2>/dev/null; }

# Systemd may be starting the one that was just installed. Two dockerds would fight over docker0.
await_running() {
    local deadline=$((SECONDS + 10))
    until choose_engine; do
        ((SECONDS < deadline)) || unavailable "a dockerd is running, but does not answer to $(id -un)"
        sleep 0.5
    done
}

start_own() {
    [[ $(uname -s) == Linux ]] || unavailable "no engine answers, and only on Linux can one be started"
    can_be_root || unavailable "no engine answers, and neither root nor passwordless sudo is at hand to start one"
    make_sockets_folder
    ensure_dockerd
    if dockerd_runs; then
        await_running
        return
    fi
    as_root rm -f "$PIDFILE" # left over from a crash; dockerd would take any live process for itself
    remember_network
    launch_dockerd
    await_dockerd "$!"
    export DOCKER_HOST=$OWN_HOST
}

# --- Compose --------------------------------------------------------------------------------------------------------

compose_works() { docker compose version >/dev/null 2>&1; }

use_own_config() {
    if [[ -x $PLUGIN ]]; then export DOCKER_CONFIG=$OWN_CONFIG; fi
}

# apt checks the index's signature and the package's SHA-256; nothing of the machine's own apt state is touched.
download_compose() {
    local workdir=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [[ -r $keyring ]] || apt_install debian-archive-keyring
    mkdir -p "$workdir"/{lists,cache,deb}
    echo "deb [signed-by=$keyring] $DEBIAN_MIRROR trixie main" >"$workdir/sources.list"
    local -a apt=(
        apt-get -qq -o "Dir::Etc::SourceList=$workdir/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$workdir/lists" -o "Dir::Cache=$workdir/cache"
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
        -o APT::Sandbox::User= -o Debug::NoLocking=true
    )
    "${apt[@]}" update >&2
    (cd "$workdir/deb" && "${apt[@]}" download docker-compose >&2)
}

install_compose() {
    command -v apt-get >/dev/null || unavailable "'docker compose' is missing, and there is no apt-get to fetch it with"
    say "fetching the Compose plugin of Debian 13"
    local workdir=$ENGINE_DIR/compose
    rm -rf "$workdir"
    download_compose "$workdir" || unavailable "the Compose plugin could not be fetched from $DEBIAN_MIRROR"
    mkdir -p "${PLUGIN%/*}"
    dpkg-deb --fsys-tarfile "$workdir"/deb/docker-compose_*.deb |
        tar -xO ./usr/libexec/docker/cli-plugins/docker-compose >"$PLUGIN.new"
    chmod 0755 "$PLUGIN.new"
    mv "$PLUGIN.new" "$PLUGIN"
    rm -rf "$workdir"
    keep_user_config
}

# DOCKER_CONFIG hides the user's own logins and contexts, so they are linked into it.
keep_user_config() {
    local theirs=${DOCKER_CONFIG:-$HOME/.docker} name
    for name in config.json contexts; do
        if [[ -e $theirs/$name && ! -e $OWN_CONFIG/$name ]]; then
            ln -s "$(realpath "$theirs/$name")" "$OWN_CONFIG/$name"
        fi
    done
}

ensure_compose() {
    use_own_config
    if ! compose_works; then
        install_compose
        use_own_config
    fi
    compose_works || unavailable "'docker compose version' fails"
}

# --- the machine's network, before and after ------------------------------------------------------------------------

forward_policy() { as_root "$1" -S FORWARD 2>/dev/null | awk '$1 == "-P" { print $3 }'; }

# Only where no other Docker has left its marks can ours be removed without doing harm.
remember_network() {
    local flavour
    if [[ -e /sys/class/net/docker0 || -e $NETWORK_BEFORE ]]; then return; fi
    flavour=$(iptables_flavour)
    {
        echo "ip_forward=$(cat /proc/sys/net/ipv4/ip_forward)"
        echo "flavour=$flavour"
        echo "iptables=$(forward_policy "iptables$flavour")"
        echo "ip6tables=$(forward_policy "ip6tables$flavour")"
    } >"$NETWORK_BEFORE"
}

own_bridges() {
    echo docker0
    timeout 10 docker --host "$OWN_HOST" network ls --no-trunc --quiet --filter driver=bridge 2>/dev/null |
        cut -c -12 | sed 's/^/br-/' || true
}

# Rewrites the tables without the lines that name Docker's chains and bridges, and with the old FORWARD policy.
remove_rules() {
    local command=$1 policy=$2
    [[ -n $policy ]] || return 0
    as_root "$command-save" 2>/dev/null |
        sed -E "/DOCKER|docker0|br-[0-9a-f]{12}/d; s/^:FORWARD [A-Z]+/:FORWARD $policy/" |
        as_root "$command-restore"
}

restore_network() {
    local bridge ip_forward='' flavour='' iptables='' ip6tables=''
    [[ -e $NETWORK_BEFORE ]] || return 0
    # shellcheck source=/dev/null
    source "$NETWORK_BEFORE"
    for bridge in "$@"; do as_root ip link delete "$bridge" 2>/dev/null || true; done
    remove_rules "iptables$flavour" "$iptables"
    remove_rules "ip6tables$flavour" "$ip6tables"
    echo "$ip_forward" | as_root tee /proc/sys/net/ipv4/ip_forward >/dev/null
    rm -f "$NETWORK_BEFORE"
}

# --- commands -------------------------------------------------------------------------------------------------------

start() {
    mkdir -p "$ENGINE_DIR"
    exec 9>"$ENGINE_DIR/lock"
    flock 9 # one start at a time; dockerd does not inherit it
    choose_engine || start_own
    ensure_compose
    status
}

stop() {
    local pid deadline=$((SECONDS + ENGINE_TIMEOUT))
    local -a bridges
    if ! pid=$(own_pid); then
        say "no dockerd of ours is running"
        return
    fi
    mapfile -t bridges < <(own_bridges)
    say "stopping dockerd ($pid)"
    as_root kill "$pid"
    while [[ -d /proc/$pid ]]; do
        ((SECONDS < deadline)) || { say "dockerd ($pid) has not stopped after $ENGINE_TIMEOUT s"; exit 1; }
        sleep 0.1
    done
    restore_network "${bridges[@]}"
    as_root rm -rf --one-file-system "$SOCKETS"
}

print_env() {
    choose_engine || unavailable "no engine answers; run: engine.sh start"
    use_own_config
    if [[ -n ${DOCKER_HOST:-} ]]; then printf 'export DOCKER_HOST=%q\n' "$DOCKER_HOST"; fi
    if [[ -n ${DOCKER_CONFIG:-} ]]; then printf 'export DOCKER_CONFIG=%q\n' "$DOCKER_CONFIG"; fi
}

status() {
    choose_engine || unavailable "no engine answers"
    use_own_config
    local engine compose
    engine=$(docker info --format '{{.ServerVersion}} ({{.Driver}}, cgroup v{{.CgroupVersion}})')
    compose=$(docker compose version --short 2>/dev/null || echo missing)
    say "engine $engine at ${DOCKER_HOST:-the default context}, compose $compose"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    env) print_env ;;
    status) status ;;
    *)
        sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
esac
