# One image for every service; the command picks which: ingest, enrich or index.
FROM python:3.11-slim-bookworm AS builder
WORKDIR /build
COPY requirements.lock .
# Bytecode is compiled here because the running file system is read-only.
RUN python -m venv /opt/wireroom \
 && /opt/wireroom/bin/pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.lock \
 && /opt/wireroom/bin/pip uninstall --yes --quiet pip setuptools
COPY services /opt/wireroom/app/services
COPY shared /opt/wireroom/app/shared
COPY deploy/compose_secrets.py /opt/wireroom/app/deploy/
# The console script of [project.scripts], written by hand: a build backend would be one more thing to lock.
RUN printf '%s\n' '#!/opt/wireroom/bin/python' 'import sys' 'from services.cli import main' 'sys.exit(main())' \
      > /opt/wireroom/bin/wireroom \
 && chmod 755 /opt/wireroom/bin/wireroom \
 && /opt/wireroom/bin/python -m compileall -q -j 0 /opt/wireroom

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin wireroom \
 && install -d -o wireroom -g wireroom -m 0750 /data \
 && install -d -o wireroom -g wireroom -m 0755 /secrets /secrets/redis-users /secrets/redis-password /secrets/publishers /secrets/operators \
 && install -d -o wireroom -g wireroom -m 0700 /secrets/operator
COPY --from=builder /opt/wireroom /opt/wireroom
ENV PATH=/opt/wireroom/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/wireroom/app \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    WIREROOM_DATA_DIR=/data
USER 10001:10001
WORKDIR /tmp
EXPOSE 8001 8002 8003
ENTRYPOINT ["wireroom"]
