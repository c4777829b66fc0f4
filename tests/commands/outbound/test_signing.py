"""Signatures of messages, held against another's reading of Standard Webhooks."""

import time
from base64 import b64encode

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from commands.outbound.signing import (
    NotGenuine,
    key_of,
    new_secret,
    signature,
    signed,
    verify,
)

ID, BODY = "msg_0192f1c8", '{"type":"record.created","data":{"name":"Grün"}}'.encode()


def test_a_message_is_signed_as_the_standards_example():
    # the example of the standard's own libraries
    assert (
        signature(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_threat_69_what_is_signed_here_is_genuine_there():
    secret, now = new_secret(), int(time.time())
    headers = dict(signed(ID, now, BODY, [secret]))
    assert Webhook(secret).verify(BODY, headers)["type"] == "record.created"
    assert verify(headers, BODY, [secret], now=now) == ID


def test_threat_69_what_is_signed_there_is_genuine_here():
    from datetime import UTC, datetime

    secret, now = new_secret(), int(time.time())
    said = Webhook(secret).sign(ID, datetime.fromtimestamp(now, UTC), BODY.decode())
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": str(now),
        "webhook-signature": said,
    }
    assert verify(headers, BODY, [secret], now=now) == ID


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_other"),
        ("webhook-id", ""),
        ("webhook-timestamp", "+0"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", ""),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", ""),
        ("webhook-signature", "v1a,"),
    ],
)
def test_threat_69_what_was_tampered_with_is_not_genuine(name, value):
    secret, now = new_secret(), int(time.time())
    headers = {**signed(ID, now, BODY, [secret]), name: value}
    with pytest.raises(NotGenuine):
        verify(headers, BODY, [secret], now=now)
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(secret).verify(BODY, headers)


def test_threat_69_another_body_is_not_genuine():
    secret, now = new_secret(), int(time.time())
    headers = dict(signed(ID, now, BODY, [secret]))
    for body in (BODY + b" ", BODY[:-1], b""):
        with pytest.raises(NotGenuine):
            verify(headers, body, [secret], now=now)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)


@pytest.mark.parametrize("away", [-301, 301])
def test_threat_69_a_message_is_good_for_five_minutes_either_way(away):
    secret, now = new_secret(), int(time.time())
    near = away - (1 if away > 0 else -1)
    assert verify(signed(ID, now + near, BODY, [secret]), BODY, [secret], now=now) == ID
    headers = dict(signed(ID, now + away, BODY, [secret]))
    with pytest.raises(NotGenuine):
        verify(headers, BODY, [secret], now=now)
    # the other's clock goes on: two seconds for this test to come to its end
    headers = dict(signed(ID, now + away + (2 if away > 0 else 0), BODY, [secret]))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers)


def test_threat_69_while_secrets_change_both_are_good_and_then_the_new_one_is():
    old, new, now = new_secret(), new_secret(), int(time.time())
    both = dict(signed(ID, now, BODY, [new, old]))
    assert len(both["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert verify(both, BODY, [secret], now=now) == ID
        assert Webhook(secret).verify(BODY, both)
    after = dict(signed(ID, now, BODY, [new]))
    with pytest.raises(NotGenuine):
        verify(after, BODY, [old], now=now)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(BODY, after)


@pytest.mark.parametrize("id", ["", "msg_1.2", "."])
def test_threat_69_an_id_has_no_full_stop(id):
    with pytest.raises(ValueError, match="no full stop"):
        signed(id, 0, BODY, [new_secret()])


def test_a_secret_has_24_to_64_bytes():
    assert len(key_of(new_secret())) == 32
    assert new_secret() != new_secret()
    for length in (24, 64):
        assert key_of("whsec_" + b64encode(bytes(length)).decode()) == bytes(length)
    for wrong in (23, 65, 0):
        with pytest.raises(ValueError, match="24 to 64"):
            key_of("whsec_" + b64encode(bytes(wrong)).decode())
    with pytest.raises(ValueError, match="base64"):
        key_of("whsec_not base64")
