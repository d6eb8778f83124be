"""The project as a Django app: registers the system checks and probes, and tells the logs what to cut."""

from django.apps import AppConfig
from django.conf import settings


class OstiumServiceConfig(AppConfig):
    """What every process of the service needs once, before its first request or job."""

    name = "ostium_service"
    verbose_name = "Ostium service"

    def ready(self) -> None:
        from ostium_service import checks
        from ostium_service.observability.redaction import learn_secrets
        from ostium_service.probes import register_probes

        learn_secrets(checks.configured_secrets(settings))
        checks.register_checks()
        register_probes()
