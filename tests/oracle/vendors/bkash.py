"""https://developer.bka.sh/docs/webhooks: messages of Amazon's SNS, for which there is a validator."""

import base64
import functools
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .callback import Callback
from .keys import certificate, gateway_keys
from .node import ask
from .vendor import Vendor, understood

TOPIC = "arn:aws:sns:ap-southeast-1:000000000000:bkash-ipn"


@functools.cache
def _certificate():
    return certificate("sns.amazonaws.com", gateway_keys())[0]


class Bkash(Vendor):
    kind = "bkash"
    settings = {"signing_cert_pem": _certificate(), "topic_arn": TOPIC, "store_exponent": "2"}
    signing = {"private_key_pem": gateway_keys().private_pem}
    currency = "BDT"
    scenarios = ("success", "forged")

    def callback(self, draw):
        payment, reference, amount = draw.name(count=10).upper(), draw.reference(), draw.amount()
        inner = {
            "dateTime": draw.moment("%Y%m%d%H%M%S"),
            "trxID": payment,
            "transactionStatus": "Completed",
            "transactionType": "10003126",
            "amount": amount.major,
            "currency": "BDT",
            "transactionReference": draw.text(),
            "merchantInvoiceNumber": reference,
        }
        message = {
            "Type": "Notification",
            "MessageId": draw.uuid(),
            "TopicArn": TOPIC,
            "Message": draw.json(inner).decode(),
            "Timestamp": draw.moment("%Y-%m-%dT%H:%M:%S.000Z"),
            "SignatureVersion": draw.choice(["1", "2"]),
            "SigningCertURL": "https://sns.ap-southeast-1.amazonaws.com/SimpleNotificationService-test.pem",
            "UnsubscribeURL": "https://sns.ap-southeast-1.amazonaws.com/?Action=Unsubscribe",
        }
        if draw.choice([True, False]):
            message["Subject"] = draw.text() or "bKash"
        message["Signature"] = self._proof(message)
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": "Notification"}
        headers |= {"x-amz-sns-topic-arn": TOPIC, "x-amz-sns-message-id": message["MessageId"]}
        expect = understood(payment, reference, amount, "BDT", "paid")
        body = draw.json(dict(draw.shuffled(message)))
        return Callback(headers, body, expect=[expect], signed=(payment, message["Timestamp"]))

    def _proof(self, message):
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
        digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
        return base64.b64encode(gateway_keys().private.sign(text.encode(), padding.PKCS1v15(), digest)).decode()

    def proves(self, callback):
        return ask("sns.verify", self.settings["signing_cert_pem"], json.loads(callback.body))
