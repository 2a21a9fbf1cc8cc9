"""Gateways of one region that sign single fields, each with rules of its own, and have no library that verifies: the
documented formula, written once more."""

import base64
import hashlib
import hmac
import json
import urllib.parse

from .callback import Callback
from .draw import Draw, Number
from .vendor import Vendor, understood

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _form(callback):
    return dict(urllib.parse.parse_qsl(callback.text, keep_blank_values=True))


def _numbers_as_written(body):
    """JSON whose numbers are signed as they are printed."""
    return json.loads(body, parse_int=str, parse_float=str)


class Momo(Vendor):
    """https://developers.momo.vn/v3/docs/payment/api/result-handling/notification"""

    kind = "momo"
    secret = Draw().name(count=32)
    settings = {"access_key": "klm05TvNBzhg7h7j", "partner_code": "MOMOBKUN20180529"}
    currency = "VND"
    scenarios = ("success", "forged")
    signed = "amount extraData message orderId orderInfo orderType partnerCode payType requestId responseTime resultCode transId"

    def callback(self, draw):
        payment, reference, amount = draw.digits(10), draw.reference(), draw.amount(0)
        code, status = draw.choice([("0", "paid"), ("1006", "canceled")])
        fields = {
            "partnerCode": self.settings["partner_code"],
            "orderId": reference,
            "requestId": reference,
            "amount": Number(amount.major),
            "orderInfo": draw.text(),
            "orderType": "momo_wallet",
            "transId": Number(payment),
            "resultCode": Number(code),
            "message": draw.text(),
            "payType": draw.choice(["qr", ""]),
            "responseTime": Number(draw.now * 1000),
            "extraData": draw.choice(["", base64.b64encode(draw.text().encode()).decode()]),
        }
        proof = self._proof(fields)
        body = draw.json(dict(draw.shuffled(fields | {"signature": proof})))
        expect = understood(payment, reference, amount, "VND", status)
        return Callback(JSON, body, expect=[expect], signed=(payment, proof))

    def proves(self, callback):
        fields = _numbers_as_written(callback.body)
        return fields["signature"] == self._proof(fields)

    def _proof(self, fields):
        pairs = [("accessKey", self.settings["access_key"]), *((name, fields[name]) for name in self.signed.split())]
        text = "&".join(f"{name}={value}" for name, value in pairs)
        return hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256).hex()


class Tbank(Vendor):
    """https://developer.tbank.ru/eacq/intro/developer/token: the values of all scalars, sorted by name."""

    kind = "tbank"
    secret = Draw().name(count=20)
    settings = {"terminal_key": "1510572937960"}
    currency = "RUB"

    def callback(self, draw):
        payment, reference, amount = draw.digits(10), draw.reference(), draw.amount()
        word, status = draw.choice([("CONFIRMED", "paid"), ("AUTHORIZED", "authorized"), ("REJECTED", "failed")])
        fields = {
            "TerminalKey": "1510572937960",
            "OrderId": reference,
            "Success": word != "REJECTED",
            "Status": word,
            # With and without quotes, both are sent.
            "PaymentId": draw.choice([payment, Number(payment)]),
            "Amount": draw.choice([str(amount.minor), amount.minor]),
            "ErrorCode": "0",
            "Message": draw.blank(),
            "RebillId": None,
            "Data": {"note": draw.text()},
        }
        proof = self._proof(fields)
        body = draw.json(dict(draw.shuffled(fields | {"Token": proof})))
        expect = understood(payment, reference, amount, "RUB", status)
        return Callback(JSON, body, expect=[expect], signed=(payment, proof))

    def proves(self, callback):
        fields = _numbers_as_written(callback.body)
        return fields.pop("Token") == self._proof(fields)

    def _proof(self, fields):
        plain = {
            name: value for name, value in fields.items() if value is not None and not isinstance(value, (dict, list))
        }
        words = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in plain.items()}
        text = "".join(value for _, value in sorted((words | {"Password": self.secret}).items()))
        return hashlib.sha256(text.encode()).hexdigest()


class Tap(Vendor):
    """https://developers.tap.company/docs/webhook: amounts with all the decimals of their currency."""

    kind = "tap"
    secret = "sk_test_" + Draw().name(count=24)
    currency = "KWD"

    def callback(self, draw):
        payment, reference = draw.name("chg_"), draw.reference()
        currency, decimals = draw.choice([("KWD", 3), ("SAR", 2)])
        amount = draw.amount(decimals)
        word, status = draw.choice([("CAPTURED", "paid"), ("DECLINED", "failed")])
        # JSON writers drop the last zeros, and with them perhaps the point.
        short = amount.major.rstrip("0").rstrip(".")
        charge = {
            "id": payment,
            "object": "charge",
            "live_mode": draw.choice([True, False]),
            "status": word,
            "amount": Number(draw.choice([short, amount.major])),
            "currency": currency,
            "transaction": {"created": str(draw.now * 1000)},
            "reference": {"order": reference, "payment": draw.digits(19)},
            "description": draw.text(),
        }
        if draw.choice([True, False]):
            charge["reference"]["gateway"] = draw.digits(15)
        body = draw.json(dict(draw.shuffled(charge)))
        headers = JSON | {"hashstring": self._proof(json.loads(body), amount.major)}
        expect = understood(payment, reference, amount, currency, status, livemode=charge["live_mode"])
        return Callback(headers, body, expect=[expect], signed=(payment, charge["reference"]["payment"]))

    def proves(self, callback):
        charge = _numbers_as_written(callback.body)
        whole, _, part = charge["amount"].partition(".")
        decimals = 3 if charge["currency"] in ("KWD", "BHD", "OMR", "JOD") else 2
        return callback.header("hashstring") == self._proof(charge, f"{whole}.{part:0<{decimals}}")

    def _proof(self, charge, amount):
        reference = charge["reference"]
        text = f"x_id{charge['id']}x_amount{amount}x_currency{charge['currency']}"
        text += f"x_gateway_reference{reference.get('gateway', '')}x_payment_reference{reference.get('payment', '')}"
        text += f"x_status{charge['status']}x_created{charge.get('transaction', charge)['created']}"
        return hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256).hex()


class PayuLatam(Vendor):
    """https://developers.payulatam.com/latam/en/docs/integrations/webcheckout-integration/confirmation-page.html"""

    kind = "payu-latam"
    secret = Draw().name(count=26)
    settings = {"merchant_id": "508029"}
    currency = "USD"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.uuid(), draw.reference(), draw.amount()
        code, status = draw.choice([("4", "paid"), ("6", "failed"), ("5", "expired")])
        fields = {
            "merchant_id": "508029",
            "reference_sale": reference,
            "value": amount.major,
            "currency": "USD",
            "state_pol": code,
            "transaction_id": payment,
            "test": draw.choice(["0", "1"]),
            "description": draw.text(),
            "extra1": draw.text(),
        }
        fields["sign"] = self._proof(fields)
        expect = understood(payment, reference, amount, "USD", status, livemode=fields["test"] == "0")
        body = draw.form(draw.shuffled(fields)).encode()
        return Callback(FORM, body, expect=[expect], signed=(fields["sign"], amount.major))

    def proves(self, callback):
        fields = _form(callback)
        return fields["sign"] == self._proof(fields)

    def _proof(self, fields):
        # Of two decimals the last is left out when it is zero.
        value = fields["value"].removesuffix("0") if fields["value"][-3] == "." else fields["value"]
        told = [fields["merchant_id"], fields["reference_sale"], value, fields["currency"], fields["state_pol"]]
        return hashlib.md5("~".join([self.secret, *told]).encode()).hexdigest()


class Paytr(Vendor):
    """https://dev.paytr.com/en/iframe-api/iframe-api-2-adim"""

    kind = "paytr"
    secret = Draw().name(count=16)
    settings = {"merchant_salt": "Qp8sZ3nDf6Hj0Vc5"}
    currency = "TRY"
    scenarios = ("success", "forged")

    def callback(self, draw):
        reference, amount = draw.name("IN"), draw.amount()
        fields = {"merchant_oid": reference, "status": "success", "total_amount": str(amount.minor), "currency": "TL"}
        fields |= {"payment_type": "card", "payment_amount": str(amount.minor), "test_mode": draw.choice(["0", "1"])}
        fields["hash"] = self._proof(fields)
        expect = understood(None, reference, amount, "TRY", "paid", livemode=fields["test_mode"] == "0")
        body = draw.form(draw.shuffled(fields)).encode()
        return Callback(FORM, body, expect=[expect], signed=(reference,))

    def proves(self, callback):
        fields = _form(callback)
        return fields["hash"] == self._proof(fields)

    def _proof(self, fields):
        text = fields["merchant_oid"] + self.settings["merchant_salt"] + fields["status"] + fields["total_amount"]
        return base64.b64encode(hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256)).decode()


class Payfast(Vendor):
    """https://developers.payfast.co.za/docs#step_4_confirm_payment: the body as it came, up to the signature."""

    kind = "payfast"
    secret = Draw().name(count=20) + " !"
    settings = {"merchant_id": "10000100"}
    currency = "ZAR"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.digits(7), draw.reference(), draw.amount()
        word, status = draw.choice([("COMPLETE", "paid"), ("CANCELLED", "canceled")])
        fields = {
            "m_payment_id": reference,
            "pf_payment_id": payment,
            "payment_status": word,
            "item_name": draw.text(),
            "amount_gross": amount.major,
            "custom_str1": draw.text(),
            "name_first": draw.text(),
            "merchant_id": "10000100",
        }
        text = "&".join(f"{name}={self._encoded(value)}" for name, value in fields.items())
        body = f"{text}&signature={self._proof(text)}".encode()
        expect = understood(payment, reference, amount, "ZAR", status)
        return Callback(FORM, body, source_ip="197.97.145.145", expect=[expect], signed=(text,))

    def proves(self, callback):
        text, _, proof = callback.text.rpartition("&signature=")
        return proof == self._proof(text)

    def _proof(self, text):
        return hashlib.md5(f"{text}&passphrase={self._encoded(self.secret)}".encode()).hexdigest()

    def _encoded(self, value):
        """As PHP has it, which spares no tilde."""
        return urllib.parse.quote_plus(value).replace("~", "%7E")


class Dlocal(Vendor):
    """https://docs.dlocal.com/docs/receive-notifications"""

    kind = "dlocal"
    secret = Draw().name(count=24)
    settings = {"x_login": "sandboxLogin"}
    currency = "USD"

    def callback(self, draw):
        payment, reference, amount = draw.name("D-4-"), draw.reference(), draw.amount()
        word, status = draw.choice([("PAID", "paid"), ("REJECTED", "failed")])
        fields = {
            "id": payment,
            "amount": Number(amount.major),
            "currency": "USD",
            "status": word,
            "order_id": reference,
        }
        fields |= {"status_code": "200", "status_detail": draw.text(), "payer": {"name": draw.text()}}
        body = draw.json(dict(draw.shuffled(fields)))
        headers = JSON | {"X-Login": "sandboxLogin", "X-Date": draw.moment("%Y-%m-%dT%H:%M:%S.000Z")}
        callback = Callback(headers, body, expect=[understood(payment, reference, amount, "USD", status)])
        callback.headers["Authorization"] = self._proof(callback)
        return callback

    def proves(self, callback):
        return callback.header("Authorization") == self._proof(callback)

    def _proof(self, callback):
        text = (callback.header("X-Login") + callback.header("X-Date")).encode() + callback.body
        return "V2-HMAC-SHA256, Signature: " + hmac.digest(self.secret.encode(), text, hashlib.sha256).hex()


class Iyzico(Vendor):
    """https://docs.iyzico.com/en/advanced/webhook: its library for Node signs the API's answers, not these callbacks."""

    kind = "iyzico"
    secret = "sandbox-" + Draw().name(count=32)
    currency = "TRY"

    def callback(self, draw):
        payment, reference = draw.digits(8), draw.reference()
        word, status = draw.choice([("SUCCESS", "paid"), ("FAILURE", "failed")])
        fields = {
            "paymentConversationId": reference,
            "merchantId": 3382172,
            "status": word,
            "iyziPaymentId": Number(payment),
        }
        fields |= {"iyziReferenceCode": draw.uuid(), "iyziEventTime": draw.now * 1000}
        # A page of the gateway's own, or a payment by the API: each signs other fields.
        hosted = draw.choice([True, False])
        fields |= {"token": draw.uuid()} if hosted else {"paymentId": Number(payment)}
        fields["iyziEventType"] = "CHECKOUT_FORM_AUTH" if hosted else "API_AUTH"
        headers = JSON | {"X-Iyz-Signature-V3": self._proof(fields)}
        body = draw.json(dict(draw.shuffled(fields)))
        expect = understood(payment, reference, None, None, status)
        return Callback(headers, body, expect=[expect], signed=(fields["iyziEventType"],))

    def proves(self, callback):
        return callback.header("X-Iyz-Signature-V3") == self._proof(_numbers_as_written(callback.body))

    def _proof(self, fields):
        names = ["iyziPaymentId", "token"] if "token" in fields else ["paymentId"]
        told = [fields[name] for name in ["iyziEventType", *names, "paymentConversationId", "status"]]
        text = self.secret + "".join(str(value) for value in told)
        return hmac.digest(self.secret.encode(), text.encode(), hashlib.sha256).hex()
