//! `Swoole\Coroutine\Socket`: options whose values are structures, as in PHP's sockets extension: multicast groups and
//! interfaces (ip(7), ipv6(7), RFC 3678), packet information.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use swoosh::sys::network_interface;
use swoosh::sys::socket;
use swoosh_zend::{Array, Zval};

/// Sets the option if its value is one of these structures; `None`: it is another option.
pub(super) fn set(fd: i32, level: i32, option: i32, value: &Zval) -> Option<io::Result<()>> {
    let bytes = match (level, option) {
        (libc::IPPROTO_IP, libc::IP_MULTICAST_IF) => interface(value).and_then(address_of_interface),
        (libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_IF) => interface(value).map(|index| index.to_ne_bytes().to_vec()),
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if value.array().is_some() => packet_info(value),
        (libc::IPPROTO_IP | libc::IPPROTO_IPV6, MCAST_JOIN_GROUP | MCAST_LEAVE_GROUP) => group(value, level, false),
        (
            libc::IPPROTO_IP | libc::IPPROTO_IPV6,
            MCAST_BLOCK_SOURCE | MCAST_UNBLOCK_SOURCE | MCAST_JOIN_SOURCE_GROUP | MCAST_LEAVE_SOURCE_GROUP,
        ) => group(value, level, true),
        _ => return None,
    };
    Some(bytes.and_then(|bytes| socket::set_option(fd, level, option, &bytes)))
}

/// The index of the interface of IP_MULTICAST_IF, 0 for none; `None`: it is another option.
pub(super) fn get(fd: i32, level: i32, option: i32) -> Option<io::Result<i32>> {
    if (level, option) != (libc::IPPROTO_IP, libc::IP_MULTICAST_IF) {
        return None;
    }
    Some(socket::option(fd, level, option).and_then(|address| {
        let address = Ipv4Addr::from(address.to_ne_bytes());
        if address.is_unspecified() {
            return Ok(0);
        }
        network_interface::of_address(address)?.map(|index| index as i32).ok_or_else(invalid)
    }))
}

/// An interface by its index or its name; 0 is the system's choice.
fn interface(value: &Zval) -> io::Result<u32> {
    match value.bytes() {
        Some(name) => network_interface::index(&String::from_utf8_lossy(name)),
        None => u32::try_from(value.to_int()).map_err(|_| invalid()),
    }
}

fn address_of_interface(index: u32) -> io::Result<Vec<u8>> {
    let address = match index {
        0 => Ipv4Addr::UNSPECIFIED,
        _ => network_interface::address(index)?.ok_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL))?,
    };
    Ok(address.octets().to_vec())
}

/// `struct in6_pktinfo` from `addr` and `ifindex`.
fn packet_info(value: &Zval) -> io::Result<Vec<u8>> {
    let array = value.array().ok_or_else(invalid)?;
    let address = address(array, "addr")?;
    let IpAddr::V6(address) = address else { return Err(invalid()) };
    let index = array.get("ifindex").map_or(Ok(0), interface)?;
    let mut bytes = address.octets().to_vec();
    bytes.extend_from_slice(&index.to_ne_bytes());
    Ok(bytes)
}

/// `struct group_req`, or with `source` `struct group_source_req`.
fn group(value: &Zval, level: i32, source: bool) -> io::Result<Vec<u8>> {
    let array = value.array().ok_or_else(invalid)?;
    let index = array.get("interface").map_or(Ok(0), interface)?;
    // The addresses are aligned to eight bytes.
    let mut bytes = index.to_ne_bytes().to_vec();
    bytes.resize(8, 0);
    let names: &[&str] = if source { &["group", "source"] } else { &["group"] };
    for name in names {
        append_address(&mut bytes, level, address(array, name)?)?;
    }
    Ok(bytes)
}

fn address(array: &Array, name: &str) -> io::Result<IpAddr> {
    let text = array.get(name).and_then(Zval::bytes).ok_or_else(invalid)?;
    String::from_utf8_lossy(text).parse().map_err(|_| invalid())
}

/// Appends a `struct sockaddr_storage` without a port.
fn append_address(bytes: &mut Vec<u8>, level: i32, address: IpAddr) -> io::Result<()> {
    let end = bytes.len() + size_of::<libc::sockaddr_storage>();
    match (level, address) {
        (libc::IPPROTO_IP, IpAddr::V4(address)) => {
            bytes.extend_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(&address.octets());
        }
        (libc::IPPROTO_IPV6, IpAddr::V6(address)) => append_v6(bytes, address),
        _ => return Err(invalid()),
    }
    bytes.resize(end, 0);
    Ok(())
}

/// Family, port and flow information, then the address; the scope that follows is 0.
fn append_v6(bytes: &mut Vec<u8>, address: Ipv6Addr) {
    bytes.extend_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
    bytes.extend_from_slice(&[0; 6]);
    bytes.extend_from_slice(&address.octets());
}

fn invalid() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

const MCAST_JOIN_GROUP: i32 = 42;
const MCAST_BLOCK_SOURCE: i32 = 43;
const MCAST_UNBLOCK_SOURCE: i32 = 44;
const MCAST_LEAVE_GROUP: i32 = 45;
const MCAST_JOIN_SOURCE_GROUP: i32 = 46;
const MCAST_LEAVE_SOURCE_GROUP: i32 = 47;
