//! An allocator that knows whose each byte is.
//!
//! Whoever is the owner when memory is asked for owns it until it is freed, whoever frees it or
//! makes it larger: a buffer that many use is his who used it first.
//! There is one owner at a time for the whole process, so nothing may run beside the test.
//! Memory that C asks for (Zstandard's contexts) is not seen.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Owners that there may be.
const OWNERS: usize = 32;

/// Room for the owner in front of what was asked for.
const HEAD: usize = 16;

static OWNER: AtomicUsize = AtomicUsize::new(0);
static LIVE: [AtomicUsize; OWNERS] = [const { AtomicUsize::new(0) }; OWNERS];
static PEAK: [AtomicUsize; OWNERS] = [const { AtomicUsize::new(0) }; OWNERS];

/// Somebody who owns memory. The test itself owns what nobody else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner(pub usize);

impl Owner {
    /// What is allocated in `act` is this owner's.
    pub fn run<T>(self, act: impl FnOnce() -> T) -> T {
        let before = OWNER.swap(self.0, Relaxed);
        let result = act();
        OWNER.store(before, Relaxed);
        result
    }

    /// Bytes that are not freed.
    pub fn live(self) -> usize {
        LIVE[self.0].load(Relaxed)
    }

    /// The most bytes at once since this was asked last.
    pub fn take_peak(self) -> usize {
        PEAK[self.0].swap(self.live(), Relaxed)
    }
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Where the memory begins behind its head, and the layout of both.
fn with_head(layout: Layout) -> Option<(usize, Layout)> {
    let head = layout.align().max(HEAD);
    Some((head, Layout::from_size_align(layout.size().checked_add(head)?, head).ok()?))
}

// SAFETY: the system's allocator gives and takes every block; each is asked for with a head of
// a multiple of its alignment more, and the same head is computed when it is freed.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the same.
        unsafe { alloc_for(OWNER.load(Relaxed), layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Some((head, whole)) = with_head(layout) else { return };
        // SAFETY: `memory` came from `alloc` with this layout, so the head is in front of it.
        unsafe {
            let block = memory.sub(head);
            let owner = block.cast::<usize>().read();
            LIVE[owner].fetch_sub(layout.size(), Relaxed);
            System.dealloc(block, whole);
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (Some((head, _)), Ok(wanted)) =
            (with_head(layout), Layout::from_size_align(size, layout.align()))
        else {
            return std::ptr::null_mut();
        };
        // SAFETY: `memory` came from `alloc` with this layout, so the head is in front of it;
        // both blocks have room for what is copied.
        unsafe {
            let owner = memory.sub(head).cast::<usize>().read();
            let larger = alloc_for(owner, wanted);
            if !larger.is_null() {
                std::ptr::copy_nonoverlapping(memory, larger, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            larger
        }
    }
}

/// Memory that is this owner's.
///
/// # Safety
///
/// As of [`GlobalAlloc::alloc`].
unsafe fn alloc_for(owner: usize, layout: Layout) -> *mut u8 {
    let Some((head, whole)) = with_head(layout) else { return std::ptr::null_mut() };
    // SAFETY: `whole` is not empty, and the head has room for a `usize` at its alignment.
    unsafe {
        let block = System.alloc(whole);
        if block.is_null() {
            return block;
        }
        block.cast::<usize>().write(owner);
        let live = LIVE[owner].fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK[owner].fetch_max(live, Relaxed);
        block.add(head)
    }
}
