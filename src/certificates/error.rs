/// Why a certificate could not be had. Says nothing about the callback that needs it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("nobody can be connected to: {0}")]
    Unreachable(String),
    #[error("the proxy answered {0} to CONNECT")]
    ProxyRefused(u16),
    #[error("the host could not prove who it is: {0}")]
    Untrusted(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Redirects are among them: they would lead to where the description does not.
    #[error("the host answered {0}, and only 200 counts")]
    Status(u16),
    #[error("the answer is larger than 64 KiB")]
    TooLarge,
    #[error("the answer is not a certificate in PEM")]
    NotPem,
    #[error("there was no answer in time")]
    TimedOut,
    /// It, or too much of the same host, failed a moment ago.
    #[error("it is not asked for so soon after a failure")]
    HeldOff,
    #[error("too many certificates are being fetched")]
    Busy,
    #[error("the fetch was cut off")]
    Ended,
}

impl FetchError {
    /// For metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::ProxyRefused(_) => "proxy_refused",
            Self::Untrusted(_) => "untrusted",
            Self::Broken(_) => "broken",
            Self::Status(_) => "wrong_status",
            Self::TooLarge => "too_large",
            Self::NotPem => "not_pem",
            Self::TimedOut => "timed_out",
            Self::HeldOff => "held_off",
            Self::Busy => "busy",
            Self::Ended => "ended",
        }
    }

    /// Whether anybody outside was asked at all.
    pub(super) fn is_an_attempt(&self) -> bool {
        !matches!(self, Self::HeldOff | Self::Busy | Self::Ended)
    }
}
