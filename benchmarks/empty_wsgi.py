"""The least that Django can serve: no middleware, no database, no log line. `gunicorn benchmarks.empty_wsgi`."""

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path


def answer_nothing(_request: HttpRequest) -> HttpResponse:
    """A success with nothing in it, whatever was asked; with its length, so that the connection is kept."""
    answer = JsonResponse({"success": True})
    answer["Content-Length"] = str(len(answer.content))
    return answer


urlpatterns = [path("health", answer_nothing), path("v1/prices/get", answer_nothing)]

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[], USE_TZ=True, LOGGING_CONFIG=None)
django.setup()
application = WSGIHandler()
