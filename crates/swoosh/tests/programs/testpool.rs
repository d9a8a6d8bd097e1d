//! The pool that the tests talk to, and children for tests of processes. Its first argument says which; each line that it
//! prints says what happened, and in which worker.

use std::time::Duration;
use swoosh::handler::{Flow, Stop};
use swoosh::pool::{Child, Ipc, Message, Pipe, PipeKind, Pool, Process, Supervisor, Work, Worker};
use swoosh::sys::process::exit_now;

fn main() -> swoosh::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize, default: i64| arguments.get(n).and_then(|a| a.parse().ok()).unwrap_or(default);
    let workers = number(1, 2) as u32;
    match arguments[0].as_str() {
        "sleep" => Pool::new(workers).run(&Tale(|worker: &Worker| while worker.sleep(Duration::from_secs(60)) {})),
        "return" => Pool::new(workers).run(&Tale(|_: &Worker| {})),
        "startup_failures" => Pool::new(workers).run(&Tale(|_: &Worker| exit_now(3))),
        "panic" => Pool::new(workers).run(&Tale(|worker: &Worker| {
            assert!(worker.generation() > 0, "asked to panic");
            while worker.sleep(Duration::from_secs(60)) {}
        })),
        "ignores_signals" => {
            Pool::new(workers).shutdown_timeout(Duration::from_millis(100)).run(&Tale(|_: &Worker| {
                loop {
                    std::thread::sleep(Duration::from_secs(60));
                }
            }))
        }
        "detach" => Pool::new(1).run(&Tale(|worker: &Worker| {
            if worker.generation() == 0 {
                worker.detach();
                std::thread::sleep(Duration::from_millis(number(2, 0) as u64));
                return println!("detached is done");
            }
            while worker.sleep(Duration::from_secs(60)) {}
        })),
        "unix" => Pool::new(workers).ipc(Ipc::UnixSocket).message_bus(number(2, 0) == 1).max_requests(3).run(&Messages),
        "queue" => Pool::new(workers).ipc(Ipc::Queue(number(2, 0) as i32)).run(&Messages),
        "socket" => {
            let mut pool = Pool::new(workers).ipc(Ipc::Socket).max_package(1000);
            println!("port {}", pool.listen("127.0.0.1", 0, 16)?);
            pool.run(&Messages)
        }
        "path" => {
            let mut pool = Pool::new(workers).ipc(Ipc::Socket);
            pool.listen(&format!("unix:{}", arguments[2]), 0, 16)?;
            pool.run(&Messages)
        }
        "processes" => processes(),
        "many" => many(number(1, 1) as usize),
        other => panic!("there is no test pool {other}"),
    }
}

/// A function, and what happens around it.
struct Tale<F>(F);

impl<F: Fn(&Worker)> Work for Tale<F> {
    fn start(&self, _: &Supervisor) -> Flow {
        println!("start");
        Ok(())
    }
    fn worker_start(&self, worker: &Worker) -> Flow {
        println!("worker {} start {} pid {}", worker.id(), worker.generation(), std::process::id());
        (self.0)(worker);
        Ok(())
    }
    fn worker_stop(&self, worker: &Worker) -> Flow {
        println!("worker {} stop {}", worker.id(), worker.generation());
        Ok(())
    }
    fn shutdown(&self, _: &Supervisor) -> Flow {
        println!("shutdown");
        Ok(())
    }
}

/// Does what each message says.
struct Messages;

impl Work for Messages {
    fn worker_start(&self, worker: &Worker) -> Flow {
        println!("worker {} start {} pid {}", worker.id(), worker.generation(), std::process::id());
        if worker.id() == 0 && worker.generation() == 0 && worker.pipe_of(0).is_some() {
            worker.send(1, b"hello").map_err(|_| Stop { code: 9 })?;
            println!("no worker 9: {}", worker.send(9, b"x").is_err());
            // Longer than what a datagram takes.
            println!("long {}", worker.send(1, &vec![b'l'; 1 << 20]).is_ok());
        }
        Ok(())
    }
    fn takes_messages(&self) -> bool {
        true
    }
    fn message(&self, worker: &Worker, message: &mut Message) -> Flow {
        let text = String::from_utf8_lossy(&message.data).into_owned();
        let shown = if text.len() > 100 { format!("{} bytes", text.len()) } else { text.clone() };
        println!("worker {} message {shown}", worker.id());
        match text.as_str() {
            "exit" => return Err(Stop { code: 4 }),
            "shutdown" => drop(worker.shut_down()),
            "slow" => std::thread::sleep(Duration::from_millis(300)),
            _ => {}
        }
        message.reply(b"you said ");
        message.reply(text.as_bytes());
        Ok(())
    }
    fn worker_stop(&self, worker: &Worker) -> Flow {
        println!("worker {} stop {}", worker.id(), worker.generation());
        Ok(())
    }
}

fn processes() -> swoosh::Result<()> {
    let mut room = [0; 64];
    for kind in [PipeKind::Stream, PipeKind::Datagram] {
        let echo = Process::spawn(Some(kind), |child: &Child| {
            let (mut room, Some(pipe)) = ([0; 64], child.pipe()) else { return 1 };
            while let Ok(len @ 1..) = pipe.receive(&mut room) {
                let _ = pipe.send(&room[..len]);
            }
            7
        })?;
        let pipe = echo.pipe().expect("a pipe was wanted");
        pipe.send(b"ping")?;
        let len = pipe.receive(&mut room)?;
        println!("{kind:?} {:?} alive {}", String::from_utf8_lossy(&room[..len]), echo.try_wait().is_none());
        echo.kill(9);
        println!("{kind:?} signal {}", echo.wait()?.signal());
    }
    let exits = Process::spawn(None, |child: &Child| if child.pipe().is_none() { 5 } else { 6 })?;
    println!("exit {}", exits.wait()?.exit_code());
    let panics = Process::spawn(None, |_: &Child| panic!("asked to panic"))?;
    println!("panic {}", panics.wait()?.exit_code());
    let runs = Process::spawn(None, |child: &Child| {
        println!("exec {}", child.exec("/no/such/program".as_ref(), &[]).to_string().contains("run /no/such/program"));
        drop(child.exec("/bin/sh".as_ref(), &["-c", "exit 8"]));
        1
    })?;
    println!("program {}", runs.wait()?.exit_code());
    let prints = Process::spawn(Some(PipeKind::Stream), |child: &Child| {
        let Some(Ok(())) = child.pipe().map(Pipe::redirect_standard_streams) else { return 1 };
        drop(child.exec("/bin/sh".as_ref(), &["-c", "read word; echo \"$word, said the child\""]));
        1
    })?;
    let pipe = prints.pipe().expect("a pipe was wanted");
    pipe.send(b"hello\n")?;
    let len = pipe.receive(&mut room)?;
    print!("{}", String::from_utf8_lossy(&room[..len]));
    prints.wait().map(drop)
}

/// So many children one after the other, of whom none is left.
fn many(count: usize) -> swoosh::Result<()> {
    for n in 0..count {
        let child = Process::spawn(Some(PipeKind::Stream), |_: &Child| (n % 100) as i32)?;
        assert_eq!(child.wait()?.exit_code(), (n % 100) as i32);
    }
    let descriptors = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    println!("children left {}", swoosh::sys::process::reap().is_some());
    println!("descriptors few {}", descriptors < 10);
    Ok(())
}
