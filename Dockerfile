# One image for the three processes of a house; what each may reach is decided by its user and its
# volumes (docs/operating.md, sections 7 and 9).
#
# The base is pinned by its exact tag. Whoever builds for a hospital pins the digest that they have
# verified: --build-arg BASE=python:3.11.13-slim-bookworm@sha256:...
ARG BASE=python:3.11.13-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY requirements.lock ./
# The lock is complete and every file in it has its hash: nothing is resolved here.
RUN python -m venv /opt/anbiao \
 && /opt/anbiao/bin/pip install --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY api ./api
COPY crypto ./crypto
COPY policies ./policies
COPY sandbox ./sandbox
ARG SOURCE_DATE_EPOCH=315532800
RUN /opt/anbiao/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheel . \
 && /opt/anbiao/bin/pip install --no-deps --no-index /wheel/*.whl
WORKDIR /
# Our own `crypto`, and no other package of that name: the start asserts the same.
RUN ["/opt/anbiao/bin/python", "-c", "import api, crypto; a, c = (m.__file__.rsplit('/', 2)[0] for m in (api, crypto)); assert a == c and c.startswith('/opt/anbiao/'), (a, c)"]

FROM ${BASE}
LABEL org.opencontainers.image.title="anbiao" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10010 anbiao \
 && for user in serve:10001 worker:10002 notary:10003 owner:10004; do \
      useradd --uid "${user#*:}" --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin "anbiao-${user%:*}" || exit 1; \
    done \
 && usermod --append --groups anbiao anbiao-serve \
 && usermod --append --groups anbiao anbiao-worker
COPY --from=build /opt/anbiao /opt/anbiao
ENV PATH=/opt/anbiao/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Fresh volumes take owners and rights from these folders.
RUN ["anbiao", "layout", "--dir", "/var/lib/anbiao"]
EXPOSE 8420
USER 10001:10001
ENTRYPOINT ["anbiao"]
CMD ["serve", "--dir", "/var/lib/anbiao"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
  CMD ["anbiao", "health", "serve", "--dir", "/var/lib/anbiao"]
