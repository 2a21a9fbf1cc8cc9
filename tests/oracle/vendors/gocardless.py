"""https://developer.gocardless.com/api-reference/#webhooks-overview: one callback carries many events."""

import hashlib
import hmac

import gocardless_pro.webhooks
from gocardless_pro.errors import InvalidSignatureError

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, accepts, understood

WORDS = {"confirmed": "paid", "failed": "failed", "submitted": "pending", "cancelled": "canceled"}


class Gocardless(Vendor):
    kind = "gocardless"
    secret = Draw().uuid().upper()
    currency = "GBP"

    def callback(self, draw):
        told = [self._event(draw) for _ in range(draw.randint(1, 5))]
        body = draw.json({"events": [event for event, _ in told], "meta": {"webhook_id": draw.name("WB")}})
        signature = hmac.digest(self.secret.encode(), body, hashlib.sha256).hex()
        headers = {"Content-Type": "application/json", "Webhook-Signature": signature}
        return Callback(headers, body, expect=[expect for _, expect in told])

    def _event(self, draw):
        payment, reference = draw.name("PM"), draw.reference()
        word = draw.choice(list(WORDS))
        event = {
            "id": draw.name("EV"),
            "created_at": draw.moment(),
            "resource_type": "payments",
            "action": word,
            "links": {"payment": payment},
            "details": {"origin": "bank", "cause": f"payment_{word}", "description": draw.text()},
            "resource_metadata": {"order_id": reference, "note": draw.text()},
        }
        return dict(draw.shuffled(event)), understood(payment, reference, None, None, WORDS[word])

    @accepts(InvalidSignatureError)
    def proves(self, callback):
        gocardless_pro.webhooks.parse(callback.body, self.secret, callback.header("Webhook-Signature"))
