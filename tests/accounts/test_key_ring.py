"""Master keys wrap the keys of recordings, and can be replaced (security reference, S60)."""

import secrets

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from accounts.key_ring import KeyRing, KeyUnusable, WrappedKey, recording_keys

OLD, NEW = {"2025": b"o" * 32}, {"2026": b"n" * 32}
OWNER = "recording-1"


class TestKeyRing:
    def test_opens_what_it_wrapped(self) -> None:
        data_key, wrapped = KeyRing(OLD).new_key(owner=OWNER)

        assert KeyRing(OLD).unwrap(wrapped, owner=OWNER) == data_key
        assert len(data_key) == 32

    def test_gives_every_recording_a_key_of_its_own_and_never_stores_it_bare(self) -> None:
        ring = KeyRing(OLD)

        one, wrapped = ring.new_key(owner=OWNER)
        another, _ = ring.new_key(owner=OWNER)

        assert one != another
        assert one not in wrapped.sealed

    def test_wraps_with_the_first_key_and_opens_with_all(self) -> None:
        data_key, old = KeyRing(OLD).new_key(owner=OWNER)
        both = KeyRing(NEW | OLD)

        _, new = both.new_key(owner=OWNER)

        assert (old.key_id, new.key_id) == ("2025", "2026")
        assert both.unwrap(old, owner=OWNER) == data_key

    def test_lets_a_master_key_go_once_all_is_rewrapped(self) -> None:
        data_key, old = KeyRing(OLD).new_key(owner=OWNER)

        rewrapped = KeyRing(NEW | OLD).rewrap(old, owner=OWNER)

        assert KeyRing(NEW).unwrap(rewrapped, owner=OWNER) == data_key
        assert KeyRing(NEW).rewrap(rewrapped, owner=OWNER) is rewrapped

    def test_refuses_a_key_whose_master_key_is_gone(self) -> None:
        _, wrapped = KeyRing(OLD).new_key(owner=OWNER)

        with pytest.raises(KeyUnusable):
            KeyRing(NEW).unwrap(wrapped, owner=OWNER)

    def test_refuses_the_key_of_another_recording(self) -> None:
        _, wrapped = KeyRing(OLD).new_key(owner=OWNER)

        with pytest.raises(KeyUnusable):
            KeyRing(OLD).unwrap(wrapped, owner="recording-2")

    def test_refuses_a_master_key_that_only_has_the_same_name(self) -> None:
        _, wrapped = KeyRing(OLD).new_key(owner=OWNER)

        with pytest.raises(KeyUnusable):
            KeyRing({"2025": b"x" * 32}).unwrap(wrapped, owner=OWNER)

    @pytest.mark.parametrize("place", [0, 12, 20, -1])
    def test_refuses_a_wrapped_key_of_which_a_byte_was_changed(self, place: int) -> None:
        _, wrapped = KeyRing(OLD).new_key(owner=OWNER)
        changed = bytearray(wrapped.sealed)
        changed[place] ^= 1

        with pytest.raises(KeyUnusable):
            KeyRing(OLD).unwrap(WrappedKey("2025", bytes(changed)), owner=OWNER)

    def test_refuses_what_is_too_short_to_be_one(self) -> None:
        with pytest.raises(KeyUnusable):
            KeyRing(OLD).unwrap(WrappedKey("2025", secrets.token_bytes(5)), owner=OWNER)

    def test_is_made_from_the_setting_and_needs_a_key(self, settings: Settings) -> None:
        settings.RECORDING_KEYS = OLD
        assert recording_keys().new_key(owner=OWNER)[1].key_id == "2025"

        settings.RECORDING_KEYS = {}
        with pytest.raises(ImproperlyConfigured, match="RECORDING_KEYS"):
            recording_keys()
