"""Sealing: what is sealed says nothing, and only its secret key opens it."""

import pytest

from commands.sealing import Sealing, Unreadable

NEW, OLD = "n" * 32, "o" * 32


def test_what_was_sealed_is_opened_again():
    sealing = Sealing([NEW])

    sealed = sealing.seal(b"content")

    assert sealing.open(sealed) == b"content"
    assert b"content" not in sealed
    assert sealing.seal(b"content") != sealed


def test_an_earlier_key_still_opens_and_the_present_one_seals():
    both = Sealing([NEW, OLD])

    assert both.open(Sealing([OLD]).seal(b"old")) == b"old"
    assert Sealing([NEW]).open(both.seal(b"new")) == b"new"


@pytest.mark.parametrize("spoil", [lambda one: one[:-4] + b"AAAA", lambda one: b""])
def test_what_another_key_sealed_or_somebody_changed_is_not_opened(spoil):
    with pytest.raises(Unreadable):
        Sealing([NEW]).open(Sealing([OLD]).seal(b"content"))
    with pytest.raises(Unreadable):
        Sealing([NEW]).open(spoil(Sealing([NEW]).seal(b"content")))
