//! `gethostbyname`, `dns_get_record` and their like.

use super::dns_records;
use crate::coroutine::dns;
use crate::coroutine::hook_flags::{NET_FUNCTION, is_on};
use swoosh_zend::hook::wrap_function;
use swoosh_zend::{Call, PhpResult};

/// The module starts.
pub fn start_up() {
    wrap_function::<5, _, _>("gethostbyname", host_by_name);
    wrap_function::<6, _, _>("gethostbynamel", |call: &mut Call<'_>| {
        ours(call, 1..=1, |call| dns_records::hosts(&call.text(0)?))
    });
    wrap_function::<7, _, _>("checkdnsrr", |call: &mut Call<'_>| ours(call, 1..=2, dns_records::is_there));
    wrap_function::<8, _, _>("dns_check_record", |call: &mut Call<'_>| ours(call, 1..=2, dns_records::is_there));
    wrap_function::<9, _, _>("getmxrr", |call: &mut Call<'_>| ours(call, 2..=3, dns_records::mail_hosts));
    wrap_function::<10, _, _>("dns_get_mx", |call: &mut Call<'_>| ours(call, 2..=3, dns_records::mail_hosts));
    // Raw records (a fifth argument) are PHP's own.
    wrap_function::<11, _, _>("dns_get_record", |call: &mut Call<'_>| ours(call, 1..=4, dns_records::records));
}

/// Does it here, where this call is one for us: wrong counts of arguments are PHP's own to refuse.
fn ours<R>(
    call: &mut Call<'_>,
    counts: std::ops::RangeInclusive<usize>,
    run: impl FnOnce(&mut Call<'_>) -> PhpResult<R>,
) -> PhpResult<Option<R>> {
    if is_on(NET_FUNCTION) && counts.contains(&call.count()) { run(call).map(Some) } else { Ok(None) }
}

/// The first address, or the name itself where there is none.
fn host_by_name(call: &mut Call<'_>) -> PhpResult<Option<String>> {
    ours(call, 1..=1, |call| {
        let name = call.text(0)?.into_owned();
        let found = dns::address(&name, i64::from(libc::AF_INET), None)?;
        Ok(found.map_or(name, |ip| ip.to_string()))
    })
}
