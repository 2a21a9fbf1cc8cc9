"""The dialects of https://www.standardwebhooks.com: Svix itself, Yoco, and Polar with its own reading of the key."""

import base64
import datetime

import polar.webhooks
import standardwebhooks
import svix.webhooks

from gateways import StandardWebhooks

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, accepts, understood

# The proof is looked at here, not the model of each event, which is another one with each version of the API.
EVERY = type("Every", (), {"__contains__": lambda self, word: True})()


class _Standard(Vendor):
    prefix = "webhook"
    secret = "whsec_" + base64.b64encode(Draw().randbytes(24)).decode()

    def signer(self):
        return standardwebhooks.Webhook(self.secret)

    def signed(self, draw, body, expect):
        message, now = draw.name("msg_"), datetime.datetime.now(datetime.timezone.utc)
        proof = self.signer().sign(message, now, body.decode())
        # Old and new secret sign while one replaces the other; versions that nobody knows may come.
        proofs = [proof, *draw.sample(["v1,bm90IHRoZSBvbmU=", "v1a,bm90IHNoYXJlZA=="], k=draw.randint(0, 2))]
        draw.shuffle(proofs)
        headers = {"Content-Type": "application/json", f"{self.prefix}-id": message}
        headers |= {f"{self.prefix}-timestamp": str(int(now.timestamp())), f"{self.prefix}-signature": " ".join(proofs)}
        return Callback(headers, body, expect=[expect])

    @accepts(standardwebhooks.WebhookVerificationError)
    def proves(self, callback):
        self.signer().verify(callback.body, {name.lower(): value for name, value in callback.headers.items()})


class Svix(_Standard):
    """https://docs.svix.com/receiving/verifying-payloads/how-manual"""

    kind = "standard-webhooks"
    name = "svix"
    prefix = "svix"
    settings = {"paths": StandardWebhooks.paths, "status_map": StandardWebhooks.status_map}
    # test_simulate.py has the standard's own library.
    scenarios = ()

    def callback(self, draw):
        word, status = draw.choice(list(StandardWebhooks.status_map.items()))
        payment, reference, amount = draw.name("p_"), draw.reference(), draw.amount()
        data = {"id": payment, "order_id": reference, "amount": amount.minor, "currency": "EUR", "note": draw.text()}
        event = {"type": word, "timestamp": draw.moment(), "data": dict(draw.shuffled(data))}
        return self.signed(draw, draw.json(event), understood(payment, reference, amount, "EUR", status))

    def signer(self):
        return svix.webhooks.Webhook(self.secret)


class Yoco(_Standard):
    """https://developer.yoco.com/guides/online-payments/webhooks/verifying-the-events"""

    kind = "yoco"
    currency = "ZAR"

    def callback(self, draw):
        word, status = draw.choice(
            [("payment.succeeded", "paid"), ("payment.failed", "failed"), ("refund.succeeded", "refund_relative")]
        )
        payment, checkout, amount = draw.name("p_"), draw.name("ch_"), draw.amount()
        payload = {
            "id": payment,
            "amount": amount.minor,
            "currency": "ZAR",
            "createdDate": draw.moment(),
            "metadata": {"checkoutId": checkout, "note": draw.text()},
            "mode": draw.choice(["live", "test"]),
        }
        operation = {}
        if word.startswith("refund"):
            operation = {"refund_id": draw.name("rfd_")}
            payload |= {"id": operation["refund_id"], "paymentId": payment}
        event = {"id": draw.name("evt_"), "type": word, "createdDate": draw.moment(), "payload": payload}
        expect = understood(payment, checkout, amount, "ZAR", status, livemode=payload["mode"] == "live", **operation)
        return self.signed(draw, draw.json(event), expect)


class Polar(_Standard):
    """https://polar.sh/docs/integrate/webhooks/delivery: the text of the secret is the key, prefix and all."""

    kind = "polar"
    secret = "polar_whs_" + Draw().name(count=32)
    currency = "USD"

    def callback(self, draw):
        word, state, status = draw.choice(
            [
                ("order.paid", "paid", "paid"),
                ("order.updated", "void", "canceled"),
                ("order.refunded", "refunded", "refunded"),
            ]
        )
        order, reference, amount = draw.uuid(), draw.reference(), draw.amount()
        tax = draw.randint(0, amount.minor)
        data = {
            "id": order,
            "status": state,
            "total_amount": amount.minor,
            "refunded_amount": amount.minor - tax,
            "refunded_tax_amount": tax,
            "currency": "usd",
            "billing_name": draw.blank(),
            "metadata": {"order_id": reference},
        }
        event = {"type": word, "timestamp": draw.moment(), "data": dict(draw.shuffled(data))}
        return self.signed(draw, draw.json(event), understood(order, reference, amount, "USD", status))

    def signer(self):
        # As Polar's server does it.
        return standardwebhooks.Webhook(base64.b64encode(self.secret.encode()).decode())

    def proves(self, callback):
        try:
            polar.webhooks.validate_event(callback.text, dict(callback.headers), self.secret, EVERY, dict)
        except polar.webhooks.PolarWebhookVerificationError:
            return False
        return True
