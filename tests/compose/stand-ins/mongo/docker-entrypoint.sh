#!/bin/bash
# As the official image's: root becomes mongodb, and mongod listens on all addresses unless told otherwise.
set -euo pipefail

if [[ -n ${MONGO_INITDB_ROOT_USERNAME:-}${MONGO_INITDB_ROOT_PASSWORD:-} ]] || compgen -G '/docker-entrypoint-initdb.d/*' >/dev/null; then
    echo 'stand-in for mongo:8.0.26: no mongosh here, so neither MONGO_INITDB_* nor /docker-entrypoint-initdb.d works' >&2
    exit 1
fi

if [[ ${1:-} == -* ]]; then set -- mongod "$@"; fi

if [[ $1 == mongod && $(id -u) == 0 ]]; then
    find /data/configdb /data/db ! -user mongodb -exec chown mongodb '{}' +
    exec setpriv --reuid=mongodb --regid=mongodb --init-groups "$0" "$@"
fi

if [[ $1 == mongod && " $* " != *' --bind_ip'* ]]; then set -- "$@" --bind_ip_all; fi

exec "$@"
