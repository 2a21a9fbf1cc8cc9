"""https://yookassa.ru/developers/using-api/webhooks: nothing is signed, the sender's address is all."""

import ipaddress
import json
from dataclasses import replace

from yookassa.domain.common import SecurityHelper
from yookassa.domain.notification import WebhookNotificationFactory

from .callback import Callback
from .vendor import Vendor, understood


class Yookassa(Vendor):
    kind = "yookassa"
    currency = "RUB"
    # The address of this machine is none of the gateway's.
    scenarios = ()

    def callback(self, draw):
        payment, reference, amount = draw.uuid(), draw.reference(), draw.amount()
        word, reason, status = draw.choice(
            [
                ("payment.succeeded", None, "paid"),
                ("payment.waiting_for_capture", None, "authorized"),
                ("payment.canceled", "insufficient_funds", "failed"),
                ("payment.canceled", "expired_on_confirmation", "expired"),
                ("payment.canceled", "canceled_by_merchant", "canceled"),
            ]
        )
        inner = {
            "id": payment,
            "status": word.removeprefix("payment."),
            "amount": {"value": amount.major, "currency": "RUB"},
        }
        inner |= {
            "created_at": draw.moment("%Y-%m-%dT%H:%M:%S.000Z"),
            "description": draw.text(),
            "test": draw.choice([True, False]),
        }
        inner |= {"metadata": {"order_id": reference}, "recipient": {"account_id": "100500", "gateway_id": "100700"}}
        if reason:
            inner["cancellation_details"] = {"party": "merchant", "reason": reason}
        body = draw.json({"type": "notification", "event": word, "object": dict(draw.shuffled(inner))})
        expect = understood(payment, reference, amount, "RUB", status, livemode=not inner["test"])
        return Callback({"Content-Type": "application/json"}, body, source_ip=self._address(draw), expect=[expect])

    def _address(self, draw):
        network = ipaddress.ip_network(draw.choice(SecurityHelper.YOOKASSA_NETWORKS))
        return str(network[draw.randrange(network.num_addresses)])

    def proves(self, callback):
        # Its model must know the event, too.
        WebhookNotificationFactory().create(json.loads(callback.body))
        return SecurityHelper().is_ip_trusted(callback.source_ip)

    def altered(self, callback, draw):
        """From just outside of a network, or from anywhere."""
        network = ipaddress.ip_network(draw.choice(SecurityHelper.YOOKASSA_NETWORKS))
        outside = draw.choice([network[-1] + 1, network[0] - 1, ipaddress.ip_address(draw.getrandbits(32))])
        return replace(callback, source_ip=str(outside))
