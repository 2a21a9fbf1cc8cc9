"""https://developer.paypal.com/api/rest/webhooks/rest: the library says what is signed, and the rest of its check needs
functions that OpenSSL's bindings no longer have; so a certificate of our own verifies here."""

import base64
import functools

from paypalrestsdk.notifications import WebhookEvent

from .callback import Callback
from .keys import KeyPair, certificate, gateway_keys
from .vendor import Vendor, understood


@functools.cache
def _certificates():
    """What the certificate's URL would give: leaf, intermediate, root."""
    root_keys, between_keys = KeyPair(), KeyPair()
    root, root_name = certificate("Oracle Root", root_keys, authority=True)
    between, between_name = certificate("Oracle Authority", between_keys, root_name, root_keys, authority=True)
    leaf, _ = certificate("messageverificationcerts.paypal.com", gateway_keys(), between_name, between_keys)
    return {"certificate_pem": leaf, "intermediate_pem": between, "root_pem": root}


class Paypal(Vendor):
    kind = "paypal"
    settings = {"webhook_id": "6HY79521VR978045E"} | _certificates()
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "USD"

    def callback(self, draw):
        payment, reference = draw.name(count=17).upper(), draw.reference()
        currency, decimals = draw.choice([("USD", 2), ("JPY", 0), ("EUR", 2)])
        amount = draw.amount(decimals)
        word, state, status = draw.choice(
            [
                ("PAYMENT.CAPTURE.COMPLETED", "COMPLETED", "paid"),
                ("PAYMENT.CAPTURE.PENDING", "PENDING", "pending"),
                ("PAYMENT.AUTHORIZATION.CREATED", "CREATED", "authorized"),
                ("PAYMENT.CAPTURE.DENIED", "DECLINED", "failed"),
            ]
        )
        resource = {"id": payment, "status": state, "amount": {"currency_code": currency, "value": amount.major}}
        resource |= {"custom_id": reference, "invoice_id": draw.blank(), "note_to_payer": draw.text(), "links": []}
        event = {"id": draw.name("WH-"), "create_time": draw.moment(), "event_type": word, "summary": draw.text()}
        body = draw.json(event | {"resource": dict(draw.shuffled(resource)), "links": []})
        host = draw.choice(["api.paypal.com", "api.sandbox.paypal.com"])
        headers = {
            "Content-Type": "application/json",
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
            "PAYPAL-AUTH-VERSION": "v2",
            "PAYPAL-CERT-URL": f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-df8cd2d5",
            "PAYPAL-TRANSMISSION-ID": draw.uuid(),
            "PAYPAL-TRANSMISSION-TIME": draw.moment(),
        }
        expect = understood(payment, reference, amount, currency, status, livemode=host == "api.paypal.com")
        callback = Callback(headers, body, expect=[expect])
        callback.headers["PAYPAL-TRANSMISSION-SIG"] = base64.b64encode(
            gateway_keys().sign(self._signed(callback))
        ).decode()
        return callback

    def proves(self, callback):
        try:
            return gateway_keys().proves(
                base64.b64decode(callback.header("PAYPAL-TRANSMISSION-SIG")), self._signed(callback)
            )
        except UnicodeEncodeError:
            return False

    def _signed(self, callback):
        named, moment = callback.header("PAYPAL-TRANSMISSION-ID"), callback.header("PAYPAL-TRANSMISSION-TIME")
        return WebhookEvent._get_expected_sig(named, moment, self.settings["webhook_id"], callback.text).encode()
