//! The module's version, the machine and the process.

use std::fs;
use swoosh::sys::machine;
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, IntoZval, PhpResult, set_process_title};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_version(): string", |_: &mut Call<'_>| Ok("6.2.1"))
        .add("swoole_cpu_num(): int", cpu_num)
        .add("swoole_container_cpu_num(): int", container_cpu_num)
        .add("swoole_is_in_container(): bool", is_in_container)
        .add("swoole_get_local_ip(int $family = AF_INET): array", local_ip)
        .add("swoole_get_local_mac(): array", local_mac)
        .add("swoole_set_process_name(string $process_name): bool", set_process_name);
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

fn cpu_num(_: &mut Call<'_>) -> PhpResult<usize> {
    Ok(cpus())
}

/// The processors that the container may use, rounded up; those of the machine outside of one.
fn container_cpu_num(_: &mut Call<'_>) -> PhpResult<usize> {
    let quota = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok().and_then(|text| {
        let (quota, period) = text.trim().split_once(' ')?;
        Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok()?)
    });
    Ok(quota.map_or(cpus(), |n| (n.ceil() as usize).clamp(1, cpus())))
}

fn is_in_container(_: &mut Call<'_>) -> PhpResult<bool> {
    let marked = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| fs::exists(path).unwrap_or(false));
    Ok(marked
        || fs::read_to_string("/proc/1/cgroup")
            .is_ok_and(|text| ["docker", "kubepods", "containerd", "lxc"].iter().any(|name| text.contains(name))))
}

/// Interface name => address, the loopback left out.
fn local_ip(call: &mut Call<'_>) -> PhpResult<Array> {
    let family = call.int_or(0, i64::from(libc::AF_INET))?;
    let mut found = Array::new();
    for (name, ip) in machine::interface_addresses() {
        if family == i64::from(if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }) {
            found.insert(&name, ip.to_string());
        }
    }
    Ok(found)
}

/// Interface name => hardware address, the loopback left out.
fn local_mac(_: &mut Call<'_>) -> PhpResult<Array> {
    let mut found = Array::new();
    for entry in fs::read_dir("/sys/class/net").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Ok(address) = fs::read_to_string(entry.path().join("address"))
            && name != "lo"
        {
            found.insert(name.to_string_lossy().as_bytes(), address.trim().to_uppercase());
        }
    }
    Ok(found)
}

/// Sets the process title; `true` on success.
fn set_process_name(call: &mut Call<'_>) -> PhpResult<bool> {
    let name = call.string(0)?.clone();
    set_process_title(name.into_zval())
}
