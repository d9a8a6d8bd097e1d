//! Workers without a server: each takes a message from whoever connects, answers it, and is free for the next.
//!
//! A message is four bytes of length, big-endian, and so many bytes; the answer has the same form. The word `exit` ends
//! the worker that gets it, with an error: it is replaced.
//!
//! `cargo run --release --example process_pool [port]`

use swoosh::handler::{Flow, Stop};
use swoosh::pool::{Ipc, Message, Pool, Work, Worker};

struct Shout;

impl Work for Shout {
    fn worker_start(&self, worker: &Worker) -> Flow {
        println!("worker {} runs as process {}", worker.id(), std::process::id());
        Ok(())
    }

    fn takes_messages(&self) -> bool {
        true
    }

    fn message(&self, worker: &Worker, message: &mut Message) -> Flow {
        if message.data == b"exit" {
            return Err(Stop { code: 1 });
        }
        let text = String::from_utf8_lossy(&message.data).to_uppercase();
        message.reply(format!("{text} from worker {}", worker.id()).as_bytes());
        Ok(())
    }
}

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(9501);

    let mut pool = Pool::new(2).ipc(Ipc::Socket);
    let port = pool.listen("127.0.0.1", port, 128)?;

    println!("pool on 127.0.0.1:{port}");
    println!("type next, in another terminal:  printf '\\0\\0\\0\\5hello' | nc 127.0.0.1 {port}");
    println!("stop it with Ctrl+C");
    pool.run(&Shout)
}
