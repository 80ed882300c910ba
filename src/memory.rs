//! How the system's allocator treats what is large.

/// Buffers from this size on go back to the system as soon as they are freed, in bytes:
/// pictures, and the frames of whole screens.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGE: std::ffi::c_int = 1 << 20;

/// Keeps glibc from keeping them. By itself it moves this threshold up to the largest buffer
/// that was ever freed, and holds on to twice as much: 20 MB beside the pictures of a 1080p screen.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back_what_is_large() {
    // SAFETY: mallopt only sets a parameter of the allocator, and nothing else runs yet. It
    // fails for values out of range alone, and then everything stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Other allocators give back by their own rules.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back_what_is_large() {}
