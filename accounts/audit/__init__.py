"""The audit record: how it is kept, sealed, checked and handed out (security reference, section 6)."""
