"""What was acknowledged is there, whatever happened to the program in between."""

import concurrent.futures
import http.client
import threading

import grpc

from gateways import Payment, Stripe
from merchant import Follower, Merchant, refusal, status
from program import PATIENCE, eventually

PAYMENTS = 240
CONNECTIONS = 8
KILL_AFTER = 60


def test_nothing_acknowledged_is_lost_to_a_kill(own_deployment):
    gateway, merchant = Stripe(), own_deployment.merchant()
    payments = [Payment() for _ in range(PAYMENTS)]
    for payment in payments:
        merchant.register(payment, gateway.name)
    follower = Follower(merchant)
    acknowledged, enough = [], threading.Event()

    def deliver(share):
        for payment in share:
            try:
                answer, _ = own_deployment.deliver(gateway.sign(gateway.event("paid", payment)))
            except (OSError, http.client.HTTPException):
                continue
            assert answer in (200, 503)
            if answer == 200:
                acknowledged.append(payment)
            if len(acknowledged) >= KILL_AFTER:
                enough.set()

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [pool.submit(deliver, payments[start::CONNECTIONS]) for start in range(CONNECTIONS)]
        assert enough.wait(PATIENCE)
        own_deployment.back.kill()
        for share in shares:
            share.result(PATIENCE)
    eventually("the stream broke", lambda: follower.ended)
    merchant.close()

    own_deployment.start()
    merchant = Merchant(own_deployment.grpc)
    assert KILL_AFTER <= len(acknowledged) < PAYMENTS
    assert {merchant.status(payment) for payment in acknowledged} == {"PAID"}

    # The gateway tries again until it is heard, and the order service goes on where it left off.
    resumed = Follower(merchant, follower.cursor)
    for payment in payments:
        callback = gateway.sign(gateway.event("paid", payment))
        eventually("the callback is taken", lambda: own_deployment.deliver(callback)[0] == 200)
    for payment in payments:
        transaction = merchant.transaction(payment)
        assert (status(transaction), transaction.version) == ("PAID", 2)
        whole = lambda: _versions(follower, payment) + _versions(resumed, payment)
        eventually("both streams together bring every version", lambda: whole() == [1, 2])
    resumed.close()
    merchant.close()


def test_it_says_farewell_to_its_readers(own_deployment):
    merchant = own_deployment.merchant()
    merchant.register(Payment(), "stripe")
    follower = Follower(merchant)
    eventually("the stream has begun", lambda: follower.updates)
    assert own_deployment.stop() == [0] * len({own_deployment.front, own_deployment.back})
    follower.thread.join(PATIENCE)
    code, details = refusal(follower.ended)
    assert (code, details["ErrorInfo"].reason) == (grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN")
    assert details["RetryInfo"].retry_delay.seconds >= 1
    merchant.close()


def _versions(follower, payment):
    return [update.transaction.version for update in follower.updates.get(payment.reference, [])]
