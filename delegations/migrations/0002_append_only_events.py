"""The story of a delegation can only grow, whoever writes to the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION delegation_events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'delegation events are append-only';
END
$$;
CREATE TRIGGER delegation_events_append_only
    BEFORE UPDATE OR DELETE ON delegations_delegationevent
    FOR EACH ROW EXECUTE FUNCTION delegation_events_are_append_only();
"""

BACKWARD = """
DROP TRIGGER delegation_events_append_only ON delegations_delegationevent;
DROP FUNCTION delegation_events_are_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("delegations", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
