//! A key's echo in the demo desktop, from input to painted viewer, over a Unix socket.
//!
//!     cargo bench -p panto-tests --bench echo

use panto_protocol::geometry::Size;
use panto_protocol::message::{InputEvent, Mode, Settings};
use panto_server::source::DemoSource;
use panto_tests::harness::Local;
use panto_viewer::core::Command;
use std::sync::Arc;

const KEYS: u32 = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        println!("| mode | p50, ms | p95, ms | max, ms |\n|---|--:|--:|--:|");
        for mode in Mode::ALL {
            let (source, scene) = DemoSource::start(Size::new(1280, 800));
            let local = Local::start(scene, Arc::new(source)).await;
            let watcher = local.watch(Settings { mode, ..Settings::default() });
            watcher.until("a picture", |p| !p.size().is_empty()).await;
            for i in 0..KEYS {
                let before = watcher.handle.shown().generation;
                let text = char::from(b'a' + (i % 26) as u8).to_string();
                let keysym = if i % 40 == 39 { 0xff0d } else { u32::from(text.as_bytes()[0]) };
                for down in [true, false] {
                    let text = if down { text.clone() } else { String::new() };
                    watcher.send(Command::Input(InputEvent::Key { physical: 30, keysym, down, text }));
                }
                // `hybrid` and `auto` send nothing for a key that changes no pixel.
                for _ in 0..500 {
                    if watcher.handle.shown().generation != before {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_micros(200)).await;
                }
                // A person's pause; the opening animation goes on meanwhile.
                tokio::time::sleep(std::time::Duration::from_millis(40)).await;
            }
            let (stats, result) = watcher.quit().await;
            result.expect("viewing ends well");
            let l = stats.input_to_pixel_ms.expect("keys were answered");
            println!("| {} | {:.1} | {:.1} | {:.1} |", mode.name(), l.p50, l.p95, l.max);
        }
    });
}
