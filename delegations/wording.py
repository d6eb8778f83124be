"""What a Safe's own settings mean for who signs, in words."""

from typing import Any

from delegations.services import SafeFacts


def describe_safe(facts: SafeFacts) -> dict[str, Any]:
    """The facts read while preparing, and a sentence for each that an owner should know."""
    return {
        "version": facts.version,
        "guard": facts.guard,
        "modules": list(facts.modules),
        "fallbackHandler": facts.fallback_handler,
        "notes": list_notes(facts),
    }


def list_notes(facts: SafeFacts) -> list[str]:
    """One sentence each: a guard, modules, a missing fallback handler; none for a plain Safe."""
    notes = []
    if facts.guard is not None:
        notes.append("The Safe has a guard. It was asked and does not refuse this transaction now.")
    if facts.modules:
        notes.append(f"{len(facts.modules)} module(s) may act for this Safe without its owners' signatures.")
    if facts.fallback_handler is None:
        notes.append("The Safe has no fallback handler, so it cannot sign as an owner of another Safe.")
    return notes
