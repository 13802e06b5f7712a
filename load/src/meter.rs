//! Memory and CPU time of this process, by `/proc/self`.

use std::time::Duration;

/// The kernel counts CPU time in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Bytes in memory now.
pub fn resident() -> u64 {
    status("VmRSS")
}

/// The most bytes in memory since the start, or since [`forget_peak`].
pub fn peak() -> u64 {
    status("VmHWM")
}

/// The peak counts from now on.
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak can be forgotten");
}

/// A line of `/proc/self/status` in bytes.
fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let found = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':'));
    let kib: u64 = found.and_then(|found| found.split_whitespace().next()).unwrap().parse().unwrap();
    kib * 1024
}

/// CPU time of all threads so far, user and system together.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program, in parentheses, may have blanks. What follows begins with the third field.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<u32>().unwrap();
    TICK * (ticks(14) + ticks(15))
}

/// Bytes as MiB with one decimal.
pub fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// How much more than before.
pub fn more(bytes: u64, before: u64) -> String {
    mib(bytes.saturating_sub(before))
}
