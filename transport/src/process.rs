//! What the system says of this process.

use rustix::time::{ClockId, clock_gettime};

/// CPU seconds of this process so far: all threads, user and system.
pub fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
