"""Everything that a request would touch, as a file: a whole city is not read page by page."""

from __future__ import annotations

import csv
import io

from django.http import HttpResponse
from django.utils.translation import gettext as _

from beffroi.console import words
from beffroi.console.taking_out import cell
from beffroi.kernel.alarms.queries import clock_time
from beffroi.kernel.commands.types import DryRun


def whole(run: DryRun) -> HttpResponse:
    """Return each piece of equipment that would be commanded, then each that is left out and why, as spreadsheets read it."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow([_("Code"), _("Nom"), _("Lieu"), _("Commune"), _("Ce qu’il en est")])
    commanded = _("sera commandé")
    rows.writerows(
        (cell(each.code), cell(each.name), cell(each.place), cell(each.commune), commanded) for each in run.touched
    )
    rows.writerows(
        (cell(each.code), cell(each.name), "", "", words.told(words.LEFT_OUT, each.key)) for each in run.left_out
    )
    name = f"{run.ability.slug}-{clock_time(run.due_at).replace(':', '')}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8", headers=headers)
