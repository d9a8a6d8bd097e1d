//! Network interfaces: index, name and IPv4 address (netdevice(7)).
//!
//! ```
//! use std::net::Ipv4Addr;
//! use swoosh_os::network_interface;
//!
//! let loopback = network_interface::index("lo").unwrap();
//! if let Some(address) = network_interface::address(loopback).unwrap() {
//!     assert_eq!(network_interface::of_address(address).unwrap(), Some(loopback));
//! }
//! ```

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use std::io;
use std::net::Ipv4Addr;

/// The index of the interface with this name.
///
/// # Errors
/// `ENODEV` if there is none.
pub fn index(name: &str) -> io::Result<u32> {
    Ok(if_nametoindex(name)?)
}

/// The first IPv4 address of the interface with this index; `None` if it has none.
///
/// # Errors
/// If the interfaces cannot be listed.
pub fn address(index: u32) -> io::Result<Option<Ipv4Addr>> {
    Ok(all()?.find(|(name, _)| if_nametoindex(name.as_str()) == Ok(index)).map(|(_, address)| address))
}

/// The index of the interface that has this address; `None` if none has it.
///
/// # Errors
/// If the interfaces cannot be listed.
pub fn of_address(address: Ipv4Addr) -> io::Result<Option<u32>> {
    match all()?.find(|(_, other)| *other == address) {
        Some((name, _)) => index(&name).map(Some),
        None => Ok(None),
    }
}

fn all() -> io::Result<impl Iterator<Item = (String, Ipv4Addr)>> {
    Ok(getifaddrs()?.filter_map(|interface| {
        let address = interface.address?.as_sockaddr_in()?.ip();
        Some((interface.interface_name, address))
    }))
}
