"""The database itself refuses a move that `services/ledger.py` does not know, and any change of what was asked."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION perps_execution_moves_are_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.operation, NEW.network, NEW.trader_address, NEW.idempotency_key, NEW.fingerprint)
        <> (OLD.operation, OLD.network, OLD.trader_address, OLD.idempotency_key, OLD.fingerprint)
        OR NEW.request <> OLD.request THEN
        RAISE EXCEPTION 'an execution keeps its key and its request';
    END IF;
    IF OLD.transaction_id IS NOT NULL AND NEW.transaction_id IS DISTINCT FROM OLD.transaction_id THEN
        RAISE EXCEPTION 'an execution keeps its transaction';
    END IF;
    IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
        ('RECEIVED', 'SIGNED'), ('RECEIVED', 'REJECTED'),
        ('SIGNED', 'SENT'), ('SIGNED', 'MINED'), ('SIGNED', 'REVERTED'), ('SIGNED', 'EXPIRED'),
        ('SENT', 'MINED'), ('SENT', 'REVERTED'), ('SENT', 'EXPIRED'),
        ('MINED', 'SETTLED'), ('MINED', 'CANCELLED'), ('MINED', 'SENT'),
        ('SETTLED', 'SENT'), ('SETTLED', 'MINED'), ('CANCELLED', 'SENT'), ('CANCELLED', 'MINED'),
        ('REVERTED', 'SENT'), ('EXPIRED', 'SENT')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an execution does not move from % to %', OLD.state, NEW.state;
END
$$;
CREATE TRIGGER perps_execution_moves BEFORE UPDATE ON perps_executions
    FOR EACH ROW EXECUTE FUNCTION perps_execution_moves_are_known();
"""

BACKWARD = """
DROP TRIGGER perps_execution_moves ON perps_executions;
DROP FUNCTION perps_execution_moves_are_known();
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0006_unconfirmed_index")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
