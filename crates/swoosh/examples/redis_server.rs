//! A server that speaks Redis: keys and values in a table that all workers share.
//!
//! `cargo run --release --example redis_server [port] [process|base]`

use swoosh::config::Framing;
use swoosh::proto::resp::{arguments, put_array, put_bulk, put_error, put_int, put_nil, put_status};
use swoosh::shm::table::{Column, ColumnKind, Table, Value};
use swoosh::{Mode, Server};

fn main() -> swoosh::Result<()> {
    let port = std::env::args().nth(1).unwrap_or("9501".into());
    let mode = if std::env::args().nth(2).as_deref() == Some("base") { Mode::Base } else { Mode::Process };
    // Made before the server forks, so that all workers share it.
    let mut columns = Table::builder(65_536);
    let column = columns.column("value", ColumnKind::Text(1024));
    let store = Store { table: columns.build()?, column };

    let server = Server::bind(&format!("127.0.0.1:{port}"), mode)?
        .workers(2)
        // One command is one packet.
        .ports(|port| port.framing = Framing::Redis)
        .on_receive(move |worker, conn, command| match store.answer(command) {
            reply if reply.is_empty() => Ok(()),
            reply => worker.send(conn, &reply),
        });

    println!("redis server on 127.0.0.1:{}", server.port(0));
    println!("type next, in another terminal:  nc 127.0.0.1 {}   (or redis-cli -p)", server.port(0));
    println!("stop it with Ctrl+C");
    server.start()
}

struct Store {
    table: Table,
    column: Column,
}

impl Store {
    /// The reply to a command; empty for an empty line.
    fn answer(&self, command: &[u8]) -> Vec<u8> {
        let words = arguments(command);
        let words: Vec<&[u8]> = words.iter().map(|word| &word[..]).collect();
        let mut out = Vec::new();
        let Some((name, arguments)) = words.split_first() else { return out };
        match (name.to_ascii_uppercase().as_slice(), arguments) {
            (b"PING", []) => put_status(&mut out, b"PONG"),
            (b"SET", [key, value]) => match self.table.set(key, &[(self.column, Value::Text(value))]) {
                Ok(()) => put_status(&mut out, b"OK"),
                Err(why) => put_error(&mut out, format!("ERR {why}").as_bytes()),
            },
            (b"GET", [key]) => self.put_value(&mut out, key),
            (b"MGET", keys) => {
                put_array(&mut out, keys.len());
                keys.iter().for_each(|key| self.put_value(&mut out, key));
            }
            (b"DEL", keys) => put_int(&mut out, keys.iter().filter(|key| self.table.remove(key)).count() as i64),
            (b"DBSIZE", []) => put_int(&mut out, self.table.len() as i64),
            _ => put_error(&mut out, b"ERR unknown command, or wrong number of arguments"),
        }
        out
    }

    fn put_value(&self, out: &mut Vec<u8>, key: &[u8]) {
        let mut row = self.table.row();
        match self.table.read(key, &mut row).then(|| row.get(self.column)).flatten() {
            Some(Value::Text(value)) => put_bulk(out, value),
            _ => put_nil(out),
        }
    }
}
