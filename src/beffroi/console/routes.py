"""Every address of the console."""

from __future__ import annotations

from django.urls import path

from beffroi.console import (
    accounts,
    acts,
    equipment,
    finding,
    groups,
    handover,
    linking,
    mapping,
    opening,
    pages,
    quality,
    records,
)

app_name = "console"
urlpatterns = [
    path("", pages.situation, name="situation"),
    path("login", accounts.sign_in, name="login"),
    path("logout", accounts.sign_out, name="logout"),
    path("preferences", accounts.preferences, name="preferences"),
    path("help", pages.help_page, name="help"),
    path("incidents", finding.incidents, name="incidents"),
    path("incidents/new", opening.new, name="incident_new"),
    path("incidents/<str:reference>", pages.incident, name="incident"),
    path("incidents/<str:reference>/panel", pages.incident_panel, name="incident_panel"),
    path("incidents/<str:reference>/acknowledge", acts.acknowledge, name="incident_acknowledge"),
    path("incidents/<str:reference>/take", acts.take, name="incident_take"),
    path("incidents/<str:reference>/close", acts.close, name="incident_close"),
    path("incidents/<str:reference>/reopen", acts.reopen, name="incident_reopen"),
    path("incidents/<str:reference>/note", acts.note, name="incident_note"),
    path("groups/<slug:key>/panel", groups.group_panel, name="group_panel"),
    path("groups/<slug:key>/acknowledge", groups.group_acknowledge, name="group_acknowledge"),
    path("incidents/<str:reference>/attach", opening.attach, name="incident_attach"),
    path("incidents/<str:reference>/merge", linking.merge, name="incident_merge"),
    path("incidents/<str:reference>/separate", linking.separate, name="incident_separate"),
    path("incidents/<str:reference>/split", linking.split, name="incident_split"),
    path("incidents/<str:reference>/confirm", linking.confirm, name="incident_confirm"),
    path("incidents/<str:reference>/reject", linking.reject, name="incident_reject"),
    path("quality", quality.quality, name="quality"),
    path("assets", equipment.assets, name="assets"),
    path("assets/<path:code>", equipment.asset, name="asset"),
    path("plot/<path:code>", equipment.plot, name="plot"),
    path("map/assets.json", mapping.map_assets, name="map_assets"),
    path("map/assets/<int:asset_id>/panel", equipment.asset_panel, name="asset_panel"),
    path("map/cells/14/<int:x>/<int:y>.json", mapping.map_cell, name="map_cell"),
    path("handover", handover.handover, name="handover"),
    path("handover/duty", handover.begin_duty, name="handover_duty"),
    path("handover/sign", handover.hand_over, name="handover_sign"),
    path("handover/instructions", handover.instruct, name="handover_instruct"),
    path("handover/instructions/<int:instruction_id>/end", handover.end_instruction, name="handover_instruction_end"),
    path("handover/<int:handover_id>", handover.handover_record, name="handover_record"),
    path("handover/<int:handover_id>/countersign", handover.take_over, name="handover_countersign"),
    path("handover/<int:handover_id>/withdraw", handover.withdraw, name="handover_withdraw"),
    path("journal", records.journal_page, name="journal"),
    path("quarantine", records.quarantine, name="quarantine"),
]
