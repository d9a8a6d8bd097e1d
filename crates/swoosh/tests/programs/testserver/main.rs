//! The server that the tests talk to. Its arguments are settings (`workers=2 framing=length listen=127.0.0.1:0`); a request
//! is a command (`echo hello`). Each event is appended as a line to the file that the argument `events` names.

mod options;

use options::{Options, framing, tune};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use swoosh::config::{DispatchMode, TaskIpc};
use swoosh::context::Reading;
use swoosh::proto::http1::request;
use swoosh::{Context, Mode, Server, SessionId, WorkerId};

fn main() {
    if let Err(e) = run() {
        println!("error {e}");
        std::io::stdout().flush().unwrap();
        eprintln!("{e}");
        swoosh::sys::process::exit_now(3);
    }
}

#[derive(Clone)]
struct Events(Option<Rc<File>>);

impl Events {
    fn say(&self, what: std::fmt::Arguments<'_>) {
        if let Some(file) = &self.0 {
            let line = format!("{what}\n");
            (&**file).write_all(line.as_bytes()).unwrap();
        }
    }
}

#[derive(Default)]
struct Memory {
    /// By task: the connection of its request.
    tasks: HashMap<u64, SessionId>,
    handled: u64,
    open: BTreeSet<SessionId>,
}

fn run() -> swoosh::Result<()> {
    let arguments = std::env::args().skip(1);
    let pairs = arguments.map(|a| a.split_once('=').map(|(n, v)| (n.to_string(), v.to_string())).expect("name=value"));
    let options = Rc::new(Options(pairs.collect()));
    if let Some(limit) = options.get::<u64>("nofile") {
        use nix::sys::resource::{Resource, setrlimit};
        setrlimit(Resource::RLIMIT_NOFILE, limit, limit).unwrap();
    }
    if let Some(limit) = options.get::<u64>("file_size") {
        use nix::sys::resource::{Resource, setrlimit};
        setrlimit(Resource::RLIMIT_FSIZE, limit, limit).unwrap();
    }
    let events = options.get::<String>("events").map(|path| {
        let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        Rc::new(file)
    });
    let events = Events(events);
    let mode = if options.all("mode").last() == Some("base") { Mode::Base } else { Mode::Process };
    let mut addresses = options.all("listen").collect::<Vec<_>>().into_iter();
    let mut server = Server::bind(addresses.next().unwrap_or("127.0.0.1:0"), mode)?;
    for address in addresses {
        server = server.listen(address)?;
        if let Some(own) = options.get::<String>("own_framing") {
            server = server.this_port(|port| port.framing = framing(&own));
        }
    }
    let ports: Vec<String> = (0..8).map(|n| server.port(n).to_string()).collect();
    let o = options.clone();
    server = server.configure(|c| {
        c.worker_num = o.get("workers").unwrap_or(2);
        c.reactor_num = o.get("reactors").unwrap_or(2);
        c.task_worker_num = o.get("tasks").unwrap_or(0);
        c.dispatch_mode = match o.get::<u32>("dispatch").unwrap_or(2) {
            1 => DispatchMode::RoundRobin,
            3 => DispatchMode::Idle,
            4 => DispatchMode::Address,
            5 => DispatchMode::Uid,
            _ => DispatchMode::Connection,
        };
        if o.get::<u32>("panic_in_reactor").is_some() {
            c.dispatch_func = Some(std::sync::Arc::new(|_, kind, data: &[u8]| {
                assert!(kind != 0 || !data.ends_with(b"panic in the reactor"), "as asked");
                swoosh::config::Dispatch::Fallback
            }));
        }
        c.task_ipc = match o.get::<u32>("ipc").unwrap_or(1) {
            2 => TaskIpc::Queue,
            3 => TaskIpc::Preemptive,
            _ => TaskIpc::Direct,
        };
        c.max_conn = o.get("max_conn").unwrap_or(c.max_conn);
        c.max_request = o.get("max_request").unwrap_or(0);
        c.task_max_request = o.get("task_max_request").unwrap_or(0);
        c.max_wait_time = Duration::from_millis(o.get("max_wait").unwrap_or(3000));
        c.heartbeat_check_interval = o.get("check").unwrap_or(0);
        c.enable_delay_receive = o.is("delay_receive");
        c.single_thread = o.is("single_thread");
        c.daemonize = o.is("daemonize");
        c.log_file = o.get::<String>("log").map(Into::into);
        c.pid_file = o.get::<String>("pid_file").map(Into::into);
        c.task_tmpdir = o.get::<String>("tmpdir").unwrap_or("/tmp".into()).into();
        c.upload_tmp_dir = o.get::<String>("upload_dir").map_or(c.task_tmpdir.clone(), Into::into);
        c.input_buffer_size = o.get("input_buffer").unwrap_or(c.input_buffer_size);
        c.worker_max_concurrency = o.get("worker_max_concurrency").unwrap_or(0);
    });
    let o = options.clone();
    server = server.ports(|port| tune(&o, port));

    let memory: Rc<RefCell<Memory>> = Rc::default();
    let e = events.clone();
    server = server
        .on_start(move |_| e.say(format_args!("start")))
        .on_receive({
            let (memory, options) = (memory.clone(), options.clone());
            let events = events.clone();
            move |node, conn, data| receive(node, conn, data, &memory, &options, &events)
        })
        .on_connect({
            let (e, memory) = (events.clone(), memory.clone());
            move |node, conn| {
                memory.borrow_mut().open.insert(conn);
                e.say(format_args!("connect {} {}", conn.0, own_id(node)));
            }
        })
        .on_close({
            let (e, memory) = (events.clone(), memory.clone());
            move |node, conn| {
                if DIES_CLOSING.get() {
                    swoosh::sys::process::exit_now(9);
                }
                memory.borrow_mut().open.remove(&conn);
                e.say(format_args!("close {} {}", conn.0, own_id(node)));
            }
        })
        .on_packet(|node, event, data| {
            let port = i64::from(event.peer_port.unwrap_or(0));
            node.send_to(&event.address, port, data, event.server_socket)
        })
        .on_task({
            let events = events.clone();
            move |node, event, data| task(node, event, data, &events)
        })
        .on_finish({
            let memory = memory.clone();
            move |node, event, data| {
                let conn = memory.borrow_mut().tasks.remove(&event.task_id);
                conn.map_or(Ok(()), |conn| reply(node, conn, data))
            }
        })
        .on_message({
            let events = events.clone();
            move |node, from, data| message(node, from, data, &events)
        });
    for (name, which) in [("buffer_full", true), ("buffer_empty", false)] {
        let e = events.clone();
        let say = move |_: &Context, conn: SessionId| e.say(format_args!("{name} {}", conn.0));
        server = if which { server.on_buffer_full(say) } else { server.on_buffer_empty(say) };
    }
    let e = events.clone();
    let dies = options.is("die_at_start");
    let o = options.clone();
    server = server.on_worker_start(move |node| {
        std::thread::sleep(Duration::from_millis(o.get("start_pause").unwrap_or(0)));
        e.say(format_args!("worker_start {} {}", own_id(node), swoosh::sys::process::pid()));
        if dies {
            swoosh::sys::process::exit_now(7);
        }
        if o.is("keep_timer") {
            node.tick(Duration::from_secs(3600), |_, _| ());
        }
    });
    let e = events.clone();
    server = server.on_worker_stop(move |node| e.say(format_args!("worker_stop {}", own_id(node))));
    if options.is("keep_timer") {
        let e = events.clone();
        server = server.on_worker_exit(move |node| {
            e.say(format_args!("worker_exit {}", own_id(node)));
            node.clear_timer(1);
        });
    }
    let e = events.clone();
    server = server.on_worker_error(move |_, error| {
        e.say(format_args!("worker_error {} {} {}", error.worker.0, error.exit_code, error.signal));
    });
    macro_rules! say {
        ($($setter:ident $name:literal),*) => {$(
            let e = events.clone();
            server = server.$setter(move |_| e.say(format_args!($name)));
        )*};
    }
    say!(on_before_shutdown "before_shutdown", on_shutdown "shutdown", on_manager_start "manager_start",
         on_manager_stop "manager_stop", on_before_reload "before_reload", on_after_reload "after_reload");
    if options.is("user_process") {
        let e = events.clone();
        server = server.add_process(move |_| -> () {
            e.say(format_args!("user_process {}", swoosh::sys::process::pid()));
            loop {
                std::thread::sleep(Duration::from_secs(60));
            }
        });
    }
    println!("ports {}", ports.join(" "));
    std::io::stdout().flush().unwrap();
    server.start()
}

fn own_id(node: &Context) -> u32 {
    node.worker_id().map_or(999, |id| id.0)
}

thread_local! {
    /// Replies have no length prefix.
    static PLAIN: Cell<bool> = const { Cell::new(false) };
    static DIES_CLOSING: Cell<bool> = const { Cell::new(false) };
}

/// Replies to an HTTP request with its parsed parts.
fn answer_http(node: &Context, conn: SessionId, data: &[u8]) -> swoosh::Result<()> {
    let mut room = request::field_buffer();
    let (request, headers) = request::Request::parse(data, &mut room).expect("only whole requests are handed over");
    let body = match request.target.split_once("/size/") {
        Some((_, size)) => "x".repeat(size.parse().expect("a number")),
        None if request.target == "/aborted" => node.stats().aborted.to_string(),
        None if request.target == "/streams" => node.state().server().streams.load(Relaxed).to_string(),
        None => format!("{} {} {}", request.method, request.target, request.body(headers).len()),
    };
    if request.target == "/slow" {
        std::thread::sleep(Duration::from_millis(100));
    }
    let keep = request.keeps_alive(headers);
    let connection = if keep { "keep-alive" } else { "close" };
    let head = format!("HTTP/1.1 200 OK\r\nConnection: {connection}\r\nContent-Length: {}\r\n\r\n", body.len());
    node.send(conn, format!("{head}{body}").as_bytes())?;
    node.end_request(conn);
    if keep { Ok(()) } else { node.close(conn, false) }
}

fn reply(node: &Context, conn: SessionId, body: &[u8]) -> swoosh::Result<()> {
    if PLAIN.get() {
        return node.send(conn, body);
    }
    let mut packet = (body.len() as u32).to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    node.send(conn, &packet)
}

fn receive(
    node: &Context,
    conn: SessionId,
    data: &[u8],
    memory: &Rc<RefCell<Memory>>,
    options: &Rc<Options>,
    events: &Events,
) -> swoosh::Result<()> {
    let port = node.client_info(conn).map_or(0, |i| i.port);
    let own = if port > 0 { options.all("own_framing").last() } else { None };
    let framing = own.or(options.all("framing").last()).unwrap_or("length");
    PLAIN.set(framing != "length");
    memory.borrow_mut().handled += 1;
    if options.is("http2") {
        // A stream that its worker does not answer is reset.
        node.begin_request(conn);
    }
    if let Some(every) = options.get::<u64>("panic_every")
        && memory.borrow().handled.is_multiple_of(every)
    {
        panic!("this request is one too many");
    }
    if framing == "http" {
        return answer_http(node, conn, data);
    }
    if framing == "none" || framing.starts_with("eof") {
        return node.send(conn, data);
    }
    let body = &data[4..];
    let end = body.iter().position(|b| *b == b' ').unwrap_or(body.len());
    let (command, rest) = (&body[..end], body.get(end + 1..).unwrap_or_default());
    let text = String::from_utf8_lossy(rest).into_owned();
    let words: Vec<&str> = text.split(' ').collect();
    let number = |n: usize| words.get(n).and_then(|w| w.parse::<u64>().ok()).unwrap_or(0);
    let respond = |outcome: swoosh::Result<()>| match outcome {
        Ok(()) => reply(node, conn, b"ok"),
        Err(e) => reply(node, conn, format!("error {e}").as_bytes()),
    };
    match std::str::from_utf8(command).unwrap_or("") {
        "echo" => reply(node, conn, rest),
        "who" => {
            let who = format!("{} {} {}", own_id(node), swoosh::sys::process::pid(), conn.0);
            reply(node, conn, who.as_bytes())
        }
        "count" => reply(node, conn, rest.len().to_string().as_bytes()),
        "reply" => reply(node, conn, &pattern(number(0) as usize)),
        "sendfile" => respond(node.send_file(conn, words[0], number(1), number(2))),
        "close" => node.close(conn, false),
        "reset" => node.close(conn, true),
        "echoclose" => {
            reply(node, conn, rest)?;
            node.close(conn, false)
        }
        "die_closing" => {
            DIES_CLOSING.set(true);
            node.close(conn, false)
        }
        "close_other" => respond(node.close(SessionId(number(0)), false)),
        "pause" => {
            node.set_reading(conn, Reading::Pause)?;
            node.after(Duration::from_millis(number(0)), move |node, _| {
                let _ = node.set_reading(conn, Reading::Resume);
            });
            reply(node, conn, b"ok")
        }
        "confirm_other" => respond(node.set_reading(SessionId(number(0)), Reading::Confirm)),
        "protect" => respond(node.protect(conn, true)),
        "bind" => respond(node.bind(conn, number(0) as u32).map(|_| ())),
        "exists" => reply(node, conn, node.exists(SessionId(number(0))).to_string().as_bytes()),
        "connections" => reply(node, conn, node.connection_count(None).to_string().as_bytes()),
        "list" => {
            let all = node.client_list(SessionId(0), 1000, None).unwrap_or_default();
            let all: Vec<String> = all.iter().map(|s| s.0.to_string()).collect();
            reply(node, conn, all.join(" ").as_bytes())
        }
        "idle" => reply(node, conn, node.idle_connections().len().to_string().as_bytes()),
        "send_other" => respond(reply(node, SessionId(number(0)), &rest[words[0].len() + 1..])),
        "task" => {
            let target = words[0].parse().ok();
            match node.task(&rest[words[0].len() + 1..], target, 0) {
                Ok(id) => {
                    memory.borrow_mut().tasks.insert(id, conn);
                    Ok(())
                }
                Err(e) => reply(node, conn, format!("error {e}").as_bytes()),
            }
        }
        "await" => {
            let ids: Vec<u64> =
                (0..number(0)).map(|n| node.task_to_await(format!("echo {n}").as_bytes(), None, 0).unwrap()).collect();
            let wait = Duration::from_millis(if number(1) > 0 { number(1) } else { 5000 });
            let answers = node.await_tasks(&ids, wait);
            let answers: Vec<String> = answers
                .iter()
                .map(|a| a.as_ref().map_or("-".into(), |(_, data)| String::from_utf8_lossy(data).into_owned()))
                .collect();
            reply(node, conn, answers.join(" ").as_bytes())
        }
        "flood_tasks" => {
            let mut given = 0;
            let refusal = loop {
                match node.task(&[b's'; 4000], Some(0), 0) {
                    Ok(_) => given += 1,
                    Err(e) => break e,
                }
            };
            reply(node, conn, format!("{given} {refusal}").as_bytes())
        }
        "flood" => {
            // As much as number(0) chunks of 1 MB to a peer that may not read.
            let chunk = vec![b'f'; 1 << 20];
            let (mut sent, mut refused) = (0, 0);
            for _ in 0..number(0) {
                match node.send(conn, &chunk) {
                    Ok(()) => sent += 1,
                    Err(_) => refused += 1,
                }
            }
            events.say(format_args!("flood {sent} {refused}"));
            Ok(())
        }
        "message" => {
            let to = WorkerId(number(0) as u32);
            let mut message = format!("{} ", conn.0).into_bytes();
            message.extend_from_slice(&rest[words[0].len() + 1..]);
            match node.send_message(to, &message, 0) {
                Ok(()) => Ok(()),
                Err(e) => reply(node, conn, format!("error {e}").as_bytes()),
            }
        }
        "pour" => {
            // Numbered packets to another connection, of any owner.
            let mut refused = 0;
            let payload = pattern(number(2) as usize);
            for n in 0..number(1) as u32 {
                let mut body = n.to_be_bytes().to_vec();
                body.extend(&payload);
                refused += u32::from(reply(node, SessionId(number(0)), &body).is_err());
            }
            reply(node, conn, format!("refused {refused}").as_bytes())
        }
        "storm" => {
            // Messages to every other process, each of which answers.
            let (mut sent, mut refused) = (0, 0);
            for _ in 0..number(1) {
                for to in (0..number(0) as u32).filter(|to| *to != own_id(node)) {
                    let mut message = format!("{} ", conn.0).into_bytes();
                    message.resize(message.len() + number(2) as usize, b'm');
                    match node.send_message(WorkerId(to), &message, 0) {
                        Ok(()) => sent += 1,
                        Err(_) => refused += 1,
                    }
                }
            }
            reply(node, conn, format!("stormed {sent} {refused}").as_bytes())
        }
        "after" => {
            let began = Instant::now();
            node.after(Duration::from_millis(number(0)), move |node, _| {
                let _ = reply(node, conn, began.elapsed().as_millis().to_string().as_bytes());
            });
            Ok(())
        }
        "tick" => {
            let left = Cell::new(number(1));
            node.tick(Duration::from_millis(number(0)), move |node, id| {
                let _ = reply(node, conn, b"tick");
                left.set(left.get() - 1);
                if left.get() == 0 {
                    node.clear_timer(id);
                }
            });
            Ok(())
        }
        "later" => {
            // An async answer.
            let (node, wait) = (node.clone(), number(0));
            node.clone().spawn(async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                let _ = reply(&node, conn, b"later");
            });
            Ok(())
        }
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number(0)));
            reply(node, conn, b"slept")
        }
        "stats" => {
            let s = node.stats();
            reply(node, conn, format!("{} {} {} {}", s.connections, s.accepted, s.requests, s.reloads).as_bytes())
        }
        "panic" => panic!("as asked"),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "exit" => swoosh::sys::process::exit_now(number(0) as i32),
        "reload" => respond(node.reload(number(0) == 1)),
        "shutdown" => respond(node.shutdown()),
        "stop" => respond(node.stop(words[0].parse().ok().map(WorkerId))),
        "pids" => reply(node, conn, format!("{} {}", node.master_pid(), node.manager_pid()).as_bytes()),
        other => reply(node, conn, format!("error unknown command {other}").as_bytes()),
    }
}

fn task(node: &Context, event: &swoosh::handler::TaskEvent, data: &[u8], events: &Events) -> swoosh::Result<()> {
    let text = String::from_utf8_lossy(&data[..data.len().min(100)]).into_owned();
    let (command, rest) = text.split_once(' ').unwrap_or((&text, ""));
    match command {
        "echo" => node.finish_task(event, &data[5..], 0),
        "count" => node.finish_task(event, data.len().to_string().as_bytes(), 0),
        "who" => node.finish_task(event, format!("{} {}", own_id(node), swoosh::sys::process::pid()).as_bytes(), 0),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(rest.trim().parse().unwrap_or(0)));
            node.finish_task(event, b"slept", 0)
        }
        "close" => node.close(SessionId(rest.trim().parse().unwrap_or(0)), false),
        "big" => node.finish_task(event, &pattern(rest.trim().parse().unwrap_or(0)), 0),
        _ => {
            events.say(format_args!("task {} {}", own_id(node), data.len()));
            std::thread::sleep(Duration::from_millis(20));
            Ok(())
        }
    }
}

fn message(node: &Context, from: WorkerId, data: &[u8], events: &Events) -> swoosh::Result<()> {
    let space = data.iter().position(|b| *b == b' ').unwrap_or(0);
    let conn: u64 = String::from_utf8_lossy(&data[..space]).parse().unwrap_or(0);
    events.say(format_args!("message {} {} {}", own_id(node), from.0, data.len() - space - 1));
    reply(node, SessionId(conn), format!("message {} {}", own_id(node), data.len() - space - 1).as_bytes())
}

/// A pattern of bytes; the tests make the same.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n % 251) as u8).collect()
}
