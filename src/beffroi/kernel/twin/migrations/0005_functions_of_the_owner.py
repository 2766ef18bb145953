"""What only the owner of the tables may do, as functions that do nothing else: days of history, statistics.

They run with the rights of the role that migrates (SECURITY DEFINER): their search path is fixed, what they are given is
a date, and nobody may call them until the role under which the post runs is given the right (app/roles.py).
"""

from django.db import migrations

FORWARD = """
DO $made$
DECLARE
    home text := current_schema();
BEGIN
    EXECUTE format($function$
CREATE FUNCTION twin_make_history(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %1$I, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    part text := 'twin_history_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day IS NULL OR day NOT BETWEEN date '2000-01-01' AND date '2199-12-31' THEN
        RAISE EXCEPTION 'no day of history is made for %%', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass(format('%%I.%%I', %1$L, part)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('twin_history'));
    EXECUTE format('CREATE TABLE IF NOT EXISTS %%I.%%I PARTITION OF %%I.twin_history FOR VALUES FROM (%%L) TO (%%L)',
        %1$L, part, %1$L, day::timestamptz, (day + 1)::timestamptz);
    RETURN true;
END $$ $function$, home);

    EXECUTE format($function$
CREATE FUNCTION twin_drop_history(before date) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %1$I, pg_temp AS $$
DECLARE
    part regclass;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.oid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = '%1$I.twin_history'::regclass AND c.relname < 'twin_history_' || to_char(before, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE %%s', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$ $function$, home);

    EXECUTE format($function$
CREATE FUNCTION twin_analyse() RETURNS void LANGUAGE sql SECURITY DEFINER
SET search_path = %1$I, pg_temp AS $$ ANALYZE %1$I.twin_asset $$ $function$, home);
END $made$;
REVOKE ALL ON FUNCTION twin_make_history(date), twin_drop_history(date), twin_analyse() FROM PUBLIC;
"""
BACKWARD = "DROP FUNCTION twin_make_history(date), twin_drop_history(date), twin_analyse();"


class Migration(migrations.Migration):
    dependencies = [("twin", "0004_identity_of_the_log")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
