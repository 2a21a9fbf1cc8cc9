"""Three gateways: their events as their documentation shows them, signed by their own libraries."""

import base64
import datetime
import json
import time
import uuid
from dataclasses import dataclass, field

import Adyen.util
import standardwebhooks
import stripe

OTHER = "of somebody else"


@dataclass
class Payment:
    """One payment, as customer and gateway see it."""

    amount: int = 4200
    currency: str = "EUR"
    reference: str = field(default_factory=lambda: f"order-{uuid.uuid4().hex[:12]}")
    payment_id: str = field(default_factory=lambda: f"pi_{uuid.uuid4().hex}")


@dataclass
class Callback:
    """What goes over the wire."""

    gateway: str
    body: bytes
    headers: dict

    @property
    def path(self):
        return f"/webhooks/{self.gateway}"


class Stripe:
    """https://docs.stripe.com/webhooks"""

    name = "stripe"
    secret = "whsec_9f4c1e7ab2d84d0f8d5c6a3b7e21f0aa"
    reply = b""
    settings = ""

    def event(self, word, payment):
        intent = {"payment_intent": payment.payment_id}
        reason = {"reason": "fraudulent"}
        kind, fields = {
            "pending": ("payment_intent.processing", self._intent(payment, status="processing")),
            "paid": ("payment_intent.succeeded", self._intent(payment, amount_received=payment.amount)),
            "failed": ("payment_intent.payment_failed", self._intent(payment, last_payment_error={"code": "card_declined"})),
            "refunded": ("refund.created", intent | {"id": f"re_{payment.payment_id}", "status": "succeeded"}),
            "dispute_opened": ("charge.dispute.created", intent | reason | {"id": f"du_{payment.payment_id}"}),
            "dispute_won": ("charge.dispute.closed", intent | reason | {"id": f"du_{payment.payment_id}", "status": "won"}),
            "dispute_lost": ("charge.dispute.closed", intent | reason | {"id": f"du_{payment.payment_id}", "status": "lost"}),
        }[word]
        data = {"amount": payment.amount, "currency": payment.currency.lower()} | fields
        event = {
            "id": f"evt_{uuid.uuid4().hex}",
            "object": "event",
            "api_version": "2026-03-31",
            "created": int(time.time()),
            "data": {"object": data},
            "livemode": True,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        return json.dumps(event, indent=2).encode()

    def _intent(self, payment, **fields):
        shared = {"id": payment.payment_id, "object": "payment_intent", "amount_received": 0}
        return shared | {"metadata": {"order_id": payment.reference}} | fields

    def sign(self, body, secret=None):
        text = body.decode("utf-8", "surrogateescape")
        header = stripe.WebhookSignature.generate_signature_header(text, secret or self.secret)
        return Callback(self.name, body, {"Content-Type": "application/json", "Stripe-Signature": header})

    def forge(self, body):
        return self.sign(body, secret=f"whsec_{OTHER}")

    def proves(self, headers, body):
        try:
            return bool(stripe.Webhook.construct_event(body, headers["Stripe-Signature"], self.secret))
        except stripe.SignatureVerificationError:
            return False


class Adyen_:
    """https://docs.adyen.com/development-resources/webhooks: a payment is authorised, then captured."""

    name = "adyen"
    secret = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
    reply = b"[accepted]"
    settings = 'settings = { merchant_account = "ShopECOM" }\naccount = "ShopECOM"'

    def event(self, word, payment):
        codes = {
            "pending": [("PENDING", "true")],
            "paid": [("AUTHORISATION", "true"), ("CAPTURE", "true")],
            "failed": [("AUTHORISATION", "false")],
            "refunded": [("REFUND", "true")],
            "dispute_opened": [("CHARGEBACK", "true")],
            "dispute_won": [("CHARGEBACK_REVERSED", "true")],
            "dispute_lost": [("SECOND_CHARGEBACK", "true")],
        }[word]
        return self._envelope([self._item(payment, *code) for code in codes])

    def _item(self, payment, code, success):
        item = {
            "additionalData": {"cardSummary": "1111"},
            "amount": {"currency": payment.currency, "value": payment.amount},
            "eventCode": code,
            "eventDate": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "merchantAccountCode": "ShopECOM",
            "merchantReference": payment.reference,
            "paymentMethod": "visa",
            "pspReference": payment.payment_id,
            "reason": "" if success == "true" else "Refused",
            "success": success,
        }
        if code not in ("AUTHORISATION", "PENDING"):
            # A dispute keeps its reference from its first event to its last.
            operation = "D" if "CHARGEBACK" in code else code[0]
            item |= {"originalReference": payment.payment_id, "pspReference": f"{operation}{payment.payment_id}"}
        return item

    def _envelope(self, items):
        items = [{"NotificationRequestItem": item} for item in items]
        return json.dumps({"live": "true", "notificationItems": items}).encode()

    def sign(self, body, secret=None):
        document = json.loads(body)
        for entry in document["notificationItems"]:
            item = entry["NotificationRequestItem"]
            signature = Adyen.util.generate_notification_sig(item, secret or self.secret)
            item.setdefault("additionalData", {})["hmacSignature"] = signature.decode()
        return Callback(self.name, json.dumps(document).encode(), {"Content-Type": "application/json; charset=utf-8"})

    def forge(self, body):
        return self.sign(body, secret=OTHER.encode().hex())

    def proves(self, headers, body):
        items = [entry["NotificationRequestItem"] for entry in json.loads(body)["notificationItems"]]
        return bool(items) and all(Adyen.util.is_valid_hmac_notification(item, self.secret) for item in items)


class StandardWebhooks:
    """https://www.standardwebhooks.com: proof is standard, content is the sender's own."""

    name = "standard-webhooks"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    reply = b""
    paths = {
        "payment_id": "$.data.id",
        "merchant_reference": "$.data.order_id",
        "amount": "$.data.amount",
        "currency": "$.data.currency",
        "refund_id": "$.data.refund_id",
        "dispute_id": "$.data.dispute_id",
    }
    status_map = {
        "payment.pending": "requires_action",
        "payment.succeeded": "paid",
        "payment.failed": "failed",
        "payment.expired": "expired",
        "refund.created": "refund_relative",
        "dispute.opened": "disputed",
        "dispute.won": "dispute_won",
        "dispute.lost": "chargeback_lost",
    }
    settings = "settings = {{ paths = {{ {} }}, status_map = {{ {} }} }}".format(
        ", ".join(f'{name} = "{path}"' for name, path in paths.items()),
        ", ".join(f'"{event}" = "{word}"' for event, word in status_map.items()),
    )

    def event(self, word, payment):
        kind, operation = {
            "pending": ("payment.pending", {}),
            "paid": ("payment.succeeded", {}),
            "failed": ("payment.failed", {}),
            "refunded": ("refund.created", {"refund_id": f"rf_{payment.payment_id}"}),
            "dispute_opened": ("dispute.opened", {"dispute_id": f"dp_{payment.payment_id}"}),
            "dispute_won": ("dispute.won", {"dispute_id": f"dp_{payment.payment_id}"}),
            "dispute_lost": ("dispute.lost", {"dispute_id": f"dp_{payment.payment_id}"}),
        }[word]
        data = {"id": payment.payment_id, "order_id": payment.reference, "amount": payment.amount, "currency": payment.currency}
        moment = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        return json.dumps({"type": kind, "timestamp": moment, "data": data | operation}).encode()

    def sign(self, body, secret=None):
        message, now = f"msg_{uuid.uuid4().hex}", datetime.datetime.now(datetime.timezone.utc)
        text = body.decode("utf-8", "surrogateescape")
        signature = standardwebhooks.Webhook(secret or self.secret).sign(message, now, text)
        headers = {"Content-Type": "application/json", "webhook-id": message}
        headers |= {"webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
        return Callback(self.name, body, headers)

    def forge(self, body):
        return self.sign(body, secret="whsec_" + base64.b64encode(OTHER.encode() * 2).decode())

    def proves(self, headers, body):
        try:
            standardwebhooks.Webhook(self.secret).verify(body, dict(headers))
            return True
        except standardwebhooks.WebhookVerificationError:
            return False


GATEWAYS = (Stripe(), Adyen_(), StandardWebhooks())
