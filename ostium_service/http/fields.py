"""Serializer fields that take one spelling of a value and refuse the rest. DRF's own fields are too generous for money.

Values arrive from the strict parser: str, Decimal, bool, list, dict or None, never float. No message repeats the input.
"""

import re
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from eth_utils.address import to_checksum_address
from rest_framework import serializers

from ostium_service.types import Address, Network

MAX_UINT192: Final = 2**192 - 1
MAX_UINT32: Final = 2**32 - 1
INVALID_NETWORK: Final = "invalid_network"

_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,77})(\.[0-9]{1,40})?")
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,77})")
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_RESERVED_BELOW: Final = 1 << 16


class StrictField(serializers.Field[Any, Any, Any, Any]):
    """Shows what it holds unchanged; each subclass says what it takes."""

    def to_representation(self, value: Any) -> Any:
        return value

    def refuse(self, message: str, code: str = "invalid") -> serializers.ValidationError:
        return serializers.ValidationError(message, code=code)


class NetworkField(StrictField):
    """`testnet` or `mainnet`, any case, trimmed, and enabled here; else INVALID_NETWORK. -> Network"""

    def to_internal_value(self, data: Any) -> Network:
        name = data.strip().lower() if isinstance(data, str) else ""
        if name not in {network.value for network in settings.OSTIUM_NETWORKS}:
            raise self.refuse("Not a network that this service has enabled.", code=INVALID_NETWORK)
        return Network(name)


class AddressField(StrictField):
    """0x + 40 hex: all lower, all upper or a right EIP-55 mix; not zero, a sentinel or a precompile. -> EIP-55"""

    def to_internal_value(self, data: Any) -> Address:
        if not isinstance(data, str) or not _ADDRESS.fullmatch(data):
            raise self.refuse("Must be an address: 0x and 40 hexadecimal digits.")
        digits = data[2:]
        checksummed = str(to_checksum_address(data.lower()))
        if digits not in {digits.lower(), digits.upper()} and data != checksummed:
            raise self.refuse(
                "The address's upper and lower case is not its EIP-55 checksum; check for a typing error."
            )
        if int(digits, 16) == 0:
            raise self.refuse("The zero address is not accepted.")
        if int(digits, 16) < _RESERVED_BELOW:
            raise self.refuse("This address is reserved (a precompile or a sentinel).")
        return Address(checksummed)


class ExactDecimalField(StrictField):
    """JSON number or plain decimal string with at most `places` fraction digits, in bounds. -> Decimal, never rounded

    Strings in another spelling (`1e3`, `+1`, `01`, `.5`, `1_000`, blanks, other digits than 0 to 9) are refused.
    """

    def __init__(
        self, *, places: int, minimum: Decimal, maximum: Decimal, above_minimum: bool = True, **kwargs: Any
    ) -> None:
        self.places = places
        self.minimum = minimum
        self.maximum = maximum
        self.above_minimum = above_minimum
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        value = self._read(data)
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or -exponent > self.places:
            raise self.refuse(f"At most {self.places} digits after the decimal point; nothing is rounded.")
        if value < self.minimum or (self.above_minimum and value == self.minimum):
            word = "above" if self.above_minimum else "at least"
            raise self.refuse(f"Must be {word} {self.minimum}.")
        if value > self.maximum:
            raise self.refuse(self._too_large())
        # copy_abs, because abs() would round to the context's 28 digits. It turns -0 into 0.
        return value.copy_abs()

    def _read(self, data: Any) -> Decimal:
        if isinstance(data, Decimal) and data.is_finite():
            return data
        if isinstance(data, str) and _DECIMAL.fullmatch(data):
            return Decimal(data)
        raise self.refuse("Must be a number or a plain decimal string such as 12.5.")

    def _too_large(self) -> str:
        shown = len(str(self.maximum)) <= 12
        return f"Must be at most {self.maximum}." if shown else "Too large for the contracts."


class MoneyField(ExactDecimalField):
    """USDC, above 0, at most 6 fraction digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=6, minimum=Decimal(0), maximum=Decimal(MAX_UINT192 // 10**6), **kwargs)


class PriceField(ExactDecimalField):
    """A price, above 0 (or 0 with `allow_zero`, where 0 clears), at most 18 fraction digits."""

    def __init__(self, *, allow_zero: bool = False, **kwargs: Any) -> None:
        maximum = Decimal(MAX_UINT192 // 10**18)
        super().__init__(places=18, minimum=Decimal(0), maximum=maximum, above_minimum=not allow_zero, **kwargs)


class LeverageField(ExactDecimalField):
    """Leverage, above 0, at most 2 fraction digits; the market's own bounds are checked where the market is known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(places=2, minimum=Decimal(0), maximum=Decimal(MAX_UINT32 // 100), **kwargs)


class PercentField(ExactDecimalField):
    """Percent, at most 2 fraction digits, above `min` and at most `max`."""

    def __init__(self, min: int | Decimal = 0, max: int | Decimal = 100, **kwargs: Any) -> None:  # noqa: A002
        super().__init__(places=2, minimum=Decimal(min), maximum=Decimal(max), **kwargs)


class BoundedIntegerField(StrictField):
    """A JSON integer or its digits as a string, between `minimum` and `maximum`. -> int; 1.0 and true are refused."""

    def __init__(self, *, minimum: int, maximum: int, **kwargs: Any) -> None:
        self.minimum = minimum
        self.maximum = maximum
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        text = str(data) if isinstance(data, Decimal) else data
        if not isinstance(text, str) or not _INTEGER.fullmatch(text):
            raise self.refuse("Must be a whole number.")
        value = int(text)
        if not self.minimum <= value <= self.maximum:
            raise self.refuse(f"Must be between {self.minimum} and {self.maximum}.")
        return value


class PairIdField(BoundedIntegerField):
    """0 to 65535 (uint16)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=0, maximum=65535, **kwargs)


class TradeIndexField(BoundedIntegerField):
    """0 to 255 (uint8)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=0, maximum=255, **kwargs)


class TextField(StrictField):
    """A string of `min` to `max` characters, trimmed, without control characters. -> str"""

    def __init__(self, min: int = 1, max: int = 128, **kwargs: Any) -> None:  # noqa: A002
        self.min = min
        self.max = max
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise self.refuse("Must be a string.")
        text = data.strip()
        if not self.min <= len(text) <= self.max:
            raise self.refuse(f"Must have {self.min} to {self.max} characters.")
        if any(character != " " and not character.isprintable() for character in text):
            raise self.refuse("Must not contain control characters.")
        return text


class IdempotencyKeyField(TextField):
    """1 to 128 printable characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min=1, max=128, **kwargs)


class MarketField(TextField):
    """A market's name as a string, or its pair id as a whole number. -> str of 1 to 50 characters"""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min=1, max=50, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, Decimal):
            if not re.fullmatch(r"[0-9]{1,50}", str(data)):
                raise self.refuse("Must be a market's name or its pair id.")
            return str(data)
        return super().to_internal_value(data)


class WordField(StrictField):
    """One of `words`, any case, trimmed. -> the word in lower case"""

    def __init__(self, *, words: tuple[str, ...], **kwargs: Any) -> None:
        self.words = words
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        word = data.strip().lower() if isinstance(data, str) and data.isascii() else ""
        if word not in self.words:
            raise self.refuse(f"Must be one of: {', '.join(self.words)}.")
        return word


class SideField(WordField):
    """`long` or `short`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(words=("long", "short"), **kwargs)


class OrderTypeField(WordField):
    """`market`, `limit` or `stop`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(words=("market", "limit", "stop"), **kwargs)


class StrictBooleanField(StrictField):
    """JSON true or false, nothing that merely looks like it. -> bool"""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise self.refuse("Must be true or false.")
        return data


class HexField(StrictField):
    """0x and an even number of hex digits, `length` bytes if given, at most `max_length` bytes. -> lower case"""

    def __init__(self, length: int | None = None, *, max_length: int = 16_384, **kwargs: Any) -> None:
        self.length = length
        self.max_length = max_length
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", data):
            raise self.refuse("Must be 0x and an even number of hexadecimal digits.")
        size = len(data) // 2 - 1
        if self.length is not None and size != self.length:
            raise self.refuse(f"Must have exactly {self.length} bytes.")
        if size > self.max_length:
            raise self.refuse(f"Must have at most {self.max_length} bytes.")
        return data.lower()
