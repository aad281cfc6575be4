# syntax=docker/dockerfile:1
# Built in two steps, so that the image that runs holds no build tools and no pip cache.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/touchstone
COPY requirements.lock .
RUN /opt/touchstone/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY authenticity authenticity
COPY keys keys
COPY events events
COPY ledger ledger
COPY producers producers
COPY stream stream
COPY verifier_api verifier_api
COPY cli cli
RUN /opt/touchstone/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin touchstone \
    && install -d -o touchstone -g touchstone -m 0750 /data
COPY --from=build /opt/touchstone /opt/touchstone
ENV PATH=/opt/touchstone/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TOUCHSTONE_DATA=/data
USER touchstone
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["touchstone"]
CMD ["up", "--host", "0.0.0.0", "--port", "8000"]
