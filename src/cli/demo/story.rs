//! What happens to payments, each thing once.

use super::stage::{Order, Stage};
use crate::{cli::Failure, gateways::simulate::Scenario};

const COFFEE: Order =
    Order { id: "order-1001", gateway: "stripe", payment_id: "pi_1001", minor_units: 4_200, currency: "EUR" };
const SHOES: Order = Order {
    id: "order-1002",
    gateway: "adyen",
    payment_id: "8836000000001002",
    minor_units: 9_990,
    currency: "EUR",
};
const TEA: Order =
    Order { id: "order-1003", gateway: "shop", payment_id: "pay_1003", minor_units: 1_500, currency: "JPY" };
const LAPTOP: Order = Order {
    id: "order-1004",
    gateway: "stripe",
    payment_id: "pi_1004",
    minor_units: 125_000,
    currency: "USD",
};
const BOOK: Order =
    Order { id: "order-1005", gateway: "shop", payment_id: "pay_1005", minor_units: 1_850, currency: "EUR" };

pub(super) async fn tell(stage: &mut Stage) -> Result<(), Failure> {
    stage.say("The order service says what it expects, before the customer pays.").await?;
    stage.header()?;
    for order in [&COFFEE, &SHOES, &TEA, &LAPTOP] {
        stage.register(order).await?;
    }

    stage
        .say("Stripe calls: order-1001 is paid. The signature proves it, the amount fits: send the coffee.")
        .await?;
    stage.play(&COFFEE, Scenario::Success).await?;

    stage.say("The same call once more, as gateways do when they are unsure: answered, and nothing happens twice.").await?;
    stage.play(&COFFEE, Scenario::Success).await?;

    stage
        .say("Adyen's refund overtakes the payment that it refunds. Whatever the order, the same end.")
        .await?;
    stage.play(&SHOES, Scenario::Reordered).await?;

    stage.say("Somebody pretends that order-1003 is paid. The signature does not fit: refused, nothing changes.").await?;
    stage.play(&TEA, Scenario::Forged).await?;

    stage.say("Then it is really paid, by any sender that signs as Standard Webhooks says.").await?;
    stage.play(&TEA, Scenario::Success).await?;

    stage
        .say(
            "Half the price for a laptop: authentic, but not what was expected. On hold, so nobody ships it.",
        )
        .await?;
    stage.play(&LAPTOP, Scenario::WrongAmount).await?;

    stage.say("A call that is faster than the order service: parked, and counted in the moment of the registration.").await?;
    stage.play(&BOOK, Scenario::Success).await?;
    stage.register(&BOOK).await
}
