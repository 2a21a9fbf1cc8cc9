//! The world outside as far as a certificate needs it: a gateway's site with TLS by an authority of its own, behind
//! a proxy that leads every CONNECT there.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use payment_status::certificates::Trust;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

/// The names in the site's own certificate, and no others.
pub const HOST: &str = "api.gateway.example";
pub const PAYPAL_HOST: &str = "api.paypal.com";

/// What the proxy does with a CONNECT.
#[derive(Clone, Copy, Debug)]
pub enum Proxy {
    Leads,
    Refuses,
    /// Takes the connection and says nothing.
    IsSilent,
    /// Leads to somebody who takes the connection and says nothing.
    LeadsNowhere,
}

#[derive(Clone, Debug)]
pub struct Outside {
    pub proxy: SocketAddr,
    /// The authority's own certificate; also what the site answers where it has no other.
    pub pem: String,
    certificates: Arc<Certificates>,
    seen: Arc<Mutex<Seen>>,
    /// What is called `held…` is answered once for each permit.
    pub gate: Arc<Semaphore>,
}

/// What the site has, as PEM, by name: the last part of a path.
pub type Certificates = BTreeMap<&'static str, String>;

#[derive(Debug, Default)]
struct Seen {
    /// First lines of requests.
    by_proxy: Vec<String>,
    by_site: Vec<String>,
    now: usize,
    most_at_once: usize,
}

impl Outside {
    pub async fn start(proxy: Proxy) -> Self {
        Self::start_with(proxy, Certificates::new()).await
    }

    pub async fn start_with(proxy: Proxy, certificates: Certificates) -> Self {
        let (tls, pem) = site_identity();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outside = Self {
            proxy: listener.local_addr().unwrap(),
            pem,
            certificates: Arc::new(certificates),
            seen: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        };
        let site = outside.clone().open_site(tls).await;
        tokio::spawn(outside.clone().run_proxy(listener, site, proxy));
        outside
    }

    pub fn trust(&self) -> Trust {
        Trust::new(Some(&self.pem)).unwrap()
    }

    pub fn seen_by_proxy(&self) -> Vec<String> {
        self.seen.lock().unwrap().by_proxy.clone()
    }

    pub fn seen_by_site(&self) -> Vec<String> {
        self.seen.lock().unwrap().by_site.clone()
    }

    pub fn most_at_once(&self) -> usize {
        self.seen.lock().unwrap().most_at_once
    }

    async fn run_proxy(self, listener: TcpListener, site: SocketAddr, proxy: Proxy) {
        let nowhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
        while let Ok((mut client, _)) = listener.accept().await {
            let (outside, nowhere) = (self.clone(), nowhere.local_addr().unwrap());
            tokio::spawn(async move {
                let asked = first_line(&mut client).await;
                outside.seen.lock().unwrap().by_proxy.push(asked);
                let to = match proxy {
                    Proxy::Leads => site,
                    Proxy::LeadsNowhere => nowhere,
                    Proxy::Refuses => {
                        let _ = client.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n").await;
                        return;
                    }
                    Proxy::IsSilent => return until_closed(&mut client).await,
                };
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    }

    async fn open_site(self, tls: TlsAcceptor) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (site, tls) = (self.clone(), tls.clone());
                tokio::spawn(async move {
                    let Ok(mut client) = tls.accept(client).await else { return };
                    let asked = first_line(&mut client).await;
                    site.enter(&asked);
                    site.answer(&mut client, &asked).await;
                    site.seen.lock().unwrap().now -= 1;
                    let _ = client.shutdown().await;
                });
            }
        });
        address
    }

    fn enter(&self, asked: &str) {
        let mut seen = self.seen.lock().unwrap();
        seen.by_site.push(asked.to_owned());
        seen.now += 1;
        seen.most_at_once = seen.most_at_once.max(seen.now);
    }

    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(&self, client: &mut S, asked: &str) {
        let name = asked.split(' ').nth(1).and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        if name.starts_with("held") {
            self.gate.acquire().await.unwrap().forget();
        }
        let text = match name {
            "moved" => "HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\n\r\n".to_owned(),
            "missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
            "text" => ok("it is not here, but you may log in"),
            "key" => ok("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "large" => ok(&self.pem.repeat(1 + (64 << 10) / self.pem.len())),
            "not-http" => "220 mail.example ESMTP\r\n".to_owned(),
            "silent" => return until_closed(client).await,
            "half" => {
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n-----BEGIN").await;
                return until_closed(client).await;
            }
            "endless" => {
                return for_ever(client, "HTTP/1.1 200 OK\r\n\r\n", &self.pem).await;
            }
            "endless-head" => return for_ever(client, "HTTP/1.1 200 OK\r\n", "x: y\r\n").await,
            "not-utf8" => {
                let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe").await;
                return;
            }
            name => ok(self.certificates.get(name).unwrap_or(&self.pem)),
        };
        let _ = client.write_all(text.as_bytes()).await;
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn for_ever<S: AsyncWrite + Unpin>(client: &mut S, head: &str, part: &str) {
    let _ = client.write_all(head.as_bytes()).await;
    while client.write_all(part.as_bytes()).await.is_ok() {}
}

async fn until_closed<S: AsyncRead + Unpin>(client: &mut S) {
    while client.read_u8().await.is_ok() {}
}

async fn first_line<S: AsyncRead + Unpin>(client: &mut S) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { break };
        head.push(char::from(byte));
    }
    head.lines().next().unwrap_or_default().to_owned()
}

fn site_identity() -> (TlsAcceptor, String) {
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let site = CertificateParams::new([HOST, PAYPAL_HOST].map(str::to_owned)).unwrap();
    let certificate = site.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem)
}
