//! Waiting: the Rust equivalents of channels, `WaitGroup`, `defer`, timeouts and `cancel` of PHP's coroutines.
//!
//! Commands: `put WORD` puts a word into a channel with room for two; `take MS` waits for a word, at most so long;
//! `gather N` runs N futures at once and waits for all of them; `cancel` cancels a waiting future. One worker handles all
//! requests, at most three at once; more are queued (`worker_max_concurrency`).
//!
//! `cargo run --release --example waiting [port]`

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use swoosh::config::Framing;
use swoosh::{Mode, Server};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The state of one worker. Plain data needs no lock, because one future runs at a time.
struct Shared {
    words: mpsc::Sender<String>,
    /// The lock is held across an await, so it is an async one.
    arrived: Mutex<mpsc::Receiver<String>>,
}

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let (words, arrived) = mpsc::channel(2);
    let shared = Rc::new(Shared { words, arrived: Mutex::new(arrived) });

    let server = Server::bind(&format!("127.0.0.1:{port}"), Mode::Process)?
        .workers(1)
        .configure(|config| config.worker_max_concurrency = 3)
        .ports(|port| port.framing = Framing::EofSplit(b"\n".to_vec()))
        .on_receive_async(move |worker, conn, line| {
            let shared = shared.clone();
            async move {
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                let answer = match line.split_once(' ').unwrap_or((&line, "")) {
                    ("put", word) => put(&shared, word).await,
                    ("take", ms) => take(&shared, ms.parse().unwrap_or(1000)).await,
                    ("gather", count) => gather(count.parse().unwrap_or(3)).await,
                    ("cancel", _) => cancel().await,
                    _ => "commands: put WORD, take MS, gather N, cancel".to_owned(),
                };
                worker.send(conn, format!("{answer}\n").as_bytes())
            }
        });

    println!("waiting server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   and  gather 3", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

/// `$channel->push($word)`: waits while the channel is full.
async fn put(shared: &Shared, word: &str) -> String {
    match shared.words.send(word.to_owned()).await {
        Ok(()) => format!("put {word}"),
        Err(_) => "the channel is closed".to_owned(),
    }
}

/// `$channel->pop($seconds)`: waits for a word, with a timeout.
async fn take(shared: &Shared, ms: u64) -> String {
    let word = async { shared.arrived.lock().await.recv().await };
    match timeout(Duration::from_millis(ms), word).await {
        Ok(Some(word)) => format!("took {word}"),
        Ok(None) => "the channel is closed".to_owned(),
        Err(_) => "nothing came".to_owned(),
    }
}

/// `WaitGroup`: concurrent futures, the last one the fastest, and a wait for all of them.
async fn gather(count: u64) -> String {
    let mut group = JoinSet::new();
    for number in 1..=count {
        group.spawn(async move {
            sleep(Duration::from_millis(20 * (count - number))).await;
            number
        });
    }
    let mut order = Vec::new();
    while let Some(number) = group.join_next().await {
        order.push(number.map_or("lost".to_owned(), |number| number.to_string()));
    }
    order.join(" ")
}

/// `Co::cancel` and `defer`: dropping a future drops what it owns, wherever it waits.
async fn cancel() -> String {
    let steps = Rc::new(RefCell::new(vec!["started"]));
    let end = AtEnd(steps.clone());
    let mut work = Box::pin(async move {
        let _end = end;
        sleep(Duration::from_secs(3600)).await;
    });
    let _ = timeout(Duration::from_millis(10), &mut work).await;
    steps.borrow_mut().push("cancelled");
    drop(work);
    steps.take().join(", ")
}

/// Records its drop.
struct AtEnd(Rc<RefCell<Vec<&'static str>>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.borrow_mut().push("cleaned up");
    }
}
