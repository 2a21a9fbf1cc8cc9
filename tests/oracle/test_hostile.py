"""Bodies that nobody should send, with a proof that is right: kept as unreadable, and never in the way."""

import base64
import hashlib
import hmac
import random
import time
import uuid

import pytest
from payment_status.v1 import payment_status_pb2 as api

from gateways import Callback, Payment, StandardWebhooks, Stripe
from merchant import status

STRIPE, STANDARD = Stripe(), StandardWebhooks()
AMOUNT = b'"amount_received": 4200'

# From an honest event to one that must not be believed.
UNREADABLE = {
    "empty": lambda event: b"",
    "noise": lambda event: random.Random(7).randbytes(500),
    "broken off": lambda event: event[:200],
    "twice": lambda event: event + event,
    "with a byte order mark": lambda event: b"\xef\xbb\xbf" + event,
    "nested too deeply": lambda event: b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "a mebibyte of brackets": lambda event: b"[" * (1 << 20),
    "a key twice": lambda event: event.replace(AMOUNT, AMOUNT + b', "amount_received": 1'),
    "a key twice, escaped": lambda event: event.replace(AMOUNT, AMOUNT + b', "\\u0061mount_received": 1'),
    "not UTF-8": lambda event: event.replace(b'"order-', b'"\xff'),
    "half a surrogate": lambda event: event.replace(b'"order-', b'"\\ud800'),
    "an id with a NUL": lambda event: event.replace(b'"order-', b'"\\u0000'),
    **{
        f"an amount of {amount}": lambda event, amount=amount: event.replace(b"4200", amount.encode())
        for amount in ("-4200", "1e2", "42.5", '"1,00"', "NaN", "true", "[4200]", str(2**63), "9" * 400)
    },
}


def _signed_bytes(body):
    """As the library signs, which takes only text."""
    now = int(time.time())
    proof = hmac.new(STRIPE.secret.encode(), b"%d." % now + body, hashlib.sha256).hexdigest()
    return Callback(STRIPE.name, body, {"Stripe-Signature": f"t={now},v1={proof}"})


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_kept_and_changes_nothing(deployment, merchant, change):
    payment = Payment()
    before = merchant.register(payment, STRIPE.name).transaction
    event = STRIPE.event("paid", payment)
    callback = _signed_bytes(change(event))
    headers = [api.Header(name=name, value=value.encode()) for name, value in callback.headers.items()]
    request = api.ProcessCallbackRequest(gateway=STRIPE.name, method="POST", path=callback.path, headers=headers, body=callback.body)
    assert merchant.service.ProcessCallback(request).outcome == api.CALLBACK_OUTCOME_UNREADABLE
    assert deployment.deliver(_signed_bytes(callback.body)) == (200, STRIPE.reply)
    assert merchant.transaction(payment) == before
    # The same event, as it should be, still counts.
    assert deployment.deliver(STRIPE.sign(event)) == (200, STRIPE.reply)
    assert status(merchant.transaction(payment)) == "PAID"


def test_any_change_under_a_right_proof_is_acknowledged(deployment):
    chance = random.Random(11)
    for _ in range(150):
        body = bytearray(STANDARD.event(chance.choice(["paid", "refunded", "failed"]), Payment()))
        for _ in range(chance.choice([1, 2, 5, 30])):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(3)] = chance.choice([b"", b"{", b'"', b"\\", b"\xf0", b"1e9", b"\0"])
        message, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
        key = base64.b64decode(STANDARD.secret.removeprefix("whsec_"))
        proof = hmac.new(key, f"{message}.{now}.".encode() + body, hashlib.sha256).digest()
        headers = {"webhook-id": message, "webhook-timestamp": now}
        headers["webhook-signature"] = f"v1,{base64.b64encode(proof).decode()}"
        assert deployment.deliver(Callback(STANDARD.name, bytes(body), headers))[0] == 200, bytes(body)
