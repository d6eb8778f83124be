"""The story of an execution can only grow, whoever writes to the database."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION perps_execution_events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'execution events are append-only';
END
$$;
CREATE TRIGGER perps_execution_events_append_only
    BEFORE UPDATE OR DELETE ON perps_execution_events
    FOR EACH ROW EXECUTE FUNCTION perps_execution_events_are_append_only();
"""

BACKWARD = """
DROP TRIGGER perps_execution_events_append_only ON perps_execution_events;
DROP FUNCTION perps_execution_events_are_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
