"""Fresh statistics after an import: the owner of a table alone may take them, so a function of the owner's does."""

from django.db import migrations

FORWARD = """
DO $made$
DECLARE
    home text := current_schema();
BEGIN
    EXECUTE format($function$
CREATE FUNCTION places_analyse(relation text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %1$I, pg_temp AS $$
BEGIN
    IF relation NOT LIKE 'places\\_%%' THEN
        RAISE EXCEPTION 'not a table of places: %%', relation USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('ANALYZE %%I.%%I', %1$L, relation);
END $$ $function$, home);
END $made$;
REVOKE ALL ON FUNCTION places_analyse(text) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("places", "0003_streets")]
    operations = [migrations.RunSQL(FORWARD, "DROP FUNCTION places_analyse(text);")]
