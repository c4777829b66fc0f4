# The server with its locked dependencies, as an ordinary user.  Without a
# TABELLION_DATABASE_URL it keeps an embedded Postgres in /data.

FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# the dependencies are a layer of their own: they change less often than the code
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-dev --no-install-project
COPY domain ./domain
COPY projections ./projections
COPY commands ./commands
COPY workers ./workers
COPY api ./api
RUN uv sync --locked --no-dev --no-editable

FROM python:3.11-slim
# Postgres wants its user to have a name
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tabellion \
    && install --directory --mode=0700 --owner=tabellion /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TABELLION_HOST=0.0.0.0 \
    TABELLION_DATA_DIR=/data
WORKDIR /data
VOLUME /data
USER tabellion
EXPOSE 8000 8080 8081 3001
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=5 \
    CMD ["python", "-c", "from os import environ; from urllib.request import urlopen; urlopen('http://127.0.0.1:' + environ.get('TABELLION_PORT_PYBASE', '8000') + '/api/v1/health', timeout=2)"]
CMD ["tabellion", "serve"]
