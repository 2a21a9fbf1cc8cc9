"""https://www.mercadopago.com/developers/en/docs/your-integrations/notifications/webhooks: only the id is signed."""

import hashlib
import hmac
import urllib.parse

from mercadopago.webhook import InvalidWebhookSignatureError, WebhookSignatureValidator

from .callback import Callback
from .draw import Draw, Number
from .vendor import Vendor, accepts, understood


class MercadoPago(Vendor):
    kind = "mercadopago"
    secret = Draw().of("0123456789abcdef", 64)
    currency = "BRL"

    def callback(self, draw):
        numeric = draw.choice([True, False])
        named, word = (
            (draw.digits(11), "payment.updated") if numeric else (draw.name("ORD01").upper(), "order.processed")
        )
        kind = word.partition(".")[0]
        # Seconds or milliseconds, both are sent.
        moment = str(draw.choice([draw.now, draw.now * 1000]))
        request = draw.choice([draw.uuid(), None])
        parts = [f"id:{named}", *([f"request-id:{request}"] if request else []), f"ts:{moment}"]
        proof = hmac.digest(self.secret.encode(), (";".join(parts) + ";").encode(), hashlib.sha256).hex()
        headers = {"Content-Type": "application/json", "x-signature": f"ts={moment},v1={proof}"}
        if request:
            headers["x-request-id"] = request
        event = {
            "action": word,
            "data": {"id": named},
            "date_created": draw.moment(),
            "id": Number(draw.digits(8)),
            "live_mode": draw.choice([True, False]),
            "type": kind,
        }
        # What became of the payment must be asked for.
        expect = understood(named, None, None, None, None, livemode=event["live_mode"])
        query = f"data.id={named}&type={kind}"
        return Callback(headers, draw.json(event), query, expect=[expect], signed=(named,))

    @accepts(InvalidWebhookSignatureError)
    def proves(self, callback):
        fields = dict(urllib.parse.parse_qsl(callback.query))
        signature, request = callback.header("x-signature"), callback.header("x-request-id")
        WebhookSignatureValidator.validate(signature, request, fields.get("data.id"), self.secret)
