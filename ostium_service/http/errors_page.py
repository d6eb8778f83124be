"""Renders the catalogue as the page `docs/errors.md`."""

from typing import Final

from ostium_service.http.errors import CATALOGUE

_HEAD: Final = """# Errors

Generated from `ostium_service/http/errors.py` by `python manage.py write_errors_page`; a test compares the two.

Every failure under `/v1/` has this body. `details` is left out where there is nothing to add; it holds stable tokens
and field names, never the text of an outside system. `retryable` is true only where repeating the identical request
is harmless and may help.

```json
{"success": false, "error": {"code": "...", "message": "...", "details": {}, "retryable": false},
 "meta": {"timestamp": "2026-01-01T00:00:00.000Z", "requestId": "..."}}
```

| code | status | retryable | message |
|---|---|---|---|
"""


def render_errors_page() -> str:
    """The whole page, one row a code, by status."""
    rows = [
        f"| `{code}` | {error.status} | {'yes' if error.retryable else 'no'} | {error.message} |"
        for code, error in sorted(CATALOGUE.items(), key=lambda item: (item[1].status, item[0]))
    ]
    return _HEAD + "\n".join(rows) + "\n"
