//! Supervised processes, each with a helper process that it uses through a pipe.
//!
//! Kill one: it is replaced, and its helper ends with it. `kill -USR1` to the supervisor replaces all of them, one after the
//! other.
//!
//! `cargo run --release --example supervisor`

use std::time::Duration;
use swoosh::pool::{Child, PipeKind, Pool, Process, Worker};

fn main() -> swoosh::Result<()> {
    println!("supervisor: process {}", std::process::id());
    println!("stop it with Ctrl+C");
    Pool::new(2).run(&work)
}

fn work(worker: &Worker) {
    match count(worker) {
        Ok(()) => println!("worker {} ends", worker.id()),
        Err(e) => eprintln!("worker {}: {e}", worker.id()),
    }
}

fn count(worker: &Worker) -> swoosh::Result<()> {
    let helper = Process::spawn(Some(PipeKind::Datagram), square)?;
    println!("worker {} runs as process {}, its helper as {}", worker.id(), std::process::id(), helper.pid());
    let Some(pipe) = helper.pipe() else { return Ok(()) };
    let mut answer = [0; 64];
    let mut number = worker.generation() * 100;
    while !worker.should_stop() {
        number += 1;
        pipe.send(number.to_string().as_bytes())?;
        let len = pipe.receive(&mut answer)?;
        println!("worker {}: the square of {number} is {}", worker.id(), String::from_utf8_lossy(&answer[..len]));
        worker.sleep(Duration::from_secs(1));
    }
    helper.kill(SIGTERM);
    helper.wait()?;
    Ok(())
}

/// The helper: answers each number with its square.
fn square(child: &Child) -> i32 {
    let mut question = [0; 64];
    let Some(pipe) = child.pipe() else { return 1 };
    while let Ok(len) = pipe.receive(&mut question) {
        let number: u64 = String::from_utf8_lossy(&question[..len]).parse().unwrap_or(0);
        if pipe.send((number * number).to_string().as_bytes()).is_err() {
            break;
        }
    }
    0
}

/// See signal(7).
const SIGTERM: i32 = 15;
