"""What the delegation endpoints answer, for the API page and the contract tests."""

from typing import Final

from ostium_service.http.schemas import (
    ADDRESS,
    ANYTHING,
    BOOLEAN,
    DECIMAL,
    HASH,
    HEX,
    INTEGER,
    NETWORK,
    QUANTITY,
    TEXT,
    TIME,
    UUID,
    extend,
    many,
    named,
    nullable,
    one_of,
    record,
    sometimes,
)

STAGE: Final = named(
    "DelegationStage",
    one_of(
        "drafted",
        "awaiting_signatures",
        "submitted",
        "active",
        "superseded",
        "revoking",
        "revoked",
        "expired",
        "failed",
    ),
)
SAFE_TX: Final = named(
    "SafeTx",
    record(
        to=ADDRESS,
        value=DECIMAL,
        data=HEX,
        operation=INTEGER,
        safeTxGas=DECIMAL,
        baseGas=DECIMAL,
        gasPrice=DECIMAL,
        gasToken=ADDRESS,
        refundReceiver=ADDRESS,
        nonce=INTEGER,
    ),
)
DELEGATION: Final = named(
    "Delegation",
    record(
        id=UUID,
        userId=TEXT,
        network=NETWORK,
        chainId=INTEGER,
        safeAddress=ADDRESS,
        delegateAddress=ADDRESS,
        tradingContract=ADDRESS,
        status=one_of("PENDING", "ACTIVE", "REVOKED", "FAILED"),
        stage=STAGE,
        signatures=record(collected=INTEGER, required=nullable(INTEGER)),
        suspended=BOOLEAN,
        approvalTxHash=nullable(HASH),
        revokeTxHash=nullable(HASH),
        safeTxHash=nullable(HASH),
        safeTxData=nullable(SAFE_TX),
        lastError=nullable(TEXT),
        createdAt=TIME,
        updatedAt=TIME,
    ),
)
CONFIRMATION: Final = named("Confirmation", record(owner=ADDRESS, kind=TEXT))
SAFE_FACTS: Final = named(
    "SafeFacts",
    record(
        version=TEXT,
        guard=nullable(ADDRESS),
        modules=many(ADDRESS),
        fallbackHandler=nullable(ADDRESS),
        notes=many(TEXT),
    ),
)
PREPARED: Final = extend(
    DELEGATION,
    typedData=ANYTHING,
    threshold=INTEGER,
    owners=many(ADDRESS),
    confirmations=many(CONFIRMATION),
    expiresAt=nullable(TIME),
    safe=SAFE_FACTS,
)
CLIENT_CALL: Final = named("ClientCall", record(chainId=INTEGER, to=ADDRESS, data=HEX, value=QUANTITY))
EXECUTED: Final = extend(
    DELEGATION,
    confirmations=sometimes(many(CONFIRMATION)),
    missing=sometimes(INTEGER),
    submitOnClient=sometimes(BOOLEAN),
    payload=sometimes(CLIENT_CALL),
)
ON_CHAIN: Final = record(
    delegate=nullable(ADDRESS), matches=BOOLEAN, checkedAt=nullable(TIME), allowance=nullable(DECIMAL)
)
EVENT: Final = named("DelegationEvent", record(at=TIME, what=TEXT, by=TEXT, evidence=ANYTHING))
STATUS: Final = record(network=NETWORK, delegation=nullable(DELEGATION), onChain=ON_CHAIN, timeline=many(EVENT))
ALLOWANCE: Final = record(
    network=NETWORK,
    safeAddress=ADDRESS,
    safeTxHash=HASH,
    tokenAddress=ADDRESS,
    spenderAddress=ADDRESS,
    amount=DECIMAL,
)
PREPARED_ALLOWANCE: Final = extend(
    ALLOWANCE,
    safeTxData=SAFE_TX,
    typedData=ANYTHING,
    threshold=INTEGER,
    owners=many(ADDRESS),
    confirmations=many(CONFIRMATION),
    expiresAt=nullable(TIME),
    safe=SAFE_FACTS,
)
EXECUTED_ALLOWANCE: Final = extend(
    ALLOWANCE,
    state=one_of("prepared", "submitted", "executed", "failed", "stale"),
    txHash=nullable(HASH),
    transactionHash=nullable(HASH),
    confirmations=sometimes(many(CONFIRMATION)),
    missing=sometimes(INTEGER),
    submitOnClient=sometimes(BOOLEAN),
    payload=sometimes(CLIENT_CALL),
)
CHECK: Final = record(ok=BOOLEAN, message=TEXT)
READINESS: Final = named(
    "Readiness",
    record(
        network=NETWORK,
        chainId=INTEGER,
        safeAddress=ADDRESS,
        delegateAddress=nullable(ADDRESS),
        contracts=record(usdc=ADDRESS, trading=ADDRESS, tradingStorage=ADDRESS),
        checks=record(
            safeWallet=extend(CHECK, address=ADDRESS),
            delegation=extend(CHECK, status=nullable(TEXT)),
            usdcBalance=extend(CHECK, balance=nullable(DECIMAL)),
            allowance=extend(CHECK, amount=nullable(DECIMAL), spender=ADDRESS),
            delegateGas=extend(CHECK, balance=nullable(DECIMAL), address=nullable(ADDRESS)),
            oracleFee=extend(CHECK, amount=nullable(DECIMAL)),
        ),
        readyForOpenPosition=BOOLEAN,
        readyForPositionManagement=BOOLEAN,
        readyForClose=BOOLEAN,
        refreshedAt=TIME,
    ),
)
OVERVIEW: Final = record(
    network=NETWORK,
    delegation=nullable(DELEGATION),
    readiness=READINESS,
    actionItems=many(record(id=TEXT, label=TEXT, done=BOOLEAN, message=TEXT)),
    refreshedAt=TIME,
)
