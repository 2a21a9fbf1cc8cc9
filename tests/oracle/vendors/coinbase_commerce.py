"""https://docs.cdp.coinbase.com/commerce/webhooks-security"""

from coinbase_commerce.error import SignatureVerificationError, WebhookInvalidPayload
from coinbase_commerce.webhook import Webhook, WebhookSignature

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, accepts, understood


class CoinbaseCommerce(Vendor):
    kind = "coinbase-commerce"
    secret = Draw().uuid()
    currency = "USD"
    scenarios = ("success", "forged")

    def callback(self, draw):
        code, reference, amount = draw.of("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 8), draw.reference(), draw.amount()
        word, last, status = draw.choice(
            [
                ("charge:confirmed", "COMPLETED", "paid"),
                ("charge:pending", "PENDING", "pending"),
                ("charge:failed", "EXPIRED", "expired"),
                ("charge:failed", "CANCELED", "canceled"),
                ("charge:failed", "UNRESOLVED", "failed"),
            ]
        )
        local = {"amount": amount.major, "currency": "EUR"}
        charge = {
            "id": draw.uuid(),
            "code": code,
            "name": draw.text(),
            "description": draw.blank(),
            "metadata": {"order_id": reference, "customer": draw.blank()},
            "pricing": {"local": local, "settlement": {"amount": "1.5", "currency": "USDC"}},
            "timeline": [{"status": "NEW", "time": draw.moment()}, {"status": last, "time": draw.moment()}],
        }
        event = {"id": draw.uuid(), "type": word, "created_at": draw.moment(), "data": dict(draw.shuffled(charge))}
        body = draw.json({"id": draw.randint(1, 99), "attempt_number": 1, "event": event})
        signature = WebhookSignature._compute_signature(body.decode(), self.secret)
        headers = {"Content-Type": "application/json", "X-CC-Webhook-Signature": signature}
        return Callback(headers, body, expect=[understood(code, reference, amount, "EUR", status)])

    @accepts(SignatureVerificationError, WebhookInvalidPayload)
    def proves(self, callback):
        Webhook.construct_event(callback.text, callback.header("X-CC-Webhook-Signature"), self.secret)
