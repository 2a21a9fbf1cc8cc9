"""Gateways whose libraries verify nothing, or not these callbacks: their documented formula, written once more."""

import base64
import hashlib
import hmac
import json

from .callback import Callback
from .draw import Draw, Number
from .keys import gateway_keys
from .vendor import Vendor, understood


class Paystack(Vendor):
    """https://paystack.com/docs/payments/webhooks/#verify-event-origin; its libraries have no check."""

    kind = "paystack"
    secret = "sk_test_" + Draw().of("0123456789abcdef", 40)
    currency = "NGN"

    def callback(self, draw):
        payment, reference, amount = draw.digits(9), draw.reference(), draw.amount()
        data = {
            "id": Number(payment),
            "domain": "live",
            "status": "success",
            "reference": reference,
            "amount": amount.minor,
        }
        data |= {"currency": "NGN", "message": draw.blank(), "metadata": draw.choice([0, "", {"note": draw.text()}])}
        data |= {"created_at": draw.moment(), "paid_at": draw.moment(), "gateway_response": "Approved"}
        body = draw.json({"event": "charge.success", "data": dict(draw.shuffled(data))})
        headers = {"Content-Type": "application/json", "x-paystack-signature": self._proof(body)}
        expect = understood(payment, reference, amount, "NGN", "paid", livemode=True)
        return Callback(headers, body, expect=[expect])

    def proves(self, callback):
        return callback.header("x-paystack-signature") == self._proof(callback.body)

    def _proof(self, body):
        return hmac.digest(self.secret.encode(), body, hashlib.sha512).hex()


class Midtrans(Vendor):
    """https://docs.midtrans.com/docs/https-notification-webhooks: its library asks the API instead."""

    kind = "midtrans"
    secret = "SB-Mid-server-" + Draw().name(count=24)
    currency = "IDR"

    def callback(self, draw):
        payment, reference, amount = draw.uuid(), draw.reference(), draw.amount()
        word, code, status = draw.choice(
            [
                ("settlement", "200", "paid"),
                ("pending", "201", "pending"),
                ("deny", "202", "failed"),
                ("expire", "202", "expired"),
            ]
        )
        fields = {
            "transaction_time": draw.moment("%Y-%m-%d %H:%M:%S"),
            "transaction_status": word,
            "transaction_id": payment,
            "status_code": code,
            "order_id": reference,
            "gross_amount": amount.major,
            "status_message": draw.text(),
            "currency": "IDR",
        }
        fields["signature_key"] = self._proof(fields)
        body = draw.json(dict(draw.shuffled(fields)))
        expect = understood(payment, reference, amount, "IDR", status)
        signed = tuple(
            text for text in (fields["signature_key"], f'"{amount.major}"') if body.count(text.encode()) == 1
        )
        return Callback({"Content-Type": "application/json"}, body, expect=[expect], signed=signed)

    def proves(self, callback):
        fields = json.loads(callback.body)
        return fields["signature_key"] == self._proof(fields)

    def _proof(self, fields):
        text = fields["order_id"] + fields["status_code"] + fields["gross_amount"] + self.secret
        return hashlib.sha512(text.encode()).hexdigest()


class Doku(Vendor):
    """https://developers.doku.com/getting-started-with-doku-api/signature-component/non-snap: the library for Node
    knows only SNAP, whose callbacks are others."""

    kind = "doku"
    secret = "SK-" + Draw().name(count=24)
    settings = {"client_id": "MCH-0001-10791114622547"}
    currency = "IDR"

    def callback(self, draw):
        payment, reference, amount = draw.uuid(), draw.reference(), draw.amount(0)
        word, status = draw.choice(
            [("SUCCESS", "paid"), ("FAILED", "failed"), ("EXPIRED", "expired"), ("PENDING", "pending")]
        )
        event = {
            "order": {"invoice_number": reference, "amount": amount.minor},
            "transaction": {"status": word, "date": draw.moment(), "original_request_id": payment},
            "additional_info": {"note": draw.text()},
        }
        callback = Callback({"Content-Type": "application/json"}, draw.json(dict(draw.shuffled(event))))
        callback.headers |= {"Client-Id": self.settings["client_id"], "Request-Id": draw.uuid()}
        callback.headers |= {"Request-Timestamp": draw.moment()}
        # With and without padding, both are sent.
        callback.headers["Signature"] = draw.choice([self._proof(callback), self._proof(callback).rstrip("=")])
        expect = understood(payment, reference, amount, "IDR", status)
        # Whole rupiah, of a currency that has two decimals on paper.
        callback.expect = [expect | {"amount_minor": amount.minor * 100}]
        return callback

    def proves(self, callback):
        return callback.header("Signature").rstrip("=") == self._proof(callback).rstrip("=")

    def _proof(self, callback):
        lines = [f"{name}:{callback.header(name)}" for name in ("Client-Id", "Request-Id", "Request-Timestamp")]
        digest = base64.b64encode(hashlib.sha256(callback.body).digest()).decode()
        text = "\n".join([*lines, f"Request-Target:{callback.path}", f"Digest:{digest}"])
        return (
            "HMACSHA256=" + base64.b64encode(hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256)).decode()
        )


class Zalopay(Vendor):
    """https://docs.zalopay.vn/docs/specs/order-callback: one JSON text inside another; its library is no package."""

    kind = "zalopay"
    secret = Draw().name(count=32)
    settings = {"app_id": "2553"}
    currency = "VND"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.digits(15), draw.reference(), draw.amount(0)
        inner = {
            "app_id": 2553,
            "app_trans_id": reference,
            "app_time": draw.now * 1000,
            "app_user": draw.text(),
            "amount": amount.minor,
            "item": json.dumps([{"itemname": draw.text()}]),
            "zp_trans_id": Number(payment),
            "server_time": draw.now * 1000,
        }
        data = draw.json(inner).decode()
        outer = {"data": data, "mac": self._proof(data), "type": 1}
        body = draw.json(dict(draw.shuffled(outer)))
        expect = understood(payment, reference, amount, "VND", "paid")
        return Callback({"Content-Type": "application/json"}, body, expect=[expect], signed=(payment, outer["mac"]))

    def proves(self, callback):
        outer = json.loads(callback.body)
        return outer["mac"] == self._proof(outer["data"])

    def _proof(self, data):
        return hmac.digest(self.secret.encode(), data.encode(), hashlib.sha256).hex()


class Conekta(Vendor):
    """https://developers.conekta.com/docs/autenticidad-de-webhooks; its libraries only manage the keys."""

    kind = "conekta"
    settings = {"public_key_pem": gateway_keys().public_pem}
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "MXN"

    def callback(self, draw):
        order, reference, amount = draw.name("ord_"), draw.reference(), draw.amount()
        word, status = draw.choice([("order.paid", "paid"), ("order.expired", "expired")])
        inner = {"id": order, "object": "order", "livemode": True, "amount": amount.minor, "currency": "MXN"}
        inner |= {
            "payment_status": status,
            "metadata": {"reference": reference},
            "customer_info": {"name": draw.text()},
        }
        event = {"data": {"object": dict(draw.shuffled(inner))}, "livemode": True, "id": draw.name(), "object": "event"}
        body = draw.json(event | {"type": word, "created_at": draw.now})
        proof = base64.b64encode(gateway_keys().sign(body)).decode()
        expect = understood(order, reference, amount, "MXN", status, livemode=True)
        return Callback({"Content-Type": "application/json", "DIGEST": proof}, body, expect=[expect])

    def proves(self, callback):
        return gateway_keys().proves(base64.b64decode(callback.header("DIGEST")), callback.body)


class Wise(Vendor):
    """https://docs.wise.com/api-docs/features/webhooks-notifications/event-handling; no library has a check."""

    kind = "wise"
    account = "222"
    secret = gateway_keys().public_pem
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "GBP"

    def callback(self, draw):
        payment = draw.digits(9)
        word, status = draw.choice(
            [("outgoing_payment_sent", "paid"), ("incoming_payment_waiting", "pending"), ("cancelled", "canceled")]
        )
        resource = {"id": Number(payment), "profile_id": 222, "account_id": 333, "type": "transfer"}
        data = {
            "resource": resource,
            "current_state": word,
            "previous_state": draw.blank(),
            "occurred_at": draw.moment(),
        }
        event = {"data": data, "subscription_id": draw.uuid(), "event_type": "transfers#state-change"}
        body = draw.json(event | {"schema_version": "4.0.0", "sent_at": draw.moment()})
        headers = {"Content-Type": "application/json", "X-Delivery-Id": draw.uuid()}
        headers["X-Signature-SHA256"] = base64.b64encode(gateway_keys().sign(body)).decode()
        return Callback(headers, body, expect=[understood(payment, None, None, None, status)])

    def proves(self, callback):
        return gateway_keys().proves(base64.b64decode(callback.header("X-Signature-SHA256")), callback.body)
