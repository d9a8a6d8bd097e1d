//! `swoole_dns_*()` and `swoole_checkdnsrr()`: PHP's own functions, whose waiting lets others run without a hook.

use crate::hook::dns_records::{found, host_of, hosts, is_there, mail_hosts, records};
use swoosh_zend::Call;
use swoosh_zend::module::Functions;

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_checkdnsrr(string $hostname, string $type = 'MX'): bool", is_there)
        .add("swoole_dns_check_record(string $hostname, string $type = 'MX'): bool", is_there)
        .add("swoole_gethostbyaddr(string $ip): string", |call: &mut Call<'_>| {
            let ip = call.text(0)?.into_owned();
            Ok(host_of(&ip)?.unwrap_or(ip))
        })
        .add("swoole_gethostbynamel(string $domain): array|false", |call: &mut Call<'_>| hosts(&call.text(0)?))
        .add("swoole_getmxrr(string $hostname, array &$hosts, ?array &$weights = null): bool", mail_hosts)
        .add("swoole_dns_get_mx(string $hostname, array &$hosts, ?array &$weights = null): bool", mail_hosts)
        .add(
            "swoole_dns_get_record(string $hostname, int $type = DNS_ANY, ?array &$authoritative_name_servers = null, ?array &$additional_records = null, bool $raw = false): array|false",
            records,
        )
        .add(
            "swoole_real_dns_get_record(string $hostname, int $type, ?array $authoritative_name_servers = null, ?array $additional_records = null, bool $raw = false): array",
            |call: &mut Call<'_>| Ok(found(&call.text(0)?, call.int(1)?)?.unwrap_or_default()),
        );
}
