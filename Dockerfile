# One image for web and worker; the command decides. Built from the pinned and hashed runtime requirements only.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=5002 \
    PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
RUN useradd --uid 10001 --create-home service && mkdir -m 0700 /tmp/metrics && chown service /tmp/metrics
WORKDIR /app
COPY --from=build /venv /venv
COPY manage.py gunicorn.conf.py ./
COPY ostium_service ostium_service
COPY markets markets
COPY relay relay
COPY safeguards safeguards
COPY delegations delegations
COPY positions positions
COPY staff staff
RUN DJANGO_SECRET_KEY=only-for-collecting-static-files python manage.py collectstatic --noinput
USER service
EXPOSE 5002
HEALTHCHECK CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:5002/health', timeout=2)"
CMD ["gunicorn", "ostium_service.wsgi"]
