"""The pages of one delegation and of one trade: what is shown, and the confirmation of an action."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from delegations.models import Delegation
from delegations.selectors import is_contradicted
from delegations.stages import annotate_stage
from ostium_service.admin_cells import lasted
from ostium_service.money import USDC_DECIMALS
from positions.models import PerpsExecution
from safeguards.models import Grant
from staff.actions import ACTIONS, Refused, available, describe_prepared, fingerprint, get_delegation, perform
from staff.explorers import link_address, link_safe, link_transaction
from staff.facts import describe
from staff.forms import ReasonForm
from staff.models import PositionReading
from staff.trade_story import name_trade, tell_story

SHOWN_EXECUTIONS = 20
TRACKED_PAGES = {
    "delegationchange": "delegations_delegation",
    "safetransactionchange": "delegations_safetransaction",
    "signerchange": "relay_signer",
    "executionchange": "positions_perpsexecution",
    "personchange": "auth_user",
    "groupchange": "auth_group",
}
SHOWN_EVENTS = 100


def show_delegation(request: HttpRequest, delegation_id: Any) -> HttpResponse:
    """Everything that explains the decision, on one page."""
    rows = annotate_stage(Delegation.objects.select_related("approval").filter(pk=delegation_id))
    row: Any = rows.first()
    if row is None:
        raise Http404
    return with_context(
        request,
        "staff/delegation.html",
        row,
        title=row.safe_address,
        has_drift=is_contradicted(row),
        actions=available(row, request.user.has_perm),
        **_read_safe(row),
        **_read_trading(row),
        events=[
            (event, describe(event.evidence, network=row.network))
            for event in row.events.order_by("-id")[:SHOWN_EVENTS]
        ],
    )


def confirm_action(request: HttpRequest, delegation_id: Any, name: str) -> HttpResponse:
    """Ask for the reason, then act. The person sees what happened on the delegation's page."""
    action, row = ACTIONS.get(name), get_delegation(delegation_id)
    if action is None or row is None:
        raise Http404
    if not request.user.has_perm(action.permission) or not request.user.has_perm("delegations.view_delegation"):
        raise PermissionDenied
    page = reverse("admin:delegations_delegation_change", args=[row.pk])
    form = ReasonForm(request.POST or None, initial={"seen": fingerprint(row)})
    if request.method != "POST" or not form.is_valid():
        values = {"action": action, "form": form, "page": page, **_read_trading(row)}
        return with_context(request, "staff/confirm.html", row, title=row.safe_address, **values)
    if action.is_bound and form.cleaned_data["seen"] != fingerprint(row):
        messages.error(request, "It has changed since you opened the page: look at it again.")
        return HttpResponseRedirect(page)
    try:
        done = perform(
            action=action, delegation=row, username=request.user.get_username(), reason=form.cleaned_data["reason"]
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(page)
    if done.prepared is not None:
        prepared = describe_prepared(done.prepared)
        values = {"prepared": prepared, "done": done, "safe_link": _safe_link(row), "page": page}
        return with_context(request, "staff/prepared.html", row, title=row.safe_address, **values)
    messages.success(request, done.message)
    return HttpResponseRedirect(page)


def show_trade(request: HttpRequest, execution_id: Any) -> HttpResponse:
    """One trade's story."""
    rows = PerpsExecution.objects.select_related("transaction__signer").prefetch_related(
        "events", "transaction__events", "transaction__attempts"
    )
    row = rows.filter(pk=execution_id).first()
    if row is None:
        raise Http404
    delegation = Delegation.objects.filter(network=row.network, safe_address=row.trader_address).order_by("-updated_at")
    return with_context(
        request,
        "staff/trade.html",
        row,
        title=name_trade(row),
        moments=tell_story(row),
        took=lasted(row.created_at, row.ended_at),
        asked=describe(row.request, network=row.network),
        terms=describe(_differing(row.terms, row.request), network=row.network),
        result=describe(row.result, network=row.network),
        delegation=delegation.first(),
        tx_link=link_transaction(row.network, row.tx_hash),
        delegate_link=link_address(row.network, row.delegate_address),
    )


def _differing(terms: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """What was settled on beyond what the caller had said."""
    return {name: value for name, value in terms.items() if asked.get(name) != value}


def show_change(request: HttpRequest, row: Any, *, differences: list[tuple[str, str, str]]) -> HttpResponse:
    """One line of the audit trail; 404 for one that is not there."""
    if row is None:
        raise Http404
    place = TRACKED_PAGES.get(row._meta.model_name)  # noqa: SLF001
    key = getattr(row, "pgh_obj_id", None)
    return with_context(
        request,
        "staff/change.html",
        row,
        title=f"change {row.pgh_id}",
        context=list((row.pgh_context.metadata if row.pgh_context else {}).items()),
        differences=differences,
        row_link=reverse(f"admin:{place}_change", args=[key]) if place and key else "",
    )


class _Titled:
    """What unfold's header takes for the row whose page it is: the last crumb, with a title of ours."""

    def __init__(self, row: Any, title: str) -> None:
        self._meta, self.pk, self._title = row._meta, row.pk, title  # noqa: SLF001

    def __str__(self) -> str:
        return self._title


def with_context(request: HttpRequest, template: str, row: Any, *, title: str, **values: Any) -> HttpResponse:
    """A page of ours about `row`, inside the site's frame."""
    context = admin.site.each_context(request) | {"row": row, "title": title, "opts": row._meta, **values}  # noqa: SLF001
    return TemplateResponse(request, template, context | {"original": _Titled(row, title)})


def _safe_link(row: Delegation) -> str:
    return link_safe(row.network, row.safe_address)


def _read_safe(row: Delegation) -> dict[str, Any]:
    allowance = row.chain_allowance
    return {
        "safe_link": _safe_link(row),
        "contract_explorer": link_address(row.network, row.trading_contract),
        "owners": [
            (owner, link_address(row.network, owner)) for owner in (row.approval.owners if row.approval else [])
        ],
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
        "executions": [
            {"row": item, "name": name_trade(item), "link": link_transaction(row.network, item.tx_hash)}
            for item in newest
        ],
    }
