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
    sit_at,
)

__all__ = [
    "DEMONSTRATION_ACCOUNTS",
    "ROOM",
    "SYSTEM",
    "create_person",
    "create_token",
    "ensure_demonstration_accounts",
    "grant_clearance",
    "publish_posts",
    "retire_demonstration_accounts",
    "revoke_token",
    "set_preferences",
    "sign_in",
    "sign_out",
    "sit_at",
]
