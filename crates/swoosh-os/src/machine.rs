//! Facts about the machine: network interfaces and file systems.
//!
//! ```
//! let root = swoosh_os::machine::file_system(std::path::Path::new("/")).unwrap();
//! assert!(root.blocks() >= root.blocks_free());
//! ```

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::io;
use std::net::IpAddr;
use std::path::Path;

pub use nix::sys::statvfs::Statvfs;

/// The names and addresses of the network interfaces, without the loopback interface (getifaddrs(3)).
pub fn interface_addresses() -> Vec<(String, IpAddr)> {
    getifaddrs()
        .into_iter()
        .flatten()
        .filter(|interface| !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            let ip = v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))?;
            Some((interface.interface_name, ip))
        })
        .collect()
}

/// Size and free space of the file system that contains a path (statvfs(3)).
///
/// # Errors
/// If the path does not exist.
pub fn file_system(path: &Path) -> io::Result<Statvfs> {
    Ok(nix::sys::statvfs::statvfs(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_a_file_system_and_no_interface_is_the_loopback() {
        assert!(file_system(Path::new("/")).unwrap().block_size() > 0);
        assert!(interface_addresses().iter().all(|(_, ip)| !ip.is_loopback()));
    }
}
