//! What the system says of a side's processes: CPU seconds and memory.

use std::collections::HashMap;

use rustix::process::Pid;

/// CPU and memory of some programs and all their descendants.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Usage {
    /// User and system time, that of children which have ended included.
    pub cpu_s: f64,
    /// Sum of proportional set sizes: memory that processes share counts once.
    pub memory_bytes: u64,
}

impl Usage {
    /// Of these programs now. `None` without programs, or where /proc does not tell.
    pub(super) fn of(programs: &[Pid]) -> Option<Self> {
        let all = processes();
        let programs: Vec<i32> = programs.iter().map(|pid| pid.as_raw_nonzero().get()).collect();
        let belongs = |pid: i32, process: &Stat| {
            // Up through the parents; a chain longer than this does not exist.
            let mut ancestors =
                std::iter::successors(Some(pid), |pid| all.get(pid).map(|p| p.parent)).take(64);
            programs.contains(&process.group) || ancestors.any(|pid| programs.contains(&pid))
        };
        let mut usage: Option<Self> = None;
        for (pid, process) in all.iter().filter(|(pid, process)| belongs(**pid, process)) {
            let sum = usage.get_or_insert_default();
            sum.cpu_s += process.ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
            sum.memory_bytes += memory(*pid).unwrap_or_default();
        }
        usage
    }

    /// The larger of each: processes that end take their figures with them.
    pub(super) fn max(self, other: Self) -> Self {
        Self { cpu_s: self.cpu_s.max(other.cpu_s), memory_bytes: self.memory_bytes.max(other.memory_bytes) }
    }
}

/// What `/proc/PID/stat` says (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    group: i32,
    /// utime, stime, cutime and cstime together.
    ticks: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // "pid (name) state parent group …"; the name may hold anything, so from its end.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11..15)?.iter().map(|t| t.parse::<u64>().ok()).sum::<Option<u64>>()?;
        Some(Self { parent: fields[1].parse().ok()?, group: fields[2].parse().ok()?, ticks })
    }
}

fn processes() -> HashMap<i32, Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            Some((pid, Stat::parse(&std::fs::read_to_string(entry.path().join("stat")).ok()?)?))
        })
        .collect()
}

fn memory(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_name() {
        let line = "7 (a) b (c) S 3 5 5 0 -1 4194304 1 2 3 4 10 20 300 4000 20 0 1 0";
        assert_eq!(Stat::parse(line), Some(Stat { parent: 3, group: 5, ticks: 4330 }));
        assert_eq!(Stat::parse("7 (a) S 3"), None);
    }

    #[test]
    fn this_process_has_used_something() {
        let usage = Usage::of(&[rustix::process::getpid()]).unwrap();
        assert!(usage.memory_bytes > 100_000, "{usage:?}");
        assert_eq!(Usage::of(&[]), None);
    }
}
