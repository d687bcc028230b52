# One image for the five services, for what provisions them, and for the example product: docker-compose.yml says
# which of them a container is. It needs BuildKit (`docker compose build`, or any Docker from 23 on).

FROM python:3.11.15-slim-bookworm AS dependencies

# The folders that docker-compose.yml mounts volumes on: a new volume takes its owner and mode from here.
RUN groupadd --gid 10001 lockbox \
    && useradd --uid 10001 --gid lockbox --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin lockbox \
    && for part in '' secrets rabbitmq mongodb content_service \
        request_service approval_service notify_service audit_service portal_service; \
        do install -d -o lockbox -g lockbox -m 0750 "/etc/lockbox/$part"; done

# Each package by its hash, and no source that a build would turn into a package: `make lock` writes the lock files.
WORKDIR /build
COPY packaging/image.lock ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --require-hashes --only-binary :all: -r image.lock && rm image.lock


FROM dependencies AS wheel

COPY . .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --require-hashes --only-binary :all: -r packaging/build.lock \
    && pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheel \
        packaging/lockbox-guard packaging/lockbox-cli packaging/lockbox-server


FROM dependencies

RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    pip install --disable-pip-version-check --no-deps --no-index --no-cache-dir /wheel/*.whl && pip check
WORKDIR /opt/lockbox
COPY examples examples

# Lines appear when they are written; nothing is written beside the code. What Nameko's command warns of at each start is
# that Eventlet is in maintenance, which is known.
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONWARNINGS=ignore:::nameko.cli.commands
USER lockbox
CMD ["lockbox", "--help"]
