"""What was taken for replaced goes back when a receipt of ours shows after all. The index is built beside running writes."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

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
        ('MINED', 'SENT'), ('REVERTED', 'SENT'), ('EXPIRED', 'UNKNOWN'), ('CANCELLED', 'UNKNOWN'),
        ('REPLACED', 'SENT')
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an outbound transaction does not move from % to %', OLD.state, NEW.state;
END
$$;
"""

BACKWARD = """
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
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("relay", "0004_late_writers")]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        # The service's own limit of 20 s would end it on a long table.
        migrations.RunSQL("SET statement_timeout = 0", "SET statement_timeout = 0"),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS outbound_replaced", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="outboundtransaction",
            index=models.Index(
                condition=models.Q(("state", "REPLACED")), fields=["decided_at"], name="outbound_replaced"
            ),
        ),
        migrations.RunSQL("RESET statement_timeout", "RESET statement_timeout"),
    ]
