"""Who may come in. Accounts are switched off, not deleted: the trail names them."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Min, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from ostium_service.admin_cells import moment


class PersonAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    """Accounts; the second factor is enrolled by `manage.py enrol_staff`.

    Rights come from groups, so that a group's list of members says who may do what.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    actions = None
    list_display = ("username", "show_groups", "is_active", "is_superuser", "show_factor", "show_login")
    list_filter = ("groups", "is_active", "is_superuser")
    search_fields = ("username",)
    # The second-person rule asks how old an account is.
    readonly_fields = ("last_login", "date_joined", "show_factor")
    fieldsets = (
        (None, {"fields": ("username", "password", "show_factor")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Times (UTC)", {"fields": ("last_login", "date_joined")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """An account keeps its name: events and the second-person rule know people by it."""
        return self.readonly_fields if obj is None else ("username", *self.readonly_fields)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the groups and the moment of the second factor."""
        rows = super().get_queryset(request).prefetch_related("groups")
        annotated: QuerySet[Any] = rows.annotate(factor_at=Min("totpdevice__created_at"))
        return annotated

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: switch the account off."""
        return False

    @display(description="Groups")  # type: ignore[untyped-decorator]
    def show_groups(self, row: Any) -> str:
        """What the person may do."""
        return ", ".join(group.name for group in row.groups.all()) or "none"

    @display(description="Second factor since (UTC)")  # type: ignore[untyped-decorator]
    def show_factor(self, row: Any) -> Any:
        """Without one the account cannot log in."""
        return moment(row.factor_at) if getattr(row, "factor_at", None) else "none: manage.py enrol_staff"

    @display(description="Last login (UTC)", ordering="last_login")  # type: ignore[untyped-decorator]
    def show_login(self, row: Any) -> Any:
        """The last one that passed."""
        return moment(row.last_login)


class TeamAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Viewer, Operator and Approver come with the service; the trail names groups, so none is deleted."""

    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: take its people or its rights away."""
        return False


def register() -> None:
    """In the place of Django's own pages."""
    admin.site.unregister(User)
    admin.site.unregister(Group)
    admin.site.register(User, PersonAdmin)
    admin.site.register(Group, TeamAdmin)
