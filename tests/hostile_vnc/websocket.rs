//! The same inside a WebSocket: a browser's viewer that floods, cuts and stops.

use std::io::Write;
use std::time::{Duration, Instant};

use panto_protocol::rfb::{ClientMessage, EncodingId, Fence};
use panto_tests::harness::{PATIENCE, Panto, Served, panto};

use super::clients::logged;
use super::{HARM, MIB, peak, written};
use crate::web::http::{Socket, frame};

/// Serves the demo to browsers. No page is asked for, so there need be none.
fn serve(home: &Panto) -> (Served, String) {
    let none = home.path("no-pages");
    let served = home.serve(&[
        "127.0.0.1:0",
        "--web=127.0.0.1:0",
        "--web-assets",
        none.to_str().unwrap(),
        "--auth",
        "none",
        "--demo",
    ]);
    let address = served.listening["web"][0].as_str().expect("an address for browsers").to_owned();
    (served, address)
}

/// A viewer that was let in.
fn viewer(address: &str) -> Socket {
    let mut socket = Socket::open(address);
    assert_eq!(socket.next().1, b"RFB 003.008\n");
    socket.stream.write_all(&frame(0x82, b"RFB 003.008\n\x01\x01")).unwrap();
    let mut said = Vec::new();
    while said.len() < 30 {
        said.extend(socket.next().1);
    }
    socket.stream.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Says the same again and again; whether the server had enough before so many bytes.
fn flood(socket: &mut Socket, bytes: &[u8], most: usize) -> bool {
    let piece = bytes.repeat((1 << 16) / bytes.len() + 1);
    (0..most / piece.len()).any(|_| socket.stream.write_all(&piece).is_err())
}

#[test]
fn floods_of_frames() {
    let home = panto();
    let (served, address) = serve(&home);
    drop(viewer(&address));
    let before = peak(served.pid());
    let fence = ClientMessage::Fence(Fence { flags: Fence::REQUEST, payload: vec![7; 64] });
    let fences = written(|out| (0..100).for_each(|_| fence.encode(out)));
    let encodings = vec![EncodingId(9); 50_000];
    let encodings = written(|out| ClientMessage::SetEncodings(encodings).encode(out));
    for (what, bytes, ends) in [
        ("pings", frame(0x89, &[7; 125]), false),
        ("empty frames", frame(0x82, b""), false),
        ("long messages", frame(0x82, &encodings), false),
        ("fences", frame(0x82, &fences), true),
    ] {
        let mut socket = viewer(&address);
        let begun = Instant::now();
        let ended = flood(&mut socket, &bytes, 64 << 20);
        assert!(ended || !ends, "{what}: the server puts up with it");
        assert!(begun.elapsed() < Duration::from_secs(25), "{what}: {:?}", begun.elapsed());
        drop(socket);
        // Others are served as ever.
        drop(viewer(&address));
    }
    logged(&served, 0, "fences", "flood of messages whose answers are not read");
    let grown = peak(served.pid()) - before;
    assert!(grown < 24 * MIB, "memory grew by {} MiB", grown / MIB);
}

#[test]
fn fragments_without_end_and_halves_of_frames() {
    let home = panto();
    let (served, address) = serve(&home);
    let before = peak(served.pid());
    let mut endless = viewer(&address);
    endless.stream.write_all(&frame(0x02, b"\x03")).unwrap();
    assert!(flood(&mut endless, &frame(0x00, b"x"), 16 << 20), "fragments without end");
    // Half a frame's head, half a frame, half a message: nobody else has to wait.
    let halves: Vec<Socket> = [vec![0x82], frame(0x82, &[5; 100])[..50].to_vec(), frame(0x82, &[3, 0, 0])]
        .into_iter()
        .map(|bytes| {
            let mut socket = viewer(&address);
            socket.stream.write_all(&bytes).unwrap();
            socket
        })
        .collect();
    drop(viewer(&address));
    drop(halves);
    let grown = peak(served.pid()) - before;
    assert!(grown < 24 * MIB, "memory grew by {} MiB", grown / MIB);
    assert!(HARM.iter().all(|word| !served.log().contains(word)), "{}", served.log());
}
