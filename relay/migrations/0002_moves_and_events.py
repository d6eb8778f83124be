"""The database itself refuses a move that `relay/states.py` does not know, and any change to the story."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION outbound_moves_are_known() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER outbound_moves BEFORE UPDATE ON relay_outboundtransaction
    FOR EACH ROW EXECUTE FUNCTION outbound_moves_are_known();

CREATE FUNCTION relay_story_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER transaction_events_append_only BEFORE UPDATE OR DELETE ON relay_transactionevent
    FOR EACH ROW EXECUTE FUNCTION relay_story_is_append_only();
CREATE TRIGGER signer_events_append_only BEFORE UPDATE OR DELETE ON relay_signerevent
    FOR EACH ROW EXECUTE FUNCTION relay_story_is_append_only();
CREATE TRIGGER transaction_attempts_append_only BEFORE UPDATE OR DELETE ON relay_transactionattempt
    FOR EACH ROW EXECUTE FUNCTION relay_story_is_append_only();
"""

BACKWARD = """
DROP TRIGGER transaction_attempts_append_only ON relay_transactionattempt;
DROP TRIGGER signer_events_append_only ON relay_signerevent;
DROP TRIGGER transaction_events_append_only ON relay_transactionevent;
DROP FUNCTION relay_story_is_append_only();
DROP TRIGGER outbound_moves ON relay_outboundtransaction;
DROP FUNCTION outbound_moves_are_known();
"""


class Migration(migrations.Migration):
    dependencies = [("relay", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
