//! Memory shared with the X server (MIT-SHM 1.2, by file descriptor).

use std::ffi::c_void;
use std::io;
use std::os::fd::OwnedFd;
use std::ptr::{self, NonNull};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Anonymous memory that the X server writes pictures into.
///
/// It is only ever read here, by copying: another process may write to it at any
/// time, so no reference to its contents exists and nothing is decided on a
/// value that could change between two looks.
#[derive(Debug)]
pub(super) struct Segment {
    start: NonNull<u32>,
    /// Length in 32-bit words.
    words: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread, and `Segment`
// has the only pointer to it.
unsafe impl Send for Segment {}

impl Segment {
    /// Maps `words` zeroed words; also returns the descriptor to hand to the X server.
    pub(super) fn create(words: usize) -> io::Result<(Self, OwnedFd)> {
        let bytes = words.checked_mul(4).filter(|&n| n > 0).ok_or(io::ErrorKind::InvalidInput)?;
        let fd = memfd_create("panto-capture", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&fd, bytes as u64)?;
        // The server holds this descriptor too. Were it to shrink the file, reading
        // beyond its new end would kill us with SIGBUS.
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no
        // existing memory; length and descriptor are those of the file just made.
        let start = unsafe { mmap(ptr::null_mut(), bytes, ProtFlags::READ, MapFlags::SHARED, &fd, 0)? };
        let start = NonNull::new(start.cast::<u32>()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok((Self { start, words }, fd))
    }

    /// Length in 32-bit words.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    /// Copies `out.len()` words from word `from` on; they are native-endian as the
    /// server (which runs on this machine) wrote them.
    pub(super) fn read(&self, from: usize, out: &mut [u32]) {
        let end = from.checked_add(out.len());
        assert!(end.is_some_and(|end| end <= self.words), "read beyond the shared segment");
        // SAFETY: the range lies inside the mapping (asserted above), which is page
        // aligned, readable, and cannot shrink (sealed); `out` is our own memory and
        // so does not overlap. The server writes only between our request and its
        // reply, which has arrived. A server that writes at other times makes this
        // copy hold a mixture of old and new words, each of which is a valid `u32`:
        // a wrong picture, which a hostile server can show anyway.
        unsafe { ptr::copy_nonoverlapping(self.start.as_ptr().add(from), out.as_mut_ptr(), out.len()) };
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: exactly the range that `create` mapped, and nobody else knows it.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.words * 4) };
        debug_assert!(unmapped.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_writes_and_we_read() {
        let (segment, fd) = Segment::create(1025).unwrap();
        assert_eq!(segment.words(), 1025);
        rustix::io::pwrite(&fd, &7u32.to_ne_bytes(), 1024 * 4).unwrap();
        let mut out = [1; 2];
        segment.read(1023, &mut out);
        assert_eq!(out, [0, 7]);
        assert!(ftruncate(&fd, 0).is_err(), "the file could shrink under us");
        assert!(Segment::create(0).is_err());
    }
}
