from django.db import migrations

# `acknowledged` is a clock and no state any more; each way out has its own state; a round begins at the reception.
FORWARD = """
UPDATE incidents_incident SET received_at = opened_at, round_at = opened_at,
    state = CASE
        WHEN state = 'acknowledged' THEN 'new'
        WHEN state = 'closed' AND close_reason IN ('duplicate', 'false_alarm', 'not_competent', 'no_action')
            THEN close_reason
        ELSE state
    END
"""
BACKWARD = """
UPDATE incidents_incident SET state = CASE
    WHEN state IN ('duplicate', 'false_alarm', 'not_competent', 'cancelled', 'no_action') THEN 'closed'
    WHEN state = 'new' AND acknowledged_at IS NOT NULL THEN 'acknowledged'
    WHEN state IN ('assigned', 'on_hold') THEN 'in_progress'
    WHEN state IN ('qualified', 'reopened') THEN 'acknowledged'
    ELSE state
END
"""


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0004_lifecycle'),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
