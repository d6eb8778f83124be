"""The WSGI application that gunicorn serves. A half-configured service ends here, with a line that says why."""

import os

from django.core.wsgi import get_wsgi_application

from ostium_service.development import ensure_database

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ostium_service.settings")
ensure_database()
application = get_wsgi_application()

# After set-up, since both read the settings; the servers run no system checks by themselves.
from ostium_service.checks import refuse_bad_start, verify_chain_ids  # noqa: E402
from ostium_service.vault_policy import warn_of_wide_policy  # noqa: E402

refuse_bad_start()
verify_chain_ids()
warn_of_wide_policy()
