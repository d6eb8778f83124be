"""What a command tells about a Safe transaction that owners have to sign."""

from delegations.services import PreparedTransaction
from ostium_service.commands import Item


def describe_for_owners(prepared: PreparedTransaction) -> Item:
    """Everything a wallet or the Safe's own app needs: the hash, the transaction, how many signatures of whom."""
    row = prepared.safe_transaction
    return {
        "safeTxHash": row.safe_tx_hash,
        "safeTxData": row.safe_tx_data,
        "threshold": row.threshold,
        "owners": row.owners,
    }
