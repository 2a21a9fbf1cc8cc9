use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::{Failure, inspect::settings, output::line, secret::SecretArg, sender};
use crate::{
    app,
    clock::Clock,
    config::{Environment, Kind},
    domain::{Currency, GatewayId, Money},
    gateways::{
        GatewaySettings, Gateways, Mode, Unregistered,
        simulate::{Payment, Scenario},
    },
};

/// Send what a gateway would send, signed as it signs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A built-in kind such as stripe, or file:our-bank.toml
    #[arg(long)]
    kind: Kind,
    /// The story to play
    #[arg(long, value_parser = scenario())]
    scenario: Scenario,
    /// Where the gateway calls
    #[arg(long, default_value = "http://127.0.0.1:8080/webhooks/stripe-eu")]
    url: String,
    #[command(flatten)]
    secret: SecretArg,
    /// What stands in [gateways.X.settings], as JSON
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = settings)]
    settings: serde_json::Map<String, serde_json::Value>,
    /// The merchant account that the events are about
    #[arg(long)]
    account: Option<String>,
    /// The transaction that is paid
    #[arg(long, default_value = "order-1001")]
    transaction_id: String,
    /// The gateway's name for the payment; each run has a new one by default
    #[arg(long)]
    payment_id: Option<String>,
    /// In major units
    #[arg(long, default_value = "42.00")]
    amount: String,
    #[arg(long, default_value = "EUR", value_parser = Currency::parse)]
    currency: Currency,
    /// Send live events instead of test events
    #[arg(long)]
    live: bool,
}

const EXAMPLES: &str = "Examples:
  PAYMENT_STATUS_SECRET=whsec_… payment-status simulate --kind stripe --scenario success
  payment-status simulate --kind adyen --secret-file adyen.key --scenario refund \\
      --url http://127.0.0.1:8080/webhooks/adyen-eu --transaction-id order-7 --amount 12.50

The secret is read from the variable PAYMENT_STATUS_SECRET or from --secret-file.";

fn scenario() -> impl clap::builder::TypedValueParser<Value = Scenario> {
    let words = PossibleValuesParser::new(Scenario::ALL.iter().map(|scenario| scenario.word()));
    words.try_map(|word| Scenario::from_word(&word).ok_or("no such scenario"))
}

impl Args {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let now = Clock::system().now();
        let seed = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        let amount = Money::from_decimal(&self.amount, 0, self.currency)
            .map_err(|error| Failure::because("--amount", &error))?;
        let new_id = format!("sim_{seed:x}");
        let payment = Payment {
            payment_id: self.payment_id.as_deref().unwrap_or(&new_id),
            merchant_reference: &self.transaction_id,
            amount,
            seed,
        };
        let gateways = self.gateways()?;
        let gateway = gateways.iter().next().ok_or_else(|| Failure("--kind: no gateway".to_owned()))?;
        let failed = |error: &dyn std::error::Error| Failure(error.to_string());
        let callbacks = gateway.simulate(self.scenario, &payment, now).map_err(|error| failed(&error))?;
        let mut refused = 0;
        for callback in &callbacks {
            let answer = sender::send(&self.url, callback).await?;
            let said = answer.body.escape_debug();
            line(format_args!("{} {} → {} {said}", callback.method, self.url, answer.status))?;
            refused += usize::from(!(200..300).contains(&answer.status));
        }
        match refused {
            0 => Ok(()),
            // What is forged ought to be.
            _ if self.scenario == Scenario::Forged => Ok(()),
            _ => Err(Failure(format!("{} refused {refused} of {} callbacks", self.url, callbacks.len()))),
        }
    }

    fn gateways(&self) -> Result<Gateways, Failure> {
        // Some kinds sign without one; that the kind lacks one is said when the gateway is built.
        let secrets = self.secret.read(&Environment::of_process())?.into_iter().collect();
        let settings =
            toml::Table::try_from(&self.settings).map_err(|error| Failure::because("--settings", &error))?;
        let settings = GatewaySettings {
            id: self.gateway_id()?,
            kind: app::kind_source(&self.kind)?,
            mode: if self.live { Mode::Live } else { Mode::Test },
            account: self.account.clone(),
            unregistered: Unregistered::Park,
            secrets,
            settings,
        };
        Gateways::build(vec![settings]).map_err(|error| Failure(error.to_string()))
    }

    /// The last part of the URL: some kinds sign the path.
    fn gateway_id(&self) -> Result<GatewayId, Failure> {
        let name = self.url.rsplit('/').next().unwrap_or_default();
        name.parse().map_err(|error| {
            Failure(format!("--url: must end in /webhooks/<gateway>: a gateway's name {error}"))
        })
    }
}
