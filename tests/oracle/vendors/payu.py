"""PayU in India and in Europe: two companies, two schemes."""

import hashlib
import urllib.parse

from .callback import Callback
from .draw import Draw
from .node import ask
from .vendor import Vendor, understood


class PayuIndia(Vendor):
    """https://docs.payu.in/docs/generate-hash-merchant-hosted"""

    kind = "payu-india"
    secret = Draw().name(count=32)
    settings = {"merchant_key": "gtKFFx"}
    currency = "INR"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.digits(18), draw.reference(), draw.amount()
        word, more, status = draw.choice(
            [
                ("success", "captured", "paid"),
                ("success", "auth", "authorized"),
                ("failure", "failed", "failed"),
                ("failure", "userCancelled", "canceled"),
                ("pending", "pending", "pending"),
            ]
        )
        # A bar parts the signed fields: in more than one of them, nobody could tell where which one ends.
        reference = reference.replace("|", "/")
        names = ("firstname", "lastname", "udf1", "udf2", "udf3", "udf4", "udf5")
        fields = {name: draw.text().replace("|", "/") for name in names} | {"productinfo": draw.text()}
        fields |= {
            "mihpayid": payment,
            "txnid": reference,
            "amount": amount.major,
            "key": "gtKFFx",
            "email": "a+b@example.com",
        }
        fields |= {"status": word, "unmappedstatus": more, "mode": "CC", "error": "E000", "error_Message": draw.text()}
        # A surcharge changes what is signed.
        if draw.choice([True, False, False]):
            fields["additionalCharges"] = "1.50"
        fields["hash"] = ask("payu-india.sign", "gtKFFx", self.secret, fields)
        body = draw.form(draw.shuffled(fields))
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        expect = understood(payment, reference, amount, "INR", status)
        return Callback(headers, body.encode(), expect=[expect], signed=(fields["hash"],))

    def proves(self, callback):
        form = dict(urllib.parse.parse_qsl(callback.text, keep_blank_values=True))
        return ask("payu-india.verify", "gtKFFx", self.secret, form)


class PayuEurope(Vendor):
    """https://developers.payu.com/europe/docs/payment-flows/lifecycle/#notifications; a community library."""

    kind = "payu-eu"
    secret = Draw().of("0123456789abcdef", 32)
    currency = "PLN"

    def callback(self, draw):
        payment, reference, amount = draw.name().upper(), draw.reference(), draw.amount()
        word, status = draw.choice(
            [
                ("COMPLETED", "paid"),
                ("CANCELED", "canceled"),
                ("PENDING", "pending"),
                ("WAITING_FOR_CONFIRMATION", "authorized"),
            ]
        )
        order = {
            "orderId": payment,
            "extOrderId": reference,
            "status": word,
            "currencyCode": "PLN",
            "totalAmount": str(amount.minor),
        }
        order |= {"description": draw.text(), "buyer": {"email": "a@example.org", "firstName": draw.blank()}}
        body = draw.json(
            {"order": dict(draw.shuffled(order)), "properties": [{"name": "PAYMENT_ID", "value": draw.digits(9)}]}
        )
        # The library knows MD5, which is what PayU sends.
        parts = [
            "sender=checkout",
            f"signature={hashlib.md5(body + self.secret.encode()).hexdigest()}",
            "algorithm=MD5",
            "content=DOCUMENT",
        ]
        header = ";".join(draw.sample(parts, k=len(parts)))
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "OpenPayu-Signature": header,
            "X-OpenPayU-Signature": header,
        }
        return Callback(headers, body, expect=[understood(payment, reference, amount, "PLN", status)])

    def proves(self, callback):
        header = callback.header("OpenPayu-Signature")
        return ask("payu-eu.verify", self.secret, header, callback.body.decode("utf-8", "replace"))
