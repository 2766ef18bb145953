"""Find lines by what they say, by who wrote them where, and the newest of a room, among ten million."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION journal_fold(said text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
    translate(lower(said), 'àâäáãåçéèêëíìîïñóòôöõúùûüýÿ', 'aaaaaaceeeeiiiinooooouuuuyy'), '[^a-z0-9]+', ' ', 'g');

CREATE FUNCTION journal_words(seq bigint, said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('pg_catalog.simple'::regconfig, journal_fold(said))
    || array_to_tsvector(ARRAY['~' || seq / 10000, '~~' || seq / 1000000]);

CREATE INDEX journal_line_words ON journal_line USING gin (
    journal_words(seq, actor_name || ' ' || subject || ' ' || reason || ' ' || purpose || ' ' || content));
CREATE INDEX journal_line_room ON journal_line (room, seq);
CREATE INDEX journal_line_actor_verb ON journal_line (actor_id, verb, seq);
CREATE INDEX journal_line_actor_room ON journal_line (actor_id, room, seq);
CREATE INDEX journal_line_personal ON journal_line (seq) WHERE about <> '';
"""
BACKWARD = """
DROP INDEX journal_line_words, journal_line_room, journal_line_actor_verb, journal_line_actor_room, journal_line_personal;
DROP FUNCTION journal_words(bigint, text), journal_fold(text);
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0004_personal")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
