"""https://razorpay.com/docs/webhooks/validate-test"""

import hashlib
import hmac

import razorpay

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, accepts, understood


class Razorpay(Vendor):
    kind = "razorpay"
    secret = Draw().key()
    currency = "INR"

    def callback(self, draw):
        word, status = draw.choice(
            [
                ("payment.authorized", "authorized"),
                ("payment.captured", "paid"),
                ("payment.failed", "failed"),
                ("refund.processed", "partially_refunded"),
            ]
        )
        payment, order, amount = draw.name("pay_"), draw.name("order_"), draw.amount()
        entity = {"id": payment, "amount": amount.minor, "currency": "INR", "order_id": order, "status": "captured"}
        entity |= {
            "description": draw.blank(),
            "notes": {"note": draw.text()},
            "error_code": None,
            "error_description": None,
        }
        payload = {"payment": {"entity": dict(draw.shuffled(entity))}}
        operation = {}
        if word == "refund.processed":
            operation = {"refund_id": draw.name("rfnd_")}
            payload["payment"]["entity"] |= {"refund_status": "partial", "amount": amount.minor * 2}
            refund = {"id": operation["refund_id"], "amount": amount.minor, "currency": "INR", "payment_id": payment}
            payload["refund"] = {"entity": refund}
        event = {"entity": "event", "account_id": "acc_1", "event": word, "payload": payload, "created_at": draw.now}
        body = draw.json(event)
        signature = hmac.digest(self.secret.encode(), body, hashlib.sha256).hex()
        headers = {"Content-Type": "application/json", "X-Razorpay-Signature": signature}
        headers |= {"x-razorpay-event-id": draw.name()}
        return Callback(headers, body, expect=[understood(payment, order, amount, "INR", status, **operation)])

    @accepts(razorpay.errors.SignatureVerificationError, UnicodeEncodeError)
    def proves(self, callback):
        signature = callback.header("X-Razorpay-Signature")
        return razorpay.Utility().verify_webhook_signature(callback.text, signature, self.secret)
