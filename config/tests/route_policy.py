"""Who may open which address. A new address without an entry here makes the tests red.

public: everybody · link: whoever has the signed link · signed_in: everybody who is signed in, own things only · staff: staff by permission ·
caller: a program, verified by the token it brings; it reads no cookie
"""

from __future__ import annotations

PUBLIC, LINK, SIGNED_IN, STAFF, CALLER = "public", "link", "signed_in", "staff", "caller"

# By full name, or by namespace for whole parts.
POLICY: dict[str, str] = {
    "booking:services": PUBLIC,
    "booking:service": PUBLIC,
    "booking:time": PUBLIC,
    "booking:details": PUBLIC,
    "booking:booked": PUBLIC,
    "booking:waiting_enter": PUBLIC,
    "booking:waiting_entered": PUBLIC,
    "booking:waiting": LINK,
    "booking:waiting_withdraw": LINK,
    "booking:events": PUBLIC,
    "booking:event": PUBLIC,
    "booking:registered": PUBLIC,
    "booking:registration": LINK,
    "booking:registration_cancel": LINK,
    "booking:staff_event": SIGNED_IN,
    "booking:manage": LINK,
    "booking:manage_reschedule": LINK,
    "booking:manage_cancel": LINK,
    "booking:panel": LINK,
    "booking:profile": SIGNED_IN,
    "booking:why": SIGNED_IN,
    "booking:appointment": SIGNED_IN,
    "booking:appointment_approve": SIGNED_IN,
    "booking:appointment_reject": SIGNED_IN,
    "booking:appointment_cancel": SIGNED_IN,
    "booking:appointment_move": SIGNED_IN,
    "booking:appointment_sync": SIGNED_IN,
    "booking:attendance_approve": SIGNED_IN,
    "booking:attendance_reject": SIGNED_IN,
    "booking:attendance_cancel": SIGNED_IN,
    "booking:attendance_no_show": SIGNED_IN,
    "set_language": PUBLIC,
    "oauth_callback": SIGNED_IN,
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_inactive": PUBLIC,
    "account_signup": PUBLIC,
    "account_reauthenticate": SIGNED_IN,
    "account_email": SIGNED_IN,
    "account_email_verification_sent": PUBLIC,
    "account_confirm_email": PUBLIC,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_confirm_login_code": PUBLIC,
    "mfa_authenticate": PUBLIC,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_trust": PUBLIC,
    "mfa_index": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "admin": STAFF,
    "integrations": SIGNED_IN,
    # Calendar services that tell of changes.
    "hook": CALLER,
    "crm": SIGNED_IN,
    "crm_api": SIGNED_IN,
    # The public API and its description.
    "api": PUBLIC,
}
