#!/bin/bash
# As the official image's: what runs as root hands the data to the user rabbitmq and becomes it.
set -euo pipefail

if [[ $1 == rabbitmq* && $(id -u) == 0 ]]; then
    if [[ $1 == rabbitmq-server ]]; then
      find /var/lib/rabbitmq ! -user rabbitmq -exec chown rabbitmq '{}' +
    fi
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups "$0" "$@"
fi

exec "$@"
