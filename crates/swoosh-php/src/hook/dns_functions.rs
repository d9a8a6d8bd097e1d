//! Hooks `gethostbyname`, `dns_get_record` and the other DNS functions.

use super::dns_records;
use crate::coroutine::dns;
use crate::coroutine::hook_flags::{NET_FUNCTION, is_on};
use swoosh_zend::hook::wrap_function;
use swoosh_zend::{Call, PhpResult};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    wrap_function::<5, _, _>("gethostbyname", host_by_name);
    wrap_function::<6, _, _>("gethostbynamel", |call: &mut Call<'_>| {
        hooked(call, 1..=1, |call| dns_records::hosts(&call.text(0)?))
    });
    wrap_function::<7, _, _>("checkdnsrr", |call: &mut Call<'_>| hooked(call, 1..=2, dns_records::is_there));
    wrap_function::<8, _, _>("dns_check_record", |call: &mut Call<'_>| hooked(call, 1..=2, dns_records::is_there));
    wrap_function::<9, _, _>("getmxrr", |call: &mut Call<'_>| hooked(call, 2..=3, dns_records::mail_hosts));
    wrap_function::<10, _, _>("dns_get_mx", |call: &mut Call<'_>| hooked(call, 2..=3, dns_records::mail_hosts));
    // Raw records (the fifth argument) are left to PHP.
    wrap_function::<11, _, _>("dns_get_record", |call: &mut Call<'_>| hooked(call, 1..=4, dns_records::records));
}

/// Runs the hook if it is enabled. Calls with a wrong number of arguments are left to PHP, which throws.
fn hooked<R>(
    call: &mut Call<'_>,
    counts: std::ops::RangeInclusive<usize>,
    run: impl FnOnce(&mut Call<'_>) -> PhpResult<R>,
) -> PhpResult<Option<R>> {
    if is_on(NET_FUNCTION) && counts.contains(&call.count()) { run(call).map(Some) } else { Ok(None) }
}

/// The first address of a name, or the name itself if there is none.
fn host_by_name(call: &mut Call<'_>) -> PhpResult<Option<String>> {
    hooked(call, 1..=1, |call| {
        let name = call.text(0)?.into_owned();
        let found = dns::address(&name, i64::from(libc::AF_INET), None)?;
        Ok(found.map_or(name, |ip| ip.to_string()))
    })
}
