"""The pages of one delegation and of one trade: what is shown, and the confirmation of an action."""

from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from delegations.models import Delegation
from delegations.selectors import annotate_stage, drifting
from ostium_service.money import USDC_DECIMALS
from positions.models import PerpsExecution
from safeguards.models import Grant
from staff.actions import ACTIONS, Refused, available, describe_prepared, get_delegation, perform
from staff.explorers import link_address, link_safe, link_transaction
from staff.forms import ReasonForm
from staff.models import PositionReading
from staff.trade_story import tell_story

SHOWN_EXECUTIONS = 20
SHOWN_EVENTS = 100


def show_delegation(request: HttpRequest, delegation_id: Any) -> HttpResponse:
    """Everything that explains the decision, on one page."""
    if not request.user.has_perm("delegations.view_delegation"):
        raise PermissionDenied
    rows = annotate_stage(Delegation.objects.select_related("approval").filter(pk=delegation_id))
    row: Any = rows.first()
    if row is None:
        raise Http404
    context = (
        admin.site.each_context(request)
        | {
            "title": "Delegation",
            "opts": Delegation._meta,  # noqa: SLF001
            "row": row,
            "stage": row.stage.replace("_", " "),
            "has_drift": drifting(Delegation.objects.filter(pk=row.pk)).exists(),
            "actions": available(row, request.user.has_perm),
            **_read_safe(row),
            **_read_trading(row),
            "events": row.events.select_related("safe_transaction").order_by("-id")[:SHOWN_EVENTS],
            "back": reverse("admin:delegations_delegation_changelist"),
        }
    )
    return TemplateResponse(request, "staff/delegation.html", context)


def confirm_action(request: HttpRequest, delegation_id: Any, name: str) -> HttpResponse:
    """Ask for the reason, then act. The person sees what happened on the delegation's page."""
    action, row = ACTIONS.get(name), get_delegation(delegation_id)
    if action is None or row is None:
        raise Http404
    if not request.user.has_perm(action.permission) or not request.user.has_perm("delegations.view_delegation"):
        raise PermissionDenied
    page = reverse("admin:delegations_delegation_change", args=[row.pk])
    form = ReasonForm(request.POST or None)
    context = admin.site.each_context(request) | {"title": action.title, "action": action, "row": row, "form": form}
    context |= {"page": page, "opts": Delegation._meta}  # noqa: SLF001
    if request.method != "POST" or not form.is_valid():
        return TemplateResponse(request, "staff/confirm.html", context)
    try:
        done = perform(
            action=action, delegation=row, username=request.user.get_username(), reason=form.cleaned_data["reason"]
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(page)
    if done.prepared is not None:
        context |= {"prepared": describe_prepared(done.prepared), "done": done, "safe_link": _safe_link(row)}
        return TemplateResponse(request, "staff/prepared.html", context)
    messages.success(request, done.message)
    return HttpResponseRedirect(page)


def show_trade(request: HttpRequest, execution_id: Any) -> HttpResponse:
    """One trade's story."""
    if not request.user.has_perm("positions.view_perpsexecution"):
        raise PermissionDenied
    rows = PerpsExecution.objects.select_related("transaction__signer").prefetch_related(
        "events", "transaction__events", "transaction__attempts"
    )
    row = rows.filter(pk=execution_id).first()
    if row is None:
        raise Http404
    delegation = Delegation.objects.filter(network=row.network, safe_address=row.trader_address).order_by("-updated_at")
    context = admin.site.each_context(request) | {
        "title": f"Trade: {row.operation.replace('_', ' ')}",
        "opts": PerpsExecution._meta,  # noqa: SLF001
        "row": row,
        "moments": tell_story(row),
        "delegation": delegation.first(),
        "tx_link": link_transaction(row.network, row.tx_hash),
    }
    return TemplateResponse(request, "staff/trade.html", context)


def _safe_link(row: Delegation) -> str:
    return link_safe(row.network, row.safe_address)


def _read_safe(row: Delegation) -> dict[str, Any]:
    allowance = row.chain_allowance
    return {
        "safe_link": _safe_link(row),
        "safe_explorer": link_address(row.network, row.safe_address),
        "delegate_explorer": link_address(row.network, row.delegate_address),
        "approval_link": link_transaction(row.network, row.approval_tx_hash),
        "revoke_link": link_transaction(row.network, row.revoke_tx_hash),
        "chain_matches": row.chain_delegate == row.delegate_address,
        "allowance": None if allowance is None else Decimal(allowance).scaleb(-USDC_DECIMALS),
        "grant": Grant.objects.filter(network=row.network, trader=row.safe_address).first(),
        "transactions": [
            {"row": item, "signed": item.confirmations.all(), "link": _outbound_link(row, item)}
            for item in row.safe_transactions.select_related("outbound__signer")
            .prefetch_related("confirmations", "outbound__attempts")
            .order_by("-created_at")[:SHOWN_EXECUTIONS]
        ],
    }


def _outbound_link(row: Delegation, item: Any) -> str:
    if item.outbound is None:
        return ""
    attempts = [attempt.tx_hash for attempt in item.outbound.attempts.all()]
    return link_transaction(row.network, item.outbound.mined_hash or (attempts[-1] if attempts else ""))


def _read_trading(row: Delegation) -> dict[str, Any]:
    executions = PerpsExecution.objects.filter(network=row.network, trader_address=row.safe_address)
    newest = list(executions.order_by("-created_at")[:SHOWN_EXECUTIONS])
    return {
        "positions": PositionReading.objects.filter(network=row.network, trader=row.safe_address).first(),
        "executions": [{"row": item, "link": link_transaction(row.network, item.tx_hash)} for item in newest],
    }
