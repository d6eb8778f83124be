"""What a late writer may not do: undo what the chain said, lower a nonce, revive a signer, add bytes to what was given up.

The rows' times come from the database's clock, and a cancellation may be replaced by one with a higher fee.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

NOW = django.db.models.functions.datetime.Now()

FORWARD = """
CREATE OR REPLACE FUNCTION outbound_moves_are_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.nonce <> OLD.nonce OR NEW.signer_id <> OLD.signer_id OR NEW."to" <> OLD."to" OR NEW.data <> OLD.data THEN
        RAISE EXCEPTION 'an outbound transaction keeps its signer, nonce and call';
    END IF;
    IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
        ('SIGNED', 'SENT'), ('SIGNED', 'UNKNOWN'), ('SIGNED', 'MINED'), ('SIGNED', 'REVERTED'),
        ('SIGNED', 'EXPIRED'), ('SIGNED', 'CANCELLED'), ('SIGNED', 'REPLACED'),
        ('UNKNOWN', 'SENT'), ('UNKNOWN', 'MINED'), ('UNKNOWN', 'REVERTED'),
        ('UNKNOWN', 'EXPIRED'), ('UNKNOWN', 'CANCELLED'), ('UNKNOWN', 'REPLACED'),
        ('SENT', 'MINED'), ('SENT', 'REVERTED'), ('SENT', 'EXPIRED'), ('SENT', 'CANCELLED'), ('SENT', 'REPLACED'),
        ('MINED', 'FINAL')
    ) THEN
        RETURN NEW;
    END IF;
    IF NEW.vanished > OLD.vanished AND (OLD.state, NEW.state) IN (
        ('MINED', 'SENT'), ('REVERTED', 'SENT'), ('EXPIRED', 'UNKNOWN'), ('CANCELLED', 'UNKNOWN')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an outbound transaction does not move from % to %', OLD.state, NEW.state;
END
$$;

CREATE FUNCTION signer_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.next_nonce IS NOT NULL AND (NEW.next_nonce IS NULL OR NEW.next_nonce < OLD.next_nonce) THEN
        RAISE EXCEPTION 'the next nonce of a signer only grows';
    END IF;
    IF OLD.state = 'retired' AND NEW.state <> 'retired' THEN
        RAISE EXCEPTION 'a retired signer stays retired';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER signer_forward BEFORE UPDATE OF next_nonce, state ON relay_signer
    FOR EACH ROW EXECUTE FUNCTION signer_goes_forward();

CREATE FUNCTION attempt_comes_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    outbound relay_outboundtransaction%ROWTYPE;
BEGIN
    SELECT * INTO outbound FROM relay_outboundtransaction WHERE id = NEW.transaction_id FOR NO KEY UPDATE;
    IF outbound.state IN ('EXPIRED', 'CANCELLED', 'REPLACED') THEN
        RAISE EXCEPTION 'the nonce of this transaction is spent';
    END IF;
    IF NEW.purpose = 'call' AND outbound.given_up <> '' THEN
        RAISE EXCEPTION 'this transaction was given up';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER attempt_in_time BEFORE INSERT ON relay_transactionattempt
    FOR EACH ROW EXECUTE FUNCTION attempt_comes_in_time();
"""

BACKWARD = """
DROP TRIGGER attempt_in_time ON relay_transactionattempt;
DROP FUNCTION attempt_comes_in_time();
DROP TRIGGER signer_forward ON relay_signer;
DROP FUNCTION signer_goes_forward();

CREATE OR REPLACE FUNCTION outbound_moves_are_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.nonce <> OLD.nonce OR NEW.signer_id <> OLD.signer_id OR NEW."to" <> OLD."to" OR NEW.data <> OLD.data THEN
        RAISE EXCEPTION 'an outbound transaction keeps its signer, nonce and call';
    END IF;
    IF NEW.state = OLD.state OR (OLD.state, NEW.state) IN (
        ('SIGNED', 'SENT'), ('SIGNED', 'UNKNOWN'), ('SIGNED', 'MINED'), ('SIGNED', 'REVERTED'),
        ('SIGNED', 'EXPIRED'), ('SIGNED', 'CANCELLED'), ('SIGNED', 'REPLACED'),
        ('UNKNOWN', 'SENT'), ('UNKNOWN', 'MINED'), ('UNKNOWN', 'REVERTED'),
        ('UNKNOWN', 'EXPIRED'), ('UNKNOWN', 'CANCELLED'), ('UNKNOWN', 'REPLACED'),
        ('SENT', 'MINED'), ('SENT', 'REVERTED'), ('SENT', 'EXPIRED'), ('SENT', 'CANCELLED'), ('SENT', 'REPLACED'),
        ('MINED', 'FINAL'), ('MINED', 'SENT'), ('REVERTED', 'SENT'), ('EXPIRED', 'UNKNOWN'), ('CANCELLED', 'UNKNOWN')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an outbound transaction does not move from % to %', OLD.state, NEW.state;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("relay", "0003_retiring_signers")]

    operations = [
        migrations.RemoveConstraint(model_name="transactionattempt", name="one_cancellation_per_transaction"),
        *(
            migrations.AlterField(
                model_name=model, name=field, field=models.DateTimeField(db_default=NOW, editable=False)
            )
            for model, field in (
                ("outboundtransaction", "created_at"),
                ("transactionattempt", "created_at"),
                ("transactionevent", "at"),
                ("signerevent", "at"),
            )
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
