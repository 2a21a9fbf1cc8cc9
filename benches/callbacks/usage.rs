//! What a process used, as Linux tells it in `/proc`.

use std::{fs, time::Duration};

use crate::Result;

/// Linux counts CPU time for user space in ticks of 10 ms, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of one process so far.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    Ok(Stat::read(pid)?.own)
}

/// CPU time of a process and its children so far, those that ended included.
pub(crate) fn cpu_of_family(parent: u32) -> Result<Duration> {
    let stat = Stat::read(parent)?;
    let mut total = stat.own + stat.ended_children;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end between the listing and this line.
        total += Stat::read(pid).ok().filter(|stat| stat.parent == parent).map(|s| s.own).unwrap_or_default();
    }
    Ok(total)
}

/// The most resident memory the process ever had, in KiB.
pub(crate) fn peak_memory(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}

struct Stat {
    parent: u32,
    own: Duration,
    ended_children: Duration,
}

// === impl Stat ===

impl Stat {
    fn read(pid: u32) -> Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
        let (_, fields) = text.rsplit_once(')').ok_or("no program name in /proc")?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |field: usize| -> Result<u32> { Ok(fields.get(field - 3).ok_or("too short")?.parse()?) };
        let ticks = |user, system| -> Result<Duration> { Ok(TICK * (number(user)? + number(system)?)) };
        Ok(Self { parent: number(4)?, own: ticks(14, 15)?, ended_children: ticks(16, 17)? })
    }
}
