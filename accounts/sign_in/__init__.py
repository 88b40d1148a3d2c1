"""How staff come in, stay in and leave: lockout, second factor, sessions, passwords (security reference, section 4)."""
