"""Naming the person behind a change, for the audit trail that the database's triggers write."""

from collections.abc import Callable

import pghistory
from django.http import HttpRequest, HttpResponseBase

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class StaffContextMiddleware:
    """Puts the person and the page beside every change made from a staff page.

    Other requests are left alone: the API's writes carry their story in events of their own, and shall not pay for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in CHANGING or not request.path.startswith("/admin/"):
            return self.get_response(request)
        person = request.user.get_username() if request.user.is_authenticated else ""
        with pghistory.context(person=person, page=request.path):
            return self.get_response(request)
