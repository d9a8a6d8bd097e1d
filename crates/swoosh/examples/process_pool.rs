//! Workers without a server: each receives one message from a client at a time and replies to it.
//!
//! A message is four bytes of length, big-endian, and that many bytes; the reply has the same form. The message `exit` ends
//! its worker with an error, and the worker is replaced.
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
