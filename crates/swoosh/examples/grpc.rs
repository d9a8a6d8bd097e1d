//! A gRPC service by `tonic`: one message or a stream of them, in each direction.
//!
//! `cargo run --release --example grpc --features tower [port] [process|base]`
//!
//! `tonic-build` generates what is written by hand below, from this description:
//!
//! ```proto
//! package demo;
//! message Text { string text = 1; }
//! service Words {
//!     rpc Greet (Text) returns (Text);
//!     rpc Count (Text) returns (stream Text);
//!     rpc Join (stream Text) returns (Text);
//!     rpc Chat (stream Text) returns (stream Text);
//! }
//! ```

use futures_util::{Stream, StreamExt, stream};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use swoosh::http::tower::{Body, handler};
use swoosh::{Mode, http};
use tonic::server::{ClientStreamingService, Grpc, ServerStreamingService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
struct Text {
    #[prost(string, tag = "1")]
    text: String,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Texts = Pin<Box<dyn Stream<Item = Result<Text, Status>> + Send>>;

struct Greet;

impl UnaryService<Text> for Greet {
    type Response = Text;
    type Future = Answer<Text>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let name = request.into_inner().text;
        Box::pin(async move {
            match name.as_str() {
                "" => Err(Status::invalid_argument("a name is needed")),
                "slow" => {
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    Ok(Response::new(Text { text: "late".to_owned() }))
                }
                name => Ok(Response::new(Text { text: format!("hello {name}") })),
            }
        })
    }
}

struct Count;

impl ServerStreamingService<Text> for Count {
    type Response = Text;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<Text>) -> Self::Future {
        let count: u32 = request.into_inner().text.parse().unwrap_or(0);
        let texts: Texts = Box::pin(stream::iter((1..=count).map(|n| Ok(Text { text: n.to_string() }))));
        Box::pin(async { Ok(Response::new(texts)) })
    }
}

struct Join;

impl ClientStreamingService<Text> for Join {
    type Response = Text;
    type Future = Answer<Text>;

    fn call(&mut self, request: Request<Streaming<Text>>) -> Self::Future {
        let mut texts = request.into_inner();
        Box::pin(async move {
            let mut words = Vec::new();
            while let Some(text) = texts.next().await {
                words.push(text?.text);
            }
            Ok(Response::new(Text { text: words.join(" ") }))
        })
    }
}

struct Chat;

impl StreamingService<Text> for Chat {
    type Response = Text;
    type ResponseStream = Texts;
    type Future = Answer<Texts>;

    fn call(&mut self, request: Request<Streaming<Text>>) -> Self::Future {
        // A reply to each message, before the next one arrives.
        let replies =
            request.into_inner().map(|text| text.map(|said| Text { text: format!("you said {}", said.text) }));
        let texts: Texts = Box::pin(replies);
        Box::pin(async { Ok(Response::new(texts)) })
    }
}

/// All methods of the service.
#[derive(Clone)]
struct Words;

impl tower_service::Service<http_types::Request<Body>> for Words {
    type Response = http_types::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http_types::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(match request.uri().path() {
                "/demo.Words/Greet" => grpc.unary(Greet, request).await,
                "/demo.Words/Count" => grpc.server_streaming(Count, request).await,
                "/demo.Words/Join" => grpc.client_streaming(Join, request).await,
                "/demo.Words/Chat" => grpc.streaming(Chat, request).await,
                _ => Status::unimplemented("there is no such method").into_http(),
            })
        })
    }
}

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let server = http::Server::bind(&format!("127.0.0.1:{port}"), mode)?.workers(2).grpc().handle(handler(Words));

    let port = server.port(0);
    println!("gRPC on 127.0.0.1:{port}");
    println!(
        "type next, in another terminal:  grpcurl -plaintext -proto words.proto 127.0.0.1:{port} demo.Words/Greet"
    );
    println!("stop it with Ctrl+C");
    server.start()
}
