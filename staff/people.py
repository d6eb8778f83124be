"""Who may come in. Accounts are switched off, not deleted: the trail names them."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm


class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    """Accounts; the second factor is enrolled by `manage.py enrol_staff`."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: switch the account off."""
        return False


class TeamAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Viewer, Operator and Approver come with the service."""

    actions = None


def register() -> None:
    """In the place of Django's own pages."""
    admin.site.unregister(User)
    admin.site.unregister(Group)
    admin.site.register(User, PersonAdmin)
    admin.site.register(Group, TeamAdmin)
