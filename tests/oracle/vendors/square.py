"""https://developer.squareup.com/docs/webhooks/step3validate: the URL and the body are signed."""

import base64
import hashlib
import hmac

from square.utils.webhooks_helper import verify_signature

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, understood


class Square(Vendor):
    kind = "square"
    secret = Draw().key()
    settings = {"notification_url": "https://pay.example.com/callbacks/square?shop=1"}
    currency = "USD"

    def callback(self, draw):
        payment, reference, amount = draw.name("pay"), draw.reference(), draw.amount()
        money = {"amount": amount.minor, "currency": "USD"}
        word, status = draw.choice(
            [("COMPLETED", "paid"), ("APPROVED", "authorized"), ("FAILED", "failed"), ("CANCELED", "canceled")]
        )
        inner = {"id": payment, "amount_money": money, "status": word, "reference_id": reference, "note": draw.blank()}
        event = {
            "merchant_id": draw.name(),
            "type": draw.choice(["payment.created", "payment.updated"]),
            "event_id": draw.uuid(),
            "created_at": draw.moment(),
            "data": {"type": "payment", "id": payment, "object": {"payment": dict(draw.shuffled(inner))}},
        }
        expect = [understood(payment, reference, amount, "USD", status)]
        return self._signed(draw.json(event), expect)

    def _signed(self, body, expect):
        text = self.settings["notification_url"].encode() + body
        signature = base64.b64encode(hmac.digest(self.secret.encode(), text, hashlib.sha256)).decode()
        headers = {"Content-Type": "application/json", "x-square-hmacsha256-signature": signature}
        return Callback(headers, body, expect=expect)

    def proves(self, callback):
        signature = callback.header("x-square-hmacsha256-signature")
        return verify_signature(
            request_body=callback.text,
            signature_header=signature,
            signature_key=self.secret,
            notification_url=self.settings["notification_url"],
        )
