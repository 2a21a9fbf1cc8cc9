"""https://developer.paypal.com/braintree/docs/guides/webhooks/parse: XML in base64 in a form."""

import base64
import urllib.parse
from xml.sax.saxutils import escape

import braintree
from braintree.exceptions.invalid_signature_error import InvalidSignatureError
from braintree.util.crypto import Crypto

from .callback import Callback
from .draw import Draw
from .vendor import Vendor, accepts, understood

XML = """<?xml version="1.0" encoding="UTF-8"?>
<notification>
  <kind>{kind}</kind>
  <timestamp type="datetime">{time}</timestamp>
  <subject>
    <transaction>
      <id>{id}</id>
      <status>settled</status>
      <type>sale</type>
      <currency-iso-code>{currency}</currency-iso-code>
      <amount>{amount}</amount>
      <order-id>{reference}</order-id>
      <purchase-order-number nil="true"/>
      <descriptor><name>{note}</name></descriptor>
    </transaction>
  </subject>
</notification>
"""


class Braintree(Vendor):
    kind = "braintree"
    secret = Draw().name(count=32)
    settings = {"public_key": "integration_public_key", "merchant_id": "integration_merchant_id"}
    currency = "USD"

    def __init__(self):
        self.library = braintree.BraintreeGateway(
            braintree.Configuration(braintree.Environment.Sandbox, private_key=self.secret, **self.settings)
        )

    def callback(self, draw):
        return draw.choice([self._own, self._of_the_library])(draw)

    def _own(self, draw):
        payment, reference = draw.name(count=8).lower(), draw.reference()
        currency, decimals = draw.choice([("USD", 2), ("JPY", 0)])
        amount = draw.amount(decimals)
        word, status = draw.choice(
            [
                ("transaction_settled", "paid"),
                ("transaction_disbursed", "paid"),
                ("transaction_settlement_declined", "failed"),
            ]
        )
        xml = XML.format(
            kind=word,
            time=draw.moment(),
            id=payment,
            currency=currency,
            amount=amount.major,
            reference=escape(reference),
            note=escape(draw.text()),
        )
        payload = base64.encodebytes(xml.encode()).decode()
        proof = f"{self.settings['public_key']}|{Crypto.sha1_hmac_hash(self.secret, payload)}"
        # There is one pair for each key of the account.
        pairs = draw.choice([[proof], ["other_key|" + "0" * 40, proof]])
        return self._posted(draw, "&".join(pairs), payload, understood(payment, reference, amount, currency, status))

    def _of_the_library(self, draw):
        """Its own sample, whose amount is always the same."""
        kind = braintree.WebhookNotification.Kind
        word, status = draw.choice(
            [(kind.TransactionSettled, "paid"), (kind.DisputeOpened, "disputed"), (kind.DisputeWon, "dispute_won")]
        )
        named = draw.name(count=8).lower()
        sample = self.library.webhook_testing.sample_notification(word, named)
        expect = understood(named, None, None, "USD", status) | {"amount_minor": 10000}
        return self._posted(draw, sample["bt_signature"], sample["bt_payload"].decode(), expect)

    def _posted(self, draw, signature, payload, expect):
        body = draw.form(draw.shuffled({"bt_signature": signature, "bt_payload": payload}))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        line = draw.choice(payload.split("\n")[:-1]).rstrip("=")
        return Callback(
            headers, body.encode(), expect=[expect], signed=(urllib.parse.quote(line, safe="").split("%")[0],)
        )

    @accepts(InvalidSignatureError)
    def proves(self, callback):
        form = dict(urllib.parse.parse_qsl(callback.text))
        self.library.webhook_notification.parse(form["bt_signature"], form["bt_payload"])
