//! Where it was measured: numbers without their machine mean nothing.

use std::{fs, path::Path, thread};

use crate::Result;

/// One line: cores, memory, kernel and the file system that the databases are on.
pub(crate) fn describe(place: &Path) -> Result<String> {
    let cores = thread::available_parallelism()?;
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("", |m| m.1);
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kib: u64 = memory.split_ascii_whitespace().nth(1).ok_or("no MemTotal in /proc/meminfo")?.parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let (gib, kernel) = (kib.div_ceil(1024 * 1024), kernel.trim());
    Ok(format!("{cores} cores ({model}), {gib} GiB, Linux {kernel}, {}", file_system(place)?))
}

/// Device and type of the file system that holds `place`, a path without links. On a tmpfs there is no disk to wait for.
fn file_system(place: &Path) -> Result<String> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let mount = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| fields.get(1).is_some_and(|point| place.starts_with(point)))
        .max_by_key(|fields| fields.get(1).map_or(0, |point| point.len()));
    match mount.as_deref() {
        Some([device, _, kind, ..]) => Ok(format!("{kind} on {device}")),
        _ => Ok("unknown file system".to_owned()),
    }
}
