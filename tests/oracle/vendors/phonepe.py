"""https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/api-integration/api-reference/webhook:
a fixed header, which proves who sends and not what."""

from dataclasses import replace

from .callback import Callback
from .draw import Draw
from .node import ask
from .vendor import Vendor, understood


class PhonePe(Vendor):
    kind = "phonepe"
    secret = Draw().name(count=24)
    settings = {"username": "merchant_user"}
    currency = "INR"

    def callback(self, draw):
        payment, reference, amount = draw.name("OMO"), draw.reference(), draw.amount()
        word, state, status = draw.choice(
            [("checkout.order.completed", "COMPLETED", "paid"), ("checkout.order.failed", "FAILED", "failed")]
        )
        payload = {
            "merchantId": "M1",
            "merchantOrderId": reference,
            "orderId": payment,
            "state": state,
            "amount": amount.minor,
        }
        payload |= {"metaInfo": {"udf1": draw.text()}, "paymentDetails": []}
        body = draw.json({"event": word, "payload": dict(draw.shuffled(payload))})
        proof = ask("phonepe.sign", self.settings["username"], self.secret)
        expect = understood(payment, reference, amount, "INR", status)
        return Callback({"Content-Type": "application/json", "Authorization": proof}, body, expect=[expect])

    def proves(self, callback):
        return ask("phonepe.verify", self.settings["username"], self.secret, callback.header("Authorization"))

    def altered(self, callback, draw):
        proof = callback.header("Authorization")
        at = draw.randrange(len(proof))
        other = draw.choice([digit for digit in "0123456789abcdef" if digit != proof[at]])
        return replace(callback, headers=callback.headers | {"Authorization": proof[:at] + other + proof[at + 1 :]})
