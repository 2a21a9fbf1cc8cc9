"""https://developer.paddle.com/webhooks/signature-verification"""

import hashlib
import hmac

from paddle_billing.Notifications import Secret, Verifier

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, understood


class Paddle(Vendor):
    kind = "paddle"
    secret = "pdl_ntfset_" + Draw().key()
    currency = "USD"

    def callback(self, draw):
        event, expect = draw.choice([self._transaction, self._adjustment])(draw)
        event = {
            "event_id": draw.name("evt_"),
            "occurred_at": draw.moment(),
            "notification_id": draw.name("ntf_"),
        } | event
        body = draw.json(dict(draw.shuffled(event)))
        now = draw.now
        proof = hmac.digest(self.secret.encode(), b"%d:%s" % (now, body), hashlib.sha256).hex()
        # While a secret is changed there are two.
        proofs = draw.choice([[proof], [proof, "0" * 64], ["0" * 64, proof]])
        header = ";".join([f"ts={now}", *(f"h1={proof}" for proof in proofs)])
        return Callback({"Content-Type": "application/json", "Paddle-Signature": header}, body, expect=[expect])

    def _transaction(self, draw):
        payment, reference, amount = draw.name("txn_"), draw.reference(), draw.amount()
        word, status = draw.choice(
            [
                ("transaction.paid", "paid"),
                ("transaction.payment_failed", "failed"),
                ("transaction.canceled", "canceled"),
            ]
        )
        data = {
            "id": payment,
            "status": word.removeprefix("transaction."),
            "custom_data": {"order_id": reference, "note": draw.blank()},
            "currency_code": "EUR",
            "details": {"totals": {"subtotal": "1", "grand_total": str(amount.minor)}},
            "payments": [],
        }
        return {"event_type": word, "data": data}, understood(payment, reference, amount, "EUR", status)

    def _adjustment(self, draw):
        payment, refund, amount = draw.name("txn_"), draw.name("adj_"), draw.amount()
        word, status = draw.choice(
            [("refund", "refund_relative"), ("chargeback", "disputed"), ("chargeback_reverse", "dispute_won")]
        )
        operation = {"refund_id": refund} if word == "refund" else {"dispute_id": refund}
        data = {
            "id": refund,
            "action": word,
            "transaction_id": payment,
            "reason": draw.text(),
            "currency_code": "USD",
            "status": "approved",
            "totals": {"subtotal": "1", "total": str(amount.minor)},
        }
        expect = understood(payment, None, amount, "USD", status, **operation)
        return {"event_type": "adjustment.updated", "data": data}, expect

    def proves(self, callback):
        # The library asks for the header in the gateway's own spelling.
        request = type("Request", (), {"headers": {"Paddle-Signature": callback.header("Paddle-Signature")}})()
        request.body = callback.body
        try:
            return Verifier(60).verify(request, Secret(self.secret))
        except (UnicodeDecodeError, ValueError):
            return False
