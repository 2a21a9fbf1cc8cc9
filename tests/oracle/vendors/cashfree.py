"""https://www.cashfree.com/docs/payments/online/webhooks/signature-verification"""

import base64
import hashlib
import hmac
import json

from cashfree_pg.api_client import Cashfree as Library

from .callback import Callback
from .draw import Draw, Number
from .vendor import Vendor, understood


class Cashfree(Vendor):
    kind = "cashfree"
    secret = "cfsk_ma_" + Draw().key()
    currency = "INR"

    def callback(self, draw):
        data, expect = draw.choice([self._payment, self._refund])(draw)
        event = {"data": data, "event_time": draw.moment(), "type": expect.pop("event_type")}
        body = draw.json(dict(draw.shuffled(event)))
        now = str(draw.now * 1000 + draw.randint(0, 999))
        proof = base64.b64encode(hmac.digest(self.secret.encode(), now.encode() + body, hashlib.sha256)).decode()
        headers = {"Content-Type": "application/json", "x-webhook-version": "2025-01-01"}
        headers |= {"x-webhook-timestamp": now, "x-webhook-signature": proof}
        return Callback(headers, body, expect=[expect])

    def _payment(self, draw):
        word, state, status = draw.choice(
            [
                ("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", "paid"),
                ("PAYMENT_FAILED_WEBHOOK", "FAILED", "failed"),
                ("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED", "canceled"),
            ]
        )
        reference, amount, payment = draw.reference(), draw.amount(), draw.digits(10)
        data = {
            # The total of the order is not the sum of this payment.
            "order": {"order_id": reference, "order_amount": Number("2.00"), "order_currency": "INR"},
            "payment": {
                # A number until 2025-01-01, a text since then.
                "cf_payment_id": draw.choice([payment, Number(payment)]),
                "payment_status": state,
                "payment_amount": Number(amount.major),
                "payment_currency": "INR",
                "payment_message": draw.text(),
            },
            "customer_details": {"customer_name": draw.blank()},
        }
        return data, understood(payment, reference, amount, "INR", status, event_type=word)

    def _refund(self, draw):
        reference, amount, payment, refund = draw.reference(), draw.amount(), draw.digits(10), draw.digits(8)
        data = {
            "cf_refund_id": Number(refund),
            "cf_payment_id": Number(payment),
            "refund_id": draw.name(),
            "order_id": reference,
            "refund_amount": Number(amount.major),
            "refund_currency": "INR",
            "refund_status": "SUCCESS",
            "refund_note": draw.text(),
        }
        expect = understood(payment, reference, amount, "INR", "refund_relative", refund_id=refund)
        return {"refund": data}, expect | {"event_type": "REFUND_STATUS_WEBHOOK"}

    def proves(self, callback):
        library = Library(Library.SANDBOX, XClientSecret=self.secret)
        signature, moment = callback.header("x-webhook-signature"), callback.header("x-webhook-timestamp")
        try:
            return bool(library.PGVerifyWebhookSignature(signature, callback.text, moment))
        except json.JSONDecodeError:
            raise
        except Exception as refusal:  # Nothing narrower is raised there.
            assert "did not match" in str(refusal) or isinstance(refusal, UnicodeError), refusal
            return False
