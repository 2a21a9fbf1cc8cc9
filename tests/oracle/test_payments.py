"""A signed callback becomes a durable, queryable, streamed status; an unsigned one becomes nothing."""

import itertools

import pytest

from gateways import Payment
from merchant import dispute, holds, status

# What the gateway says, and what the payment is then: status and dispute.
STORIES = {
    ("pending",): ("PENDING", "NONE"),
    ("paid",): ("PAID", "NONE"),
    ("failed",): ("FAILED", "NONE"),
    ("failed", "paid"): ("PAID", "NONE"),
    ("paid", "refunded"): ("REFUNDED", "NONE"),
    ("paid", "dispute_opened"): ("PAID", "OPEN"),
    ("paid", "dispute_opened", "dispute_won"): ("PAID", "WON"),
    ("paid", "dispute_opened", "dispute_lost"): ("REVERSED", "LOST"),
}


@pytest.mark.parametrize("story", STORIES, ids=" ".join)
def test_a_story_ends_the_same_in_any_order(deployment, merchant, follower, gateway, story):
    for order in itertools.permutations(story):
        payment = Payment()
        merchant.register(payment, gateway.name)
        events = {word: gateway.sign(gateway.event(word, payment)) for word in story}
        for word in order:
            assert deployment.deliver(events[word]) == (200, gateway.reply)
        seen = merchant.transaction(payment)
        assert (status(seen), dispute(seen), holds(seen)) == (*STORIES[story], []), order
        follower.sees(seen)


def test_a_callback_may_come_before_its_registration(deployment, merchant, follower, gateway):
    payment = Payment()
    assert deployment.deliver(gateway.sign(gateway.event("paid", payment))) == (200, gateway.reply)
    assert status(merchant.register(payment, gateway.name).transaction) == "PAID"
    follower.sees(merchant.transaction(payment))


def test_a_repeated_callback_counts_once(deployment, merchant, follower, gateway):
    payment = Payment()
    merchant.register(payment, gateway.name)
    event = gateway.event("paid", payment)
    first = gateway.sign(event)
    # The gateway sends the same bytes again, and later signs the same event anew.
    for callback in (first, first, gateway.sign(event)):
        assert deployment.deliver(callback) == (200, gateway.reply)
    seen = merchant.transaction(payment)
    assert (status(seen), seen.captured.minor_units, seen.version) == ("PAID", payment.amount, 2)
    assert [status(update.transaction) for update in follower.sees(seen)] == ["CREATED", "PAID"]


def test_a_forged_callback_changes_nothing(deployment, merchant, gateway):
    payment = Payment()
    before = merchant.register(payment, gateway.name).transaction
    event = gateway.event("paid", payment)
    honest = gateway.sign(event)
    changed = gateway.sign(event)
    changed.body = changed.body.replace(str(payment.amount).encode(), b"1")
    for callback in (gateway.forge(event), changed):
        assert deployment.deliver(callback)[0] == 401
        assert merchant.transaction(payment) == before
    assert deployment.deliver(honest)[0] == 200


def test_too_little_money_is_held(deployment, merchant, follower, gateway):
    payment = Payment()
    merchant.register(payment, gateway.name)
    payment.amount -= 1
    assert deployment.deliver(gateway.sign(gateway.event("paid", payment))) == (200, gateway.reply)
    seen = merchant.transaction(payment)
    assert (seen.actionable, holds(seen)) == (False, ["AMOUNT_MISMATCH"])
    follower.sees(seen)


def test_other_money_is_held_and_not_counted(deployment, merchant, gateway):
    payment = Payment()
    merchant.register(payment, gateway.name)
    payment.currency = "USD"
    assert deployment.deliver(gateway.sign(gateway.event("paid", payment))) == (200, gateway.reply)
    seen = merchant.transaction(payment)
    assert (seen.captured.minor_units, holds(seen)) == (0, ["CURRENCY_MISMATCH"])


def test_one_payment_pays_one_order(deployment, merchant, gateway):
    payment, other = Payment(), Payment()
    merchant.register(payment, gateway.name)
    merchant.register(other, gateway.name)
    assert deployment.deliver(gateway.sign(gateway.event("paid", payment)))[0] == 200
    other.payment_id = payment.payment_id
    assert deployment.deliver(gateway.sign(gateway.event("paid", other)))[0] == 200
    assert merchant.status(other) == "CREATED"
