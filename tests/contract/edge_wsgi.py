"""The real edge in front of the edge tests' tiny service, for a real gunicorn; needs no database."""

import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from ostium_service.http import server

os.environ["DJANGO_SETTINGS_MODULE"] = "ostium_service.settings"
django.setup()
settings.ROOT_URLCONF = "tests.unit.http.urls"

# Short, so that the test of a slow caller is.
server.READ_SECONDS = 1.5

application = WSGIHandler()
