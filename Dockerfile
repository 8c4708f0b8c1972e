# One file for every image that is built here: authz, idp, rs, migrate (also makes the secrets), gateway and mailbox.

FROM python:3.13-slim-trixie AS dependencies
# runtime, or coverage for images that are measured from inside
ARG REQUIREMENTS=runtime
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/${REQUIREMENTS}.txt /src/requirements.txt
RUN python -m venv --without-pip /opt/tessera \
 && pip --python /opt/tessera/bin/python install --quiet --require-hashes -r /src/requirements.txt

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt /src/requirements.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install --quiet --require-hashes -r /src/requirements.txt
ENV WHEEL="/opt/build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels"
COPY shared /src/shared
RUN $WHEEL /src/shared

FROM build AS build-authz
COPY services/authz /src/authz
RUN $WHEEL /src/authz

FROM build AS build-idp
COPY services/idp /src/idp
RUN $WHEEL /src/idp

FROM build AS build-rs
COPY services/rs /src/rs
RUN $WHEEL /src/rs

FROM python:3.13-slim-trixie AS service
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tessera
ENV PATH=/opt/tessera/bin:$PATH PYTHONUNBUFFERED=1 INSTALL="pip --python /opt/tessera/bin/python install --quiet \
--disable-pip-version-check --no-cache-dir --root-user-action ignore --no-deps --no-index"
COPY --from=dependencies /opt/tessera /opt/tessera
WORKDIR /app

FROM service AS migrate
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels $INSTALL /wheels/*.whl
COPY configs/migrate.yml configs/
USER 10001
ENTRYPOINT ["python", "-m", "tessera_shared.schema"]
CMD ["--config", "configs/migrate.yml"]

FROM service AS authz
RUN --mount=type=bind,from=build-authz,source=/wheels,target=/wheels $INSTALL /wheels/*.whl
COPY configs/authz.yml configs/
USER 10001
ENTRYPOINT ["python", "-m", "tessera_authz"]
CMD ["--config", "configs/authz.yml"]

FROM service AS idp
RUN --mount=type=bind,from=build-idp,source=/wheels,target=/wheels $INSTALL /wheels/*.whl
COPY configs/idp.yml configs/
USER 10001
ENTRYPOINT ["python", "-m", "tessera_idp"]
CMD ["--config", "configs/idp.yml"]

FROM service AS rs
RUN --mount=type=bind,from=build-rs,source=/wheels,target=/wheels $INSTALL /wheels/*.whl
COPY configs/rs.yml configs/
USER 10001
ENTRYPOINT ["python", "-m", "tessera_rs"]
CMD ["--config", "configs/rs.yml"]

FROM debian:trixie-slim AS gateway
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy >/dev/null \
 && rm -rf /var/lib/apt/lists/*
COPY gateway/haproxy.cfg /etc/haproxy/haproxy.cfg
USER 10001
# asks HAProxy to finish the requests it has
STOPSIGNAL SIGUSR1
ENTRYPOINT ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

FROM python:3.13-slim-trixie AS mailbox
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin tessera
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
COPY requirements/mailbox.txt /src/requirements.txt
RUN pip install --quiet --require-hashes -r /src/requirements.txt
WORKDIR /app
COPY stack/__init__.py stack/
COPY stack/mailbox stack/mailbox
USER 10001
ENTRYPOINT ["python", "-m", "stack.mailbox", "--host", "0.0.0.0"]
