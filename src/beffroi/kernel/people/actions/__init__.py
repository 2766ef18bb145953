"""Every write of the people's room: accounts and posts, then instructions, duty and shift hand-over."""

from beffroi.kernel.people.actions.accounts import (
    DEMONSTRATION_ACCOUNTS,
    ROOM,
    SYSTEM,
    create_person,
    create_token,
    ensure_demonstration_accounts,
    grant_clearance,
    publish_posts,
    retire_demonstration_accounts,
    revoke_token,
    set_preferences,
    sign_in,
    sign_out,
    signed_in,
    sit_at,
)
from beffroi.kernel.people.actions.handing_over import (
    begin_duty,
    end_duty,
    hand_over_shift,
    publish_shifts,
    take_over_shift,
    withdraw_handover,
)
from beffroi.kernel.people.actions.instructing import (
    end_instruction,
    expire_instructions,
    write_instruction,
)

__all__ = [
    "DEMONSTRATION_ACCOUNTS",
    "ROOM",
    "SYSTEM",
    "begin_duty",
    "create_person",
    "create_token",
    "end_duty",
    "end_instruction",
    "ensure_demonstration_accounts",
    "expire_instructions",
    "grant_clearance",
    "hand_over_shift",
    "publish_posts",
    "publish_shifts",
    "retire_demonstration_accounts",
    "revoke_token",
    "set_preferences",
    "sign_in",
    "sign_out",
    "signed_in",
    "sit_at",
    "take_over_shift",
    "withdraw_handover",
    "write_instruction",
]
