//! DNS records in the format of PHP's own functions.

use crate::coroutine::{dns, wait};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::IpAddr;
use swoosh_zend::{Array, Call, IntoZval, OrFalse, PhpResult};

/// The host name of an IP address; `None` if it has none or `ip` is not an address.
pub fn host_of(ip: &str) -> PhpResult<Option<String>> {
    let Ok(ip) = ip.parse::<IpAddr>() else { return Ok(None) };
    let found = wait::run_in_coroutine(move || dns::records(&Name::from(ip).to_utf8(), RecordType::PTR, None))?;
    let mut names = found.iter().flat_map(|found| found.answers().iter()).filter_map(|record| match &record.data {
        RData::PTR(name) => Some(text_of(&name.0)),
        _ => None,
    });
    Ok(names.next())
}

/// All IPv4 addresses of a name.
pub fn hosts(name: &str) -> PhpResult<OrFalse<Array>> {
    let found = dns::addresses(name, i64::from(libc::AF_INET), None)?;
    Ok(OrFalse(found.map(|all| all.iter().map(|ip| ip.to_string().into_zval()).collect())))
}

/// `checkdnsrr`: whether a name has records of a type.
pub fn is_there(call: &mut Call<'_>) -> PhpResult<bool> {
    let name = call.text(0)?.into_owned();
    let wanted = if call.has(1) { call.text(1)?.to_ascii_uppercase() } else { "MX".to_owned() };
    let kinds = TYPES.iter().find(|(_, name, _)| *name == wanted).map(|(_, _, kind)| *kind);
    let kind = kinds.unwrap_or(if wanted == "ANY" { RecordType::ANY } else { RecordType::MX });
    Ok(dns::records(&name, kind, None)?.is_some_and(|found| found.answers().iter().next().is_some()))
}

/// `getmxrr`: the mail hosts of a name and their preferences.
pub fn mail_hosts(call: &mut Call<'_>) -> PhpResult<bool> {
    let (mut hosts, mut weights) = (Array::new(), Array::new());
    let found = dns::records(&call.text(0)?, RecordType::MX, None)?;
    for record in found.iter().flat_map(|found| found.answers().iter()) {
        if let RData::MX(mx) = &record.data {
            hosts.push(text_of(&mx.exchange));
            weights.push(mx.preference);
        }
    }
    let any = !hosts.is_empty();
    call.assign(1, hosts);
    if call.count() > 2 {
        call.assign(2, weights);
    }
    Ok(any)
}

/// `dns_get_record`: the records of a name.
pub fn records(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let found = found(&call.text(0)?, call.int_or(1, ANY)?)?;
    for n in 2..=3 {
        if call.count() > n {
            call.assign(n, Array::new());
        }
    }
    Ok(OrFalse(found))
}

/// The records of the types in the bit set `wanted`; `None` if the name has none.
pub fn found(name: &str, wanted: i64) -> PhpResult<Option<Array>> {
    let mut all = Array::new();
    let kinds: Vec<RecordType> = match wanted {
        ANY => vec![RecordType::ANY],
        _ => TYPES.iter().filter(|(bit, ..)| wanted & bit != 0).map(|(.., kind)| *kind).collect(),
    };
    let mut any = false;
    for kind in kinds {
        let Some(found) = dns::records(name, kind, None)? else { continue };
        any = true;
        let fits = |record: &&Record| kind == RecordType::ANY || record.record_type() == kind;
        found.answers().iter().filter(fits).filter_map(entry).for_each(|entry| all.push(entry));
    }
    Ok(any.then_some(all))
}

/// A record in the format of `dns_get_record`.
fn entry(record: &Record) -> Option<Array> {
    let kind = record.record_type();
    let mut entry = Array::new();
    entry.insert("host", text_of(&record.name));
    entry.insert("class", "IN");
    entry.insert("ttl", record.ttl);
    entry.insert("type", TYPES.iter().find(|(.., known)| *known == kind)?.1);
    match &record.data {
        RData::A(ip) => entry.insert("ip", ip.0.to_string()),
        RData::AAAA(ip) => entry.insert("ipv6", ip.0.to_string()),
        RData::CNAME(name) => entry.insert("target", text_of(&name.0)),
        RData::NS(name) => entry.insert("target", text_of(&name.0)),
        RData::PTR(name) => entry.insert("target", text_of(&name.0)),
        RData::MX(mx) => {
            entry.insert("pri", mx.preference);
            entry.insert("target", text_of(&mx.exchange));
        }
        RData::SRV(srv) => {
            entry.insert("pri", srv.priority);
            entry.insert("weight", srv.weight);
            entry.insert("port", srv.port);
            entry.insert("target", text_of(&srv.target));
        }
        RData::TXT(txt) => {
            entry.insert("txt", txt.txt_data.concat());
            entry.insert("entries", txt.txt_data.iter().map(|text| text.to_vec().into_zval()).collect::<Array>());
        }
        RData::SOA(soa) => {
            entry.insert("mname", text_of(&soa.mname));
            entry.insert("rname", text_of(&soa.rname));
            entry.insert("serial", soa.serial);
            entry.insert("refresh", soa.refresh);
            entry.insert("retry", soa.retry);
            entry.insert("expire", soa.expire);
            entry.insert("minimum-ttl", soa.minimum);
        }
        RData::CAA(caa) => {
            entry.insert("flags", i64::from(caa.flags()));
            entry.insert("tag", caa.tag.as_str());
            entry.insert("value", caa.value.clone());
        }
        _ => return None,
    }
    Some(entry)
}

/// A name without the trailing dot of the root, as in PHP.
fn text_of(name: &Name) -> String {
    let text = name.to_utf8();
    text.strip_suffix('.').filter(|text| !text.is_empty()).map_or(text.clone(), str::to_owned)
}

/// `DNS_ANY`.
const ANY: i64 = 268_435_456;
/// Record types: PHP's `DNS_*` bit, the name, the type.
const TYPES: &[(i64, &str, RecordType)] = &[
    (1, "A", RecordType::A),
    (2, "NS", RecordType::NS),
    (16, "CNAME", RecordType::CNAME),
    (32, "SOA", RecordType::SOA),
    (2048, "PTR", RecordType::PTR),
    (8192, "CAA", RecordType::CAA),
    (16_384, "MX", RecordType::MX),
    (32_768, "TXT", RecordType::TXT),
    (33_554_432, "SRV", RecordType::SRV),
    (134_217_728, "AAAA", RecordType::AAAA),
];
