#!/usr/bin/env bash
# The base images of docker-compose.yml: pulled where a registry answers, else built here as stand-ins under the
# same names, from Debian packages and PyPI (see stand-ins/).
#
#   images.sh          get them
#   images.sh forget   take the official names off the stand-ins again; what was built stays, as stand-in/<name>
#
# IMAGES_DIR      cache of the Debian root file systems (default: var/images in this checkout)
# IMAGES_PULL     auto (pull if the registry answers), or never (default: auto)
# DEBIAN_MIRROR   default: http://deb.debian.org/debian
#
# Exit code 75 with one line on stderr: the images cannot be had here, so a test should be skipped.

set -euo pipefail

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where a plain user does not look: debootstrap, chroot
SELF=$(realpath "$0")
IMAGES_DIR=$(realpath -m "${IMAGES_DIR:-${SELF%/*}/../../var/images}")
readonly IMAGES_DIR SELF
readonly STAND_INS=${SELF%/*}/stand-ins
readonly IMAGES_PULL=${IMAGES_PULL:-auto}
readonly DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
readonly REGISTRY=https://registry-1.docker.io/v2/
readonly SERVICES=(python rabbitmq mongo mailpit) # in an order in which they build on each other
readonly EX_TEMPFAIL=75

say() { printf 'images: %s\n' "$*" >&2; }

unavailable() {
    say "unavailable: $*"
    exit "$EX_TEMPFAIL"
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

stand_ins() { docker compose --file "$STAND_INS/compose.yml" --project-name stand-ins "$@"; }

# The official name; the stand-in's own is stand-in/<official name>.
image_of() {
    awk -v "service=  $1:" '$0 == service { found = 1 } found && $1 == "image:" { print $2; exit }' \
        "$STAND_INS/compose.yml" | sed 's,^stand-in/,,'
}

label_of() { docker image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null; }

# --- pulling --------------------------------------------------------------------------------------------------------

# Any HTTP status will do (401 is usual); a daemon with mirrors may know better than a direct look.
registry_answers() {
    [[ $IMAGES_PULL != never ]] || return 1
    curl --silent --output /dev/null --connect-timeout 3 --max-time 5 "$REGISTRY" ||
        [[ $(docker info --format '{{json .RegistryConfig.Mirrors}}') == *://* ]]
}

pulled() { docker image inspect "$1" >/dev/null 2>&1 && [[ -z $(label_of "$1" stand-in) ]]; }

pull() {
    say "pulling $1"
    timeout 600 docker pull --quiet "$1" >/dev/null
}

# --- Debian root file systems ---------------------------------------------------------------------------------------

host_ca_bundle() {
    local file
    for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        if [[ -r $file ]]; then
            echo "$file"
            return
        fi
    done
    echo /dev/null
}

# Those of the host's certificate authorities that Debian does not know (a TLS-inspecting proxy's) become local ones.
add_host_authorities() {
    local root=$1 directory=$1/usr/local/share/ca-certificates
    awk -v prefix="$directory/host-" '
        /-----BEGIN CERTIFICATE-----/ { body = ""; inside = 1; next }
        /-----END CERTIFICATE-----/ {
            inside = 0
            if (FILENAME == ARGV[1]) known[body] = 1
            else if (!(body in known)) {
                known[body] = 1
                count += 1
                file = prefix count ".crt"
                printf "-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n", body > file
            }
        }
        inside { gsub(/[\r ]/, ""); body = body $0 "\n" }
    ' "$root/etc/ssl/certs/ca-certificates.crt" "$(host_ca_bundle)"
    chroot "$root" update-ca-certificates >/dev/null 2>&1 # it warns of its own bundle on stderr
}

write_sources() {
    local root=$1 suite=$2
    printf 'deb %s %s main\n' \
        "$DEBIAN_MIRROR" "$suite" \
        "$DEBIAN_MIRROR" "$suite-updates" \
        "${DEBIAN_MIRROR%/debian}/debian-security" "$suite-security" >"$root/etc/apt/sources.list"
}

# As in the official slim images: no services started, no documentation, no package caches.
slim_down() {
    local root=$1
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 0755 "$root/usr/sbin/policy-rc.d"
    printf '%s\n' \
        'path-exclude /usr/share/doc/*' 'path-include /usr/share/doc/*/copyright' \
        'path-exclude /usr/share/man/*' 'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/info/*' \
        >"$root/etc/dpkg/dpkg.cfg.d/slim"
    printf '%s\n' \
        'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' 'Acquire::Languages "none";' \
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' >"$root/etc/apt/apt.conf.d/slim"
    find "$root/usr/share/doc" -type f ! -name copyright -delete
    rm -rf "$root"/usr/share/{man,locale,info}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*
    rm -f "$root/etc/hostname" "$root/etc/resolv.conf"
}

# Runs as root, in a child: debootstrap, adjust, pack. The rename comes last, so a tarball is a whole one.
make_rootfs() {
    local suite=$1 tarball=$2 root
    root=$(mktemp -d "$IMAGES_DIR/$suite.XXXXXX")
    chmod 0755 "$root" # becomes the mode of / in the images
    # shellcheck disable=SC2064
    trap "rm -rf --one-file-system '$root'" EXIT
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$DEBIAN_MIRROR" >"$tarball.log" 2>&1 ||
        { say "debootstrap $suite failed, see $tarball.log"; return 1; }
    add_host_authorities "$root"
    write_sources "$root" "$suite"
    slim_down "$root"
    tar --numeric-owner --one-file-system -C "$root" -c . | gzip -1 >"$tarball.new"
    mv "$tarball.new" "$tarball"
}

ensure_debootstrap() {
    as_root true 2>/dev/null || unavailable "no registry answers, and debootstrap needs root or passwordless sudo"
    if command -v debootstrap >/dev/null; then return; fi
    command -v apt-get >/dev/null || unavailable "no registry answers, and no apt-get is here to install debootstrap"
    say "installing debootstrap"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap \
        debian-archive-keyring >&2 || unavailable "apt-get could not install debootstrap"
}

# The name carries what goes in, so that a new CA bundle or a change of these functions makes a new one.
tarball_of() {
    local key
    key=$({
        cat "$(host_ca_bundle)"
        echo "$DEBIAN_MIRROR"
        declare -f make_rootfs add_host_authorities write_sources slim_down
    } | sha256sum)
    echo "$IMAGES_DIR/$1-${key:0:12}.tar.gz"
}

debian_is_here() {
    local tarball
    tarball=$(tarball_of "$1")
    [[ -e $tarball || $(label_of "stand-in/debian:$1" stand-in) == "${tarball##*/}" ]]
}

build_rootfs() {
    local suite=$1 tarball
    tarball=$(tarball_of "$suite")
    say "building Debian $suite (log: $tarball.log)"
    as_root env IMAGES_DIR="$IMAGES_DIR" DEBIAN_MIRROR="$DEBIAN_MIRROR" SSL_CERT_FILE="${SSL_CERT_FILE:-}" \
        "$SELF" --make-rootfs "$suite" "$tarball" || unavailable "no root file system of Debian $suite"
}

ensure_debian() {
    local suite=$1 image=stand-in/debian:$1 tarball
    tarball=$(tarball_of "$suite")
    debian_is_here "$suite" || build_rootfs "$suite"
    [[ $(label_of "$image" stand-in) != "${tarball##*/}" ]] || return 0
    say "importing $image"
    docker import --change 'CMD ["bash"]' --change "LABEL stand-in=${tarball##*/}" "$tarball" "$image" >/dev/null
}

# --- stand-ins ------------------------------------------------------------------------------------------------------

# Of the host's pip settings, the indexes that a container can reach too: no file://, no loopback.
reachable_urls() {
    tr -s '[:space:]' '\n' | grep -E '^https?://' | grep -vE '://([^/@]*@)?(localhost|127\.|\[::1\])' | paste -sd ' ' -
}

# The first of environment and configuration files that sets it, as pip itself has it.
pip_setting() {
    grep -E "^(:env:|global)\.$1=" <<<"$PIP_SETTINGS" | sort | head -n 1 | sed "s/^[^=]*='//; s/'\$//; s/\\\\n/ /g"
}

pip_conf() {
    local key value
    PIP_SETTINGS=$(python3 -m pip config list 2>/dev/null || true)
    echo '[global]'
    for key in index-url extra-index-url; do
        value=$(pip_setting "$key" | reachable_urls) || continue
        echo "$key = $value"
    done
    value=$(pip_setting trusted-host) || return 0
    echo "trusted-host = $value"
}

debian_of() { if [[ $1 == rabbitmq ]]; then echo trixie; else echo bookworm; fi; }

# What goes into a stand-in, as one hash: its files, the images it starts from, pip's settings.
recipe_of() {
    local service=$1 base
    {
        cat "$STAND_INS/compose.yml" "$STAND_INS/$service"/*
        while read -r base; do docker image inspect --format '{{.Id}}' "$base"; done \
            < <(awk '$1 == "FROM" { print $2 }' "$STAND_INS/$service/Dockerfile")
        if [[ $service == python ]]; then echo "$PIP_CONF"; fi
    } | sha256sum | cut -c -12
}

ensure_stand_in() {
    local service=$1 image=$2 log=$IMAGES_DIR/$1.log recipe
    recipe=$(recipe_of "$service")
    if [[ $(label_of "stand-in/$image" stand-in) != "$recipe" ]]; then
        say "building a stand-in for $image (log: $log)"
        RECIPE=$recipe stand_ins --progress plain build "$service" >"$log" 2>&1 ||
            unavailable "the stand-in for $image does not build, see $log"
    fi
    docker tag "stand-in/$image" "$image"
    say "$image is a stand-in"
}

# --- all together ---------------------------------------------------------------------------------------------------

# Prints the services whose images are neither here nor to be pulled.
missing_services() {
    local service image registry=silent
    if registry_answers; then registry=answers; fi
    for service in "${SERVICES[@]}"; do
        image=$(image_of "$service")
        if pulled "$image" || { [[ $registry == answers ]] && pull "$image"; }; then
            say "$image is the official one"
        else
            echo "$service"
        fi
    done
}

# What builds on one Debian, in its order.
build_stand_ins_on() {
    local suite=$1 service
    shift
    ensure_debian "$suite"
    for service in "$@"; do
        if [[ $(debian_of "$service") == "$suite" ]]; then ensure_stand_in "$service" "$(image_of "$service")"; fi
    done
}

# The suites go side by side: each is mostly one processor's work.
build_stand_ins() {
    local suite job status=0
    local -a jobs=()
    for suite in $(printf "%s\n" "$@" | while read -r service; do debian_of "$service"; done | sort -u); do
        debian_is_here "$suite" || ensure_debootstrap
        build_stand_ins_on "$suite" "$@" &
        jobs+=("$!")
    done
    for job in "${jobs[@]}"; do wait "$job" || status=$?; done
    return "$status"
}

main() {
    local -a missing
    docker info >/dev/null 2>&1 || unavailable "no Docker engine answers"
    mapfile -t missing < <(missing_services)
    ((${#missing[@]})) || return 0
    PIP_CONF=$(pip_conf)
    export PIP_CONF
    mkdir -p "$IMAGES_DIR"
    build_stand_ins "${missing[@]}"
}

# So that nobody later takes a stand-in for the official image.
forget() {
    local service image
    for service in "${SERVICES[@]}"; do
        image=$(image_of "$service")
        if [[ -n $(label_of "$image" stand-in) ]]; then docker image rm --no-prune "$image" >/dev/null; fi
    done
}

case ${1:-} in
    '') main ;;
    forget) forget ;;
    --make-rootfs) make_rootfs "$2" "$3" ;;
    *)
        sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
        exit 64
        ;;
esac
