"""Refusals of a request by its form, and by what the operators have switched off."""

from ostium_service.http.errors_base import ServiceError


class Unauthorized(ServiceError):
    code, status = "UNAUTHORIZED", 401
    message = "The request is not signed as it must be; details.reason says what is wrong with the signature."


class ServerMisconfigured(ServiceError):
    code, status = "SERVER_MISCONFIGURED", 500
    message = "The service is not configured to answer this request. Its operator must look at the start-up checks."


class NotFound(ServiceError):
    code, status = "NOT_FOUND", 404
    message = "There is nothing at this path. The paths are listed in the API page."


class MethodNotAllowed(ServiceError):
    code, status = "METHOD_NOT_ALLOWED", 405
    message = "This path takes another method. Every call under /v1/ is a POST."


class LengthRequired(ServiceError):
    code, status = "LENGTH_REQUIRED", 411
    message = "Send the body with a Content-Length header; chunked bodies are not read."


class PayloadTooLarge(ServiceError):
    code, status = "PAYLOAD_TOO_LARGE", 413
    message = "The body is too large. At most 64 KiB are read."


class UnsupportedMediaType(ServiceError):
    code, status = "UNSUPPORTED_MEDIA_TYPE", 415
    message = "Send the body as application/json in UTF-8, without a Content-Encoding."


class InvalidJson(ServiceError):
    code, status = "INVALID_JSON", 400
    message = "The body is not one strict JSON object; details.reason says what is wrong with it."


class ValidationError(ServiceError):
    """`details` is the list of every field that is wrong: {field, message}."""

    code, status = "VALIDATION_ERROR", 400
    message = "Some fields are missing or not valid; details names each of them."


class SecretInPayload(ServiceError):
    code, status = "SECRET_IN_PAYLOAD", 400
    message = (
        "The body carries a secret such as a private key or a seed phrase. The service never needs one and has not "
        "kept it. Treat that secret as exposed, move its funds, and send the request without it."
    )


class InvalidNetwork(ServiceError):
    code, status = "INVALID_NETWORK", 400
    message = "The network must be one that this service has enabled; details.enabled lists them."


class RateLimited(ServiceError):
    code, status, retryable = "RATE_LIMITED", 429, True
    message = "Too many requests. Wait for the seconds in Retry-After and send the same request again."


class IdempotencyInProgress(ServiceError):
    code, status, retryable = "IDEMPOTENCY_IN_PROGRESS", 409, True
    message = "The first request with this idempotency key is still being worked on. Ask again shortly."


class IdempotencyKeyReused(ServiceError):
    code, status = "IDEMPOTENCY_KEY_REUSED", 409
    message = "This idempotency key belongs to an earlier request. Use a new key for a new operation."


class TriggerPriceRequired(ServiceError):
    code, status = "TRIGGER_PRICE_REQUIRED", 400
    message = "Limit and stop orders need a triggerPrice above zero."


class OstiumDisabled(ServiceError):
    code, status = "OSTIUM_DISABLED", 503
    message = "Ostium trading is switched off in this installation."


class NetworkPaused(ServiceError):
    code, status = "NETWORK_PAUSED", 503
    message = "Trading on this network is paused by its operators. Reads go on."


class TraderNotAllowed(ServiceError):
    code, status = "TRADER_NOT_ALLOWED", 403
    message = "This trader is not admitted yet. Ask the operators to add the address."


class LimitExceeded(ServiceError):
    """`details`: the limit's name, its value, and what was asked for."""

    code, status = "LIMIT_EXCEEDED", 403
    message = "The request is above a limit set for this trader; details names the limit."
