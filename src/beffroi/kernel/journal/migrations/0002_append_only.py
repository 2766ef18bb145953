"""The database itself keeps the journal append-only, numbers it, and tells who listens."""

from django.db import migrations

FORWARD = """
INSERT INTO journal_head (id, seq) VALUES (1, 0);

CREATE FUNCTION journal_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % on % is refused; correct a line by writing a new one', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER journal_line_append_only BEFORE UPDATE OR DELETE ON journal_line
    FOR EACH ROW EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_line_no_truncate BEFORE TRUNCATE ON journal_line
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_seal_append_only BEFORE UPDATE OR DELETE ON journal_seal
    FOR EACH ROW EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_seal_no_truncate BEFORE TRUNCATE ON journal_seal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_head_no_delete BEFORE DELETE ON journal_head
    FOR EACH ROW EXECUTE FUNCTION journal_refuse();
CREATE TRIGGER journal_head_no_truncate BEFORE TRUNCATE ON journal_head
    FOR EACH STATEMENT EXECUTE FUNCTION journal_refuse();

CREATE FUNCTION journal_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq < OLD.seq THEN
        RAISE EXCEPTION 'the journal never goes back: % after %', NEW.seq, OLD.seq USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_head_only_forward BEFORE UPDATE ON journal_head
    FOR EACH ROW EXECUTE FUNCTION journal_head_forward();

CREATE FUNCTION journal_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('journal', (SELECT coalesce(max(seq), 0)::text FROM written));
    RETURN NULL;
END $$;
CREATE TRIGGER journal_line_tell AFTER INSERT ON journal_line
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION journal_tell();
"""

BACKWARD = """
DROP TRIGGER journal_line_tell ON journal_line;
DROP TRIGGER journal_line_append_only ON journal_line;
DROP TRIGGER journal_line_no_truncate ON journal_line;
DROP TRIGGER journal_seal_append_only ON journal_seal;
DROP TRIGGER journal_seal_no_truncate ON journal_seal;
DROP TRIGGER journal_head_no_delete ON journal_head;
DROP TRIGGER journal_head_no_truncate ON journal_head;
DROP TRIGGER journal_head_only_forward ON journal_head;
DROP FUNCTION journal_refuse(), journal_head_forward(), journal_tell();
DELETE FROM journal_head;
"""


class Migration(migrations.Migration):
    dependencies = [("journal", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
