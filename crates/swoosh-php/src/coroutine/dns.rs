//! DNS lookups that suspend the coroutine.
//!
//! Lookup order: the cache, the hosts file, then the name servers of `/etc/resolv.conf` (resolv.conf(5), with its search
//! list, timeout and attempts) or the one set by `dns_server`. Queries run on the runtime of this process, see
//! [`reactor`]; a resolver is valid for one epoch of it.

use super::options::{Options, options};
use super::scheduler::expect_current;
use super::wait;
use super::wait::WaitOutcome;
use crate::runtime::{last_error, reactor};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::system_conf::read_system_conf;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use swoosh_zend::PhpResult;

/// Keys: a name and whether IPv6 is requested. Values: its addresses, and when they were found.
type Cache = HashMap<(String, bool), (Vec<IpAddr>, Instant)>;

/// The resolvers for IPv4 and IPv6, with the settings they were built from.
struct DnsClient {
    /// See [`reactor::epoch`].
    epoch: u64,
    server: Option<String>,
    resolvers: [TokioResolver; 2],
}

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
    static DNS_CLIENT: RefCell<Option<Rc<DnsClient>>> = const { RefCell::new(None) };
}

/// The addresses of a name in one family (`AF_INET` or `AF_INET6`), in the resolver's order. `None`, with the last error
/// set, if there are none. Without a `limit`, `socket_dns_timeout` applies.
pub fn addresses(name: &str, family: i64, limit: Option<Duration>) -> PhpResult<Option<Vec<IpAddr>>> {
    let six = family == i64::from(libc::AF_INET6);
    if let Ok(ip) = name.parse::<IpAddr>() {
        if ip.is_ipv6() == six {
            return Ok(Some(vec![ip]));
        }
        last_error::set(RESOLVE_FAILED);
        return Ok(None);
    }
    let key = (name.to_owned(), six);
    if let Some(known) = known(&key) {
        return Ok(Some(known));
    }
    let name = key.0.clone();
    let query = move |client: Rc<DnsClient>| {
        let resolver = client.resolvers[usize::from(six)].clone();
        async move { resolver.lookup_ip(name).await }
    };
    let Some(found) = run(query, limit)? else { return Ok(None) };
    let mut all: Vec<IpAddr> = Vec::new();
    for ip in found.iter().filter(|ip| ip.is_ipv6() == six) {
        if !all.contains(&ip) {
            all.push(ip);
        }
    }
    if all.is_empty() {
        last_error::set(RESOLVE_FAILED);
        return Ok(None);
    }
    remember(key, &all);
    Ok(Some(all))
}

/// The first address of a name, or a random one with `dns_lookup_random`.
pub fn address(name: &str, family: i64, limit: Option<Duration>) -> PhpResult<Option<IpAddr>> {
    let all = addresses(name, family, limit)?;
    let random = options(Options::dns_lookup_random);
    let nanos = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos() as usize / 1000);
    Ok(all.and_then(|all| all.get(if random { nanos() % all.len() } else { 0 }).copied()))
}

/// The records of a name. `None`, with the last error set, if there are none.
pub fn records(name: &str, kind: RecordType, limit: Option<Duration>) -> PhpResult<Option<Lookup>> {
    let name = name.to_owned();
    let query = move |client: Rc<DnsClient>| {
        let resolver = client.resolvers[0].clone();
        async move { resolver.lookup(name, kind).await }
    };
    run(query, limit)
}

/// Empties the cache.
pub fn clear() {
    CACHE.with_borrow_mut(HashMap::clear);
}

/// Drops the cache and the resolvers at the end of the request.
pub fn request_end() {
    clear();
    let client = DNS_CLIENT.take();
    drop(client);
}

/// Runs a query on the runtime and waits for it. A fatal error outside of coroutines.
fn run<T, F>(query: impl FnOnce(Rc<DnsClient>) -> F, limit: Option<Duration>) -> PhpResult<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, NetError>> + Send + 'static,
{
    expect_current()?;
    let spawned = client().and_then(|client| reactor::spawn(query(client)));
    let lookup = match spawned {
        Ok(lookup) => lookup,
        Err(e) => {
            swoosh::log::warn!("start a DNS lookup: {e}");
            last_error::set(RESOLVE_FAILED);
            return Ok(None);
        }
    };
    let abort = lookup.abort_handle();
    let limit = limit.or_else(|| options(Options::socket_dns_timeout));
    let code = match wait::future(lookup, limit) {
        Ok(WaitOutcome::Done(Ok(Ok(found)))) => return Ok(Some(found)),
        Ok(WaitOutcome::Done(Ok(Err(e)))) if is_timeout(&e) => RESOLVE_TIMEOUT,
        Ok(WaitOutcome::Done(_)) => RESOLVE_FAILED,
        other => {
            abort.abort();
            match other? {
                WaitOutcome::Cancelled => wait::CANCELED,
                _ => RESOLVE_TIMEOUT,
            }
        }
    };
    last_error::set(code);
    Ok(None)
}

fn is_timeout(e: &NetError) -> bool {
    matches!(e, NetError::Timeout)
}

/// The resolvers for the current runtime and settings.
fn client() -> io::Result<Rc<DnsClient>> {
    let (epoch, server) = (reactor::epoch(), options(Options::dns_server));
    let old = DNS_CLIENT.take();
    match old {
        Some(old) if old.epoch == epoch && old.server == server => {
            DNS_CLIENT.set(Some(old.clone()));
            return Ok(old);
        }
        // Leaked: its tasks belong to another runtime, possibly of the parent process.
        old => std::mem::forget(old),
    }
    let new = Rc::new(build(epoch, server)?);
    DNS_CLIENT.set(Some(new.clone()));
    Ok(new)
}

fn build(epoch: u64, server: Option<String>) -> io::Result<DnsClient> {
    let (mut config, mut opts) = read_system_conf().unwrap_or_else(|_| {
        // resolv.conf(5): without the file, the name server on this machine is queried.
        let local = name_server(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), DNS_PORT));
        (ResolverConfig::from_parts(None, Vec::new(), vec![local]), ResolverOpts::default())
    });
    if let Some(server) = &server {
        let at = parse_server(server)?;
        config = ResolverConfig::from_parts(config.domain().cloned(), config.search().to_vec(), vec![name_server(at)]);
    }
    // `CACHE` is used instead, because the settings configure its size and lifetime.
    opts.cache_size = 0;
    let resolver = |strategy| {
        let mut builder = TokioResolver::builder_with_config(config.clone(), TokioRuntimeProvider::default());
        *builder.options_mut() = opts.clone();
        builder.options_mut().ip_strategy = strategy;
        builder.build().map_err(io::Error::other)
    };
    let resolvers = [resolver(LookupIpStrategy::Ipv4Only)?, resolver(LookupIpStrategy::Ipv6Only)?];
    Ok(DnsClient { epoch, server, resolvers })
}

/// A name server that is asked by UDP, and by TCP where an answer is too long for that.
fn name_server(at: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = at.port();
        connection
    });
    NameServerConfig::new(at.ip(), true, connections.into())
}

/// Parses `dns_server`: an IP address, optionally with a port.
fn parse_server(server: &str) -> io::Result<SocketAddr> {
    let address = server.parse().ok().or_else(|| Some(SocketAddr::new(server.parse().ok()?, DNS_PORT)));
    address.ok_or_else(|| io::Error::other(format!("dns_server {server:?} is not an IP address")))
}

fn known(key: &(String, bool)) -> Option<Vec<IpAddr>> {
    CACHE.with_borrow(|names| {
        let (found, since) = names.get(key)?;
        (since.elapsed() < options(Options::dns_cache_expire)).then(|| found.clone())
    })
}

fn remember(key: (String, bool), found: &[IpAddr]) {
    CACHE.with_borrow_mut(|names| {
        let most = options(Options::dns_cache_capacity);
        if names.len() >= most {
            names.retain(|_, (_, since)| since.elapsed() < options(Options::dns_cache_expire));
        }
        if names.len() < most || names.contains_key(&key) {
            names.insert(key, (found.to_vec(), Instant::now()));
        }
    });
}

const DNS_PORT: u16 = 53;
/// SWOOLE_ERROR_DNSLOOKUP_RESOLVE_FAILED and SWOOLE_ERROR_DNSLOOKUP_RESOLVE_TIMEOUT.
const RESOLVE_FAILED: i32 = 711;
const RESOLVE_TIMEOUT: i32 = 712;
