"""Writes of scheduling: one function for each thing the clinic can do; each owns its transaction."""

from scheduling.services.appointments import (
    arrive,
    book_appointment,
    cancel_appointment,
    confirm_attendance,
    enter_in_error,
    fulfil,
    record_no_show,
    reschedule_appointment,
)
from scheduling.services.care import assign_nurse, end_assignment, make_primary
from scheduling.services.details import send_details
from scheduling.services.exports import export_csv
from scheduling.services.feeds import create_feed, note_feed_use, revoke_feed
from scheduling.services.handover import (
    HandoverPreview,
    HandoverResult,
    apply_handover,
    preview_handover,
)
from scheduling.services.holds import expire_holds, hold_slot, release_holds
from scheduling.services.hours import (
    HoursPreview,
    HoursRow,
    preview_hours,
    recheck_hours,
    save_hours,
)
from scheduling.services.imports import (
    ImportResult,
    accept_import,
    check_file,
    forget_old_imports,
    import_file,
    most_bytes,
    run_next_import,
    upload_import,
)
from scheduling.services.offers import (
    accept_offer,
    decline_offer,
    expire_offers,
    offer_freed_times,
    withdraw_offer,
)
from scheduling.services.people import Registration, link_login, record_consent, register_patient
from scheduling.services.sample import LoadedClinic, load_clinic
from scheduling.services.series import Pattern, book_series, cancel_series, preview_series
from scheduling.services.series_members import SeriesResult
from scheduling.services.series_moves import Shift, reschedule_series
from scheduling.services.tasks import raise_alarm, take_message
from scheduling.services.transitions import lock_visits
from scheduling.services.waitlist import expire_entries, join_waitlist, leave_waitlist, lock_wishes

__all__ = [
    "HandoverPreview",
    "HandoverResult",
    "HoursPreview",
    "HoursRow",
    "ImportResult",
    "LoadedClinic",
    "Pattern",
    "Registration",
    "SeriesResult",
    "Shift",
    "accept_import",
    "accept_offer",
    "apply_handover",
    "arrive",
    "assign_nurse",
    "book_appointment",
    "book_series",
    "cancel_appointment",
    "cancel_series",
    "check_file",
    "confirm_attendance",
    "create_feed",
    "decline_offer",
    "end_assignment",
    "enter_in_error",
    "expire_entries",
    "expire_holds",
    "expire_offers",
    "export_csv",
    "forget_old_imports",
    "fulfil",
    "hold_slot",
    "import_file",
    "join_waitlist",
    "leave_waitlist",
    "link_login",
    "load_clinic",
    "lock_visits",
    "lock_wishes",
    "make_primary",
    "most_bytes",
    "note_feed_use",
    "offer_freed_times",
    "preview_handover",
    "preview_hours",
    "preview_series",
    "raise_alarm",
    "recheck_hours",
    "record_consent",
    "record_no_show",
    "register_patient",
    "release_holds",
    "reschedule_appointment",
    "reschedule_series",
    "revoke_feed",
    "run_next_import",
    "save_hours",
    "send_details",
    "take_message",
    "upload_import",
    "withdraw_offer",
]
