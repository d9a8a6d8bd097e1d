//! Slow work in task workers: workers accept requests at once and pass the slow part on.
//!
//! Send a number to get the count of primes below it. One worker serves all clients and is never blocked: task workers do
//! the counting.
//!
//! `cargo run --release --example task_queue [port]`

use swoosh::config::Framing;
use swoosh::{Mode, Server, SessionId};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());

    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(1)
        .task_workers(2)
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        // In the worker. A task is bytes; it contains the connection, for the reply.
        .on_receive(|worker, conn, line| {
            let line = String::from_utf8_lossy(line);
            match line.trim().parse::<u64>() {
                Ok(below) if below <= MOST => {
                    let task = worker.task(format!("{} {below}", conn.0).as_bytes(), None, 0)?;
                    worker.send(conn, format!("task {task} is queued\n").as_bytes())
                }
                _ => worker.send(conn, format!("a number up to {MOST}, please\n").as_bytes()),
            }
        })
        // In a task worker, which may block.
        .on_task(|task_worker, event, task| {
            let (conn, below) = two_numbers(task);
            let answer = format!("{conn} {} primes below {below}", primes_below(below));
            task_worker.finish_task(event, answer.as_bytes(), 0)
        })
        // In the worker again.
        .on_finish(|worker, event, answer| {
            let (conn, _) = two_numbers(answer);
            let text = String::from_utf8_lossy(answer);
            let text = text.split_once(' ').map_or("", |(_, text)| text);
            let by = event.task_worker.0;
            worker.send(SessionId(conn), format!("task {}: {text} (task worker {by})\n", event.task_id).as_bytes())
        });

    println!("prime counter on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   and a number, such as 2000000", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

fn two_numbers(text: &[u8]) -> (u64, u64) {
    let text = String::from_utf8_lossy(text);
    let mut numbers = text.split(' ').map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn primes_below(limit: u64) -> usize {
    (2..limit).filter(|n| (2..).take_while(|d| d * d <= *n).all(|d| n % d != 0)).count()
}

const MOST: u64 = 10_000_000;
