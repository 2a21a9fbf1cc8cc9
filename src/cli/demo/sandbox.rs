//! A temporary folder with a configuration, secrets and a database; gone when dropped.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, HEXUPPER};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct Sandbox(PathBuf);

impl Sandbox {
    pub(super) fn create() -> io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("payment-status-demo-{}", Uuid::now_v7().simple()));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let sandbox = Self(folder);
        let secrets = [
            ("stripe", format!("whsec_{}", BASE64.encode(&random()))),
            ("adyen", HEXUPPER.encode(&random())),
            ("shop", format!("whsec_{}", BASE64.encode(&random()))),
        ];
        for (gateway, secret) in secrets {
            fs::write(sandbox.secret(gateway), secret)?;
        }
        fs::write(sandbox.config(), sandbox.config_text())?;
        Ok(sandbox)
    }

    pub(super) fn config(&self) -> PathBuf {
        self.0.join("payment-status.toml")
    }

    /// The file that holds a gateway's secret.
    pub(super) fn secret(&self, gateway: &str) -> PathBuf {
        self.0.join(format!("{gateway}.secret"))
    }

    fn config_text(&self) -> String {
        let (http, grpc, ops) = (listen(8080), listen(50051), listen(9090));
        let database = database_url(&self.0);
        format!(
            r#"[http]
listen = "{http}"
[grpc]
listen = "{grpc}"
[ops]
listen = "{ops}"
[database]
url = "{database}"
[log]
filter = "warn"

[gateways.stripe]
kind = "stripe"
mode = "test"
secrets = [{{ file = "stripe.secret" }}]

[gateways.adyen]
kind = "adyen"
mode = "test"
account = "DemoShop"
secrets = [{{ file = "adyen.secret" }}]

# Any sender that follows the Standard Webhooks scheme; the settings say where its values stand.
[gateways.shop]
kind = "standard-webhooks"
mode = "test"
secrets = [{{ file = "shop.secret" }}]
[gateways.shop.settings]
paths = {{ payment_id = "$.data.id", merchant_reference = "$.data.order_id", amount = "$.data.amount", currency = "$.data.currency", refund_id = "$.data.refund_id", dispute_id = "$.data.dispute_id" }}
status_map = {{ "payment.pending" = "requires_action", "payment.succeeded" = "paid", "payment.failed" = "failed", "payment.expired" = "expired", "refund.created" = "refund_relative", "dispute.opened" = "disputed", "dispute.won" = "dispute_won", "dispute.lost" = "chargeback_lost" }}
"#
        )
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} is left behind: {error}", self.0.display());
        }
    }
}

fn database_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("demo.db").display())
}

/// The usual port where it is free, else any.
fn listen(port: u16) -> String {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    format!("127.0.0.1:{}", if free { port } else { 0 })
}

/// Good enough for secrets that live as long as the demo: two fresh ids hold 148 random bits.
fn random() -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(Uuid::now_v7());
    digest.update(Uuid::now_v7());
    digest.finalize().into()
}
