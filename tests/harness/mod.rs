//! Starting, looking, waiting for conditions.

mod local;
mod panto;
mod xdisplay;

use std::time::{Duration, Instant};

pub use local::{Local, Watcher};
pub use panto::{Panto, Served, cpu_seconds, panto};
pub use xdisplay::{TERMINAL, XDisplay, rested};

/// Generous, because a busy machine is no failure; nothing waits this long when all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` gives a value. Panics with `what` when it never does.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "never happened: {what}");
        // Conditions outside this process have no event to wait for.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Compares two pictures; on a difference saves both and says where it begins.
pub fn assert_same(what: &str, got: &panto_protocol::pixel::Picture, want: &panto_protocol::pixel::Picture) {
    if got == want {
        return;
    }
    assert_eq!(got.size(), want.size(), "{what}: sizes");
    let different: Vec<usize> =
        got.data().iter().zip(want.data()).enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
    let width = got.size().width as usize;
    let first = different[0];
    let dir = std::env::temp_dir().join("panto-test-failures");
    std::fs::create_dir_all(&dir).expect("a directory for failed pictures");
    let name: String = what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    save(got, &dir.join(format!("{name}-got.png")));
    save(want, &dir.join(format!("{name}-want.png")));
    panic!(
        "{what}: {} pixels differ, the first at ({}, {}): {:06x} instead of {:06x}; pictures in {}",
        different.len(),
        first % width,
        first / width,
        got.data()[first],
        want.data()[first],
        dir.display()
    );
}

/// Writes a picture as PNG.
pub fn save(picture: &panto_protocol::pixel::Picture, path: &std::path::Path) {
    let bytes: Vec<u8> = picture.data().iter().flat_map(|&p| panto_protocol::pixel::channels(p)).collect();
    let size = picture.size();
    image::save_buffer(path, &bytes, size.width, size.height, image::ExtendedColorType::Rgb8)
        .expect("a PNG can be written");
}
