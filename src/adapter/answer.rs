//! What a gateway hears. Our own trouble is always 503, so that it tries again; bodies are never echoed.

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use tonic::Code;

use crate::proto::{CallbackError, HttpReply, callback_result};

/// Seconds after which a gateway may try again; most have a schedule of their own.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");
const ALLOWED: HeaderValue = HeaderValue::from_static("GET, POST");

/// A request that ends without the service's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    MethodNotAllowed,
    /// The body is larger than is taken.
    TooLarge,
    /// The body did not come in time.
    TooSlow,
    /// The body broke off or its framing is wrong.
    Broken,
    /// The service is down, slow or overloaded, or we are.
    Unavailable,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::MethodNotAllowed => with_header(StatusCode::METHOD_NOT_ALLOWED, ALLOW, ALLOWED),
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT.into_response(),
            Self::Broken => StatusCode::BAD_REQUEST.into_response(),
            Self::Unavailable => {
                with_header(StatusCode::SERVICE_UNAVAILABLE, RETRY_AFTER, RETRY_AFTER_SECONDS)
            }
        }
    }
}

/// The service's word in HTTP.
pub(super) fn answer(result: callback_result::Result) -> Result<Response, Refusal> {
    match result {
        callback_result::Result::Response(response) => reply(
            response
                .reply
                .unwrap_or(HttpReply { status: StatusCode::OK.as_u16().into(), ..HttpReply::default() }),
        ),
        callback_result::Result::Error(error) => refuse(error),
    }
}

fn refuse(error: CallbackError) -> Result<Response, Refusal> {
    match (Code::from(error.code), error.reply) {
        (Code::Unauthenticated, Some(wanted)) => reply(wanted),
        (Code::Unauthenticated, None) => Ok(StatusCode::UNAUTHORIZED.into_response()),
        (Code::NotFound, _) => Err(Refusal::NotFound),
        (Code::InvalidArgument, _) => Ok(StatusCode::BAD_REQUEST.into_response()),
        _ => Err(Refusal::Unavailable),
    }
}

fn reply(HttpReply { status, content_type, body }: HttpReply) -> Result<Response, Refusal> {
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status.ok_or(Refusal::Unavailable)?;
    if !content_type.is_empty() {
        let value = HeaderValue::try_from(content_type).map_err(|_| Refusal::Unavailable)?;
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    Ok(response)
}

fn with_header(status: StatusCode, name: HeaderName, value: HeaderValue) -> Response {
    (status, [(name, value)]).into_response()
}
