"""`/openapi.json` and `/docs`: the API for generators and people. Unsigned: they tell nothing but the contract."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.utils.html import format_html
from django.views import View

_ASSETS: Final = "drf_spectacular_sidecar/swagger-ui-dist/"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ostium service API</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<div id="reference"></div>
<script src="{script}"></script>
<script>
SwaggerUIBundle({{url: "/openapi.json", dom_id: "#reference", validatorUrl: null, supportedSubmitMethods: []}})
</script>
</body>
</html>
"""
# Everything from here: the page must work, and stay as it is, in a network without a way out.
_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


class OpenApiView(View):
    """The document that `docs/openapi.json` holds."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        # Imported late: building needs every view of the service, and this module is imported by the routes.
        from ostium_service.http.openapi import render_document

        return HttpResponse(render_document(), content_type="application/json")


class ReferenceView(View):
    """The document as a page, its scripts and styles from this service."""

    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> HttpResponse:
        page = format_html(
            _PAGE,
            icon=static(f"{_ASSETS}favicon-32x32.png"),
            style=static(f"{_ASSETS}swagger-ui.css"),
            script=static(f"{_ASSETS}swagger-ui-bundle.js"),
        )
        response = HttpResponse(page)
        response["Content-Security-Policy"] = _POLICY
        return response
