//! gRPC's health checks (`grpc.health.v1.Health`) by `tonic-health`, beside pages on one port.
//!
//! `cargo run --release --example grpc_health --features tower [port] [process|base]`
//!
//! Statuses are those of one worker: with several, each has to set its own.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use swoosh::http::tower::{Body, handler};
use swoosh::http::{Request, Response};
use swoosh::{Mode, http};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};

/// The gRPC services of the server. Another one is a further arm.
struct Services<H>(HealthServer<H>);

impl<H> Clone for Services<H> {
    fn clone(&self) -> Self {
        Services(self.0.clone())
    }
}

impl<H: Health> tower_service::Service<http_types::Request<Body>> for Services<H> {
    type Response = http_types::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http_types::Request<Body>) -> Self::Future {
        if request.uri().path().starts_with("/grpc.health.v1.Health/") {
            return Box::pin(self.0.call(request));
        }
        Box::pin(async { Ok(tonic::Status::unimplemented("there is no such method").into_http()) })
    }
}

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };

    let (reporter, health) = tonic_health::server::health_reporter();
    let grpc = handler(Services(health));
    let server = http::Server::bind(&format!("127.0.0.1:{port}"), mode)?.workers(1).grpc().handle(
        async move |request: Request, response: &mut Response| {
            let status = match request.path() {
                "/start" => ServingStatus::Serving,
                "/stop" => ServingStatus::NotServing,
                "/calls" => {
                    let others = response.node().stats().concurrency - 1;
                    response.text(&format!("{others} calls are open\n"));
                    return Ok(());
                }
                _ => return grpc(request, response).await,
            };
            reporter.set_service_status("", status).await;
            response.text("done\n");
            Ok(())
        },
    );

    let port = server.port(0);
    println!("gRPC on 127.0.0.1:{port}");
    println!("type next, in another terminal:  grpcurl -plaintext 127.0.0.1:{port} grpc.health.v1.Health/Watch");
    println!("then, in a third:  curl 127.0.0.1:{port}/stop");
    println!("stop it with Ctrl+C");
    server.start()
}
