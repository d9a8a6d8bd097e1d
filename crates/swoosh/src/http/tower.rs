//! Services of the crates `tower` and `tonic` as handlers: gRPC by `tonic`, and anything else that answers `http::Request`s.
//!
//! ```no_run
//! use std::convert::Infallible;
//! use swoosh::http::tower::{Body, handler};
//! use swoosh::{Mode, http};
//!
//! #[derive(Clone)]
//! struct Greeting;
//!
//! impl tower_service::Service<http_types::Request<Body>> for Greeting {
//!     type Response = http_types::Response<Body>;
//!     type Error = Infallible;
//!     type Future = std::future::Ready<Result<Self::Response, Infallible>>;
//!
//!     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
//!         std::task::Poll::Ready(Ok(()))
//!     }
//!
//!     fn call(&mut self, request: http_types::Request<Body>) -> Self::Future {
//!         let text = format!("hello at {}\n", request.uri());
//!         std::future::ready(Ok(http_types::Response::new(Body::from(text.into_bytes()))))
//!     }
//! }
//!
//! http::Server::bind("127.0.0.1:9501", Mode::Process)?.handle(handler(Greeting)).start()?;
//! # Ok::<(), swoosh::Error>(())
//! ```
//!
//! With [`Server::grpc`](super::Server::grpc), a gRPC call is handled once its head has arrived, and the service gets messages as
//! the client sends them. Of other requests a service gets the whole body at once. The response is sent as the service
//! produces it. The deadline of a gRPC call (`grpc-timeout`) drops the
//! service's future and ends the call with status 4, DEADLINE_EXCEEDED. A gRPC client that leaves has its future and the body of
//! its response dropped within two seconds.

use super::request_parts::{ClientLeft, RequestParts};
use super::{Request, Response};
use crate::context::Context as Node;
use crate::error::{Error, Result};
use crate::handler::SessionId;
use bytes::{Buf, Bytes};
use http_body::{Body as _, Frame, SizeHint};
use send_wrapper::SendWrapper;
use std::fmt::{self, Display};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// The body of a request; also a body for responses.
#[derive(Debug, Default)]
pub struct Body(Content);

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Whole(Bytes),
    /// The worker's thread alone uses it: tasks of a service run there.
    Parts(SendWrapper<Rc<RequestParts>>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Empty => f.write_str("empty"),
            Content::Whole(bytes) => bytes.fmt(f),
            Content::Parts(_) => f.write_str("in parts"),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Body(if bytes.is_empty() { Content::Empty } else { Content::Whole(bytes.into()) })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = ClientLeft;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, ClientLeft>>> {
        if let Content::Parts(parts) = &self.0 {
            return parts.poll_next(cx).map(|next| next.map(|part| part.map(|data| Frame::data(data.into()))));
        }
        Poll::Ready(match std::mem::take(&mut self.0) {
            Content::Whole(bytes) => Some(Ok(Frame::data(bytes))),
            _ => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Content::Empty => true,
            Content::Whole(_) => false,
            Content::Parts(parts) => parts.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Parts(_) => SizeHint::default(),
        }
    }
}

/// A handler for [`Server::handle`](super::Server::handle) that gives each request to a clone of the service.
///
/// The request's extensions have the [`SessionId`] of its connection. Errors of the service or of the response's body are
/// logged; the client gets 500 if nothing was sent, else an incomplete response.
pub fn handler<S, B>(service: S) -> impl AsyncFn(Request, &mut Response) -> Result<()> + 'static
where
    S: Service<http_types::Request<Body>, Response = http_types::Response<B>> + Clone + 'static,
    S::Error: Display,
    B: http_body::Body + 'static,
    B::Error: Display,
{
    async move |request: Request, response: &mut Response| -> Result<()> {
        let (timeout, is_grpc) = (grpc_timeout(&request), is_grpc(&request));
        let (node, session) = (response.node().clone(), request.conn());
        let Some(request) = convert(&request) else {
            response.status(400);
            return Ok(());
        };
        let mut service = service.clone();
        let mut is_begun = false;
        let exchange = async {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(|e| failed(&e))?;
            let answer = service.call(request).await.map_err(|e| failed(&e))?;
            is_begun = true;
            send(answer, response).await
        };
        if !is_grpc {
            return exchange.await;
        }
        let exchange = async {
            tokio::select! {
                biased;
                done = exchange => done,
                () = client_left(&node, session) => Ok(()),
            }
        };
        let Some(timeout) = timeout else { return exchange.await };
        if let Ok(done) = tokio::time::timeout(timeout, exchange).await {
            return done;
        }
        // A response that has begun has its content type.
        if !is_begun {
            response.header("content-type", "application/grpc");
        }
        response.trailer("grpc-status", "4");
        response.trailer("grpc-message", "the deadline has passed");
        Ok(())
    }
}

/// Ready once the client has reset the stream, or its connection has ended.
async fn client_left(node: &Node, session: SessionId) {
    while node.exists(session) {
        tokio::time::sleep(CHECK).await;
    }
}

fn failed(error: &impl Display) -> Error {
    Error::State { operation: "call the service", reason: error.to_string() }
}

/// The request in the form of the crate `http`; `None` if it has none.
fn convert(request: &Request) -> Option<http_types::Request<Body>> {
    let version =
        if request.version() == "HTTP/2" { http_types::Version::HTTP_2 } else { http_types::Version::HTTP_11 };
    let mut builder = http_types::Request::builder()
        .method(request.method())
        .uri(request.target())
        .version(version)
        .extension::<SessionId>(request.conn());
    for (name, value) in request.headers() {
        builder = builder.header(name, value);
    }
    let body = match request.body_parts() {
        Some(parts) => Body(Content::Parts(SendWrapper::new(parts))),
        None => Body::from(request.body().to_vec()),
    };
    builder.body(body).ok()
}

async fn send<B>(answer: http_types::Response<B>, response: &mut Response) -> Result<()>
where
    B: http_body::Body,
    B::Error: Display,
{
    let (head, body) = answer.into_parts();
    response.status(head.status.as_u16());
    for (name, value) in &head.headers {
        if name != http_types::header::CONTENT_LENGTH && name != http_types::header::TRANSFER_ENCODING {
            response.header(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    let is_short = body.size_hint().exact().is_some_and(|length| length <= SHORT);
    let mut body = pin!(body);
    let mut whole = Vec::new();
    while !body.is_end_stream() {
        let ready = poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx))).await;
        let next = match ready {
            Poll::Ready(next) => next,
            // A client may wait for the head before it sends what the body waits for.
            Poll::Pending => {
                if !is_short {
                    response.send_head().await?;
                }
                poll_fn(|cx| body.as_mut().poll_frame(cx)).await
            }
        };
        let Some(frame) = next else { break };
        match frame.map_err(|e| failed(&e))?.into_data() {
            Ok(mut data) if is_short => {
                whole.resize(whole.len() + data.remaining(), 0);
                let from = whole.len() - data.remaining();
                data.copy_to_slice(&mut whole[from..]);
            }
            Ok(mut data) => {
                while data.has_remaining() {
                    let length = data.chunk().len();
                    response.write(data.chunk()).await?;
                    data.advance(length);
                }
            }
            Err(frame) => {
                for (name, value) in &frame.into_trailers().unwrap_or_default() {
                    response.trailer(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
                }
            }
        }
    }
    if is_short && !whole.is_empty() {
        response.body(whole);
    }
    Ok(())
}

/// The deadline of a gRPC call: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").
fn grpc_timeout(request: &Request) -> Option<Duration> {
    parse_timeout(request.header("grpc-timeout").filter(|_| is_grpc(request))?)
}

fn is_grpc(request: &Request) -> bool {
    request.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc"))
}

fn parse_timeout(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// Bodies of a known length up to this, bytes, are sent with their length instead of in parts.
const SHORT: u64 = 1 << 20;
/// The interval of the check whether the client of a gRPC call has left.
const CHECK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_has_up_to_eight_digits_and_a_unit() {
        let cases = [
            ("1H", 3_600_000_000),
            ("2M", 120_000_000),
            ("3S", 3_000_000),
            ("4m", 4_000),
            ("5u", 5),
            ("99999999m", 99_999_999_000),
        ];
        for (value, micros) in cases {
            assert_eq!(parse_timeout(value), Some(Duration::from_micros(micros)), "{value}");
        }
        assert_eq!(parse_timeout("7n"), Some(Duration::from_nanos(7)));
        for value in ["", "S", "1", "1x", "-1S", "1.5S", "123456789S", "1 S", "ü"] {
            assert_eq!(parse_timeout(value), None, "{value}");
        }
    }
}
