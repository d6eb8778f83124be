"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from ostium_service.development import ensure_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
ensure_database()
application = get_wsgi_application()
