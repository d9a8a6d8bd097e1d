//! Names of hosts: where their addresses are looked for, without blocking anybody.
//!
//! First in the cache, then in the hosts file, then at the name servers: those of `/etc/resolv.conf` (resolv.conf(5), with
//! its search list, timeout and attempts), or the one that `dns_server` names. The questions are asked on the runtime of
//! this process (`reactor`).

use super::options::{Options, options};
use super::scheduler::expect_current;
use super::wait;
use super::wait::WaitOutcome;
use crate::runtime::{last_error, reactor};
use hickory_resolver::config::{LookupIpStrategy, NameServerConfigGroup, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::name_server::TokioConnectionProvider;
use hickory_resolver::proto::ProtoErrorKind;
use hickory_resolver::proto::rr::RecordType;
use hickory_resolver::system_conf::read_system_conf;
use hickory_resolver::{ResolveError, TokioResolver};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use swoosh_zend::PhpResult;

/// A name and whether IPv6 is meant, its addresses, and when they were found.
type Names = HashMap<(String, bool), (Vec<IpAddr>, Instant)>;

/// Who asks, one for each family; which one is told by the settings of its making.
struct DnsClient {
    /// See [`reactor::epoch`].
    epoch: u64,
    server: Option<String>,
    of: [TokioResolver; 2],
}

thread_local! {
    static CACHE: RefCell<Names> = RefCell::default();
    static DNS_CLIENT: RefCell<Option<Rc<DnsClient>>> = const { RefCell::new(None) };
}

/// The addresses of a name, of one family (`AF_INET` or `AF_INET6`), the first one first. `None`, and a code, where there
/// are none. `limit`: `None` is what `socket_dns_timeout` says.
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
    let asked = key.0.clone();
    let ask = move |dns_client: Rc<DnsClient>| {
        let resolver = dns_client.of[usize::from(six)].clone();
        async move { resolver.lookup_ip(asked).await }
    };
    let Some(found) = run(ask, limit)? else { return Ok(None) };
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

/// The first address of a name, or any of them under `dns_lookup_random`.
pub fn address(name: &str, family: i64, limit: Option<Duration>) -> PhpResult<Option<IpAddr>> {
    let all = addresses(name, family, limit)?;
    let random = options(Options::dns_lookup_random);
    let nanos = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.subsec_nanos() as usize / 1000);
    Ok(all.and_then(|all| all.get(if random { nanos() % all.len() } else { 0 }).copied()))
}

/// The records of a name. `None`, and a code, where there are none.
pub fn records(name: &str, kind: RecordType, limit: Option<Duration>) -> PhpResult<Option<Lookup>> {
    let name = name.to_owned();
    let ask = move |dns_client: Rc<DnsClient>| {
        let resolver = dns_client.of[0].clone();
        async move { resolver.lookup(name, kind).await }
    };
    run(ask, limit)
}

/// Forgets every address.
pub fn clear() {
    CACHE.with_borrow_mut(HashMap::clear);
}

/// The request ends.
pub fn request_end() {
    clear();
    let dns_client = DNS_CLIENT.take();
    drop(dns_client);
}

/// Asks on the runtime and waits, in a coroutine.
fn run<T, F>(ask: impl FnOnce(Rc<DnsClient>) -> F, limit: Option<Duration>) -> PhpResult<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ResolveError>> + Send + 'static,
{
    expect_current()?;
    let asked = dns_client().and_then(|dns_client| reactor::spawn(ask(dns_client)));
    let asking = match asked {
        Ok(asking) => asking,
        Err(e) => {
            swoosh::log::warn!("look up a name: {e}");
            last_error::set(RESOLVE_FAILED);
            return Ok(None);
        }
    };
    let abort = asking.abort_handle();
    let limit = limit.or_else(|| options(Options::socket_dns_timeout));
    let code = match wait::future(asking, limit) {
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

fn is_timeout(e: &ResolveError) -> bool {
    e.proto().is_some_and(|e| matches!(e.kind(), ProtoErrorKind::Timeout))
}

fn dns_client() -> io::Result<Rc<DnsClient>> {
    let (epoch, server) = (reactor::epoch(), options(Options::dns_server));
    let old = DNS_CLIENT.take();
    match old {
        Some(old) if old.epoch == epoch && old.server == server => {
            DNS_CLIENT.set(Some(old.clone()));
            return Ok(old);
        }
        // Its questions belong to another runtime, perhaps to another process's.
        old => std::mem::forget(old),
    }
    let new = Rc::new(make(epoch, server)?);
    DNS_CLIENT.set(Some(new.clone()));
    Ok(new)
}

fn make(epoch: u64, server: Option<String>) -> io::Result<DnsClient> {
    let (mut config, mut opts) = read_system_conf().unwrap_or_else(|_| {
        // resolv.conf(5): without one the name server of this machine is asked.
        let local = NameServerConfigGroup::from_ips_clear(&[Ipv4Addr::LOCALHOST.into()], DNS_PORT, true);
        (ResolverConfig::from_parts(None, Vec::new(), local), ResolverOpts::default())
    });
    if let Some(server) = &server {
        let at = parse_server(server)?;
        let servers = NameServerConfigGroup::from_ips_clear(&[at.ip()], at.port(), true);
        config = ResolverConfig::from_parts(config.domain().cloned(), config.search().to_vec(), servers);
    }
    // The cache here is the one that the settings speak of.
    opts.cache_size = 0;
    let of = [LookupIpStrategy::Ipv4Only, LookupIpStrategy::Ipv6Only].map(|strategy| {
        let mut builder = TokioResolver::builder_with_config(config.clone(), TokioConnectionProvider::default());
        *builder.options_mut() = opts.clone();
        builder.options_mut().ip_strategy = strategy;
        builder.build()
    });
    Ok(DnsClient { epoch, server, of })
}

/// `dns_server`: an address, with or without a port.
fn parse_server(server: &str) -> io::Result<SocketAddr> {
    let address = server.parse().ok().or_else(|| Some(SocketAddr::new(server.parse().ok()?, DNS_PORT)));
    address.ok_or_else(|| io::Error::other(format!("dns_server {server:?} is no address")))
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
