//! Servers that never end: what they begin, what they send, what they wait for. The viewer's person
//! can leave at any time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use panto_protocol::geometry::{Rect, Size};
use panto_protocol::rfb::EncodingId;
use panto_tests::harness::panto;
use panto_viewer::core::{Client, ClientOptions, Command, View, ViewError, VncOptions};

use super::lies::welcome;
use super::servers::{LOST, OK, PROTOCOL, SCREEN, TIMEOUT, Wolf, ended, meets_in};
use super::{rect, update};
use crate::control::Nobody;
use crate::security::said;

/// Address space of a viewer of a small screen, and of the largest.
const LITTLE: u64 = 700 << 20;
const MUCH: u64 = 3 << 30;

/// Reads all that the viewer says from now on, so that it never waits.
fn drain(wolf: &Wolf) {
    let mut reader = wolf.0.try_clone().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1 << 16];
        while let Ok(1..) = reader.read(&mut buffer) {}
    });
}

#[test]
fn handshakes_that_never_end() {
    let home = panto();
    let letters = |bytes: Vec<u8>, pause: Duration| {
        move |mut wolf: Wolf| {
            for byte in bytes {
                if wolf.0.write_all(&[byte]).is_err() {
                    break;
                }
                std::thread::sleep(pause);
            }
            wolf.linger();
        }
    };
    let mute = meets_in(&home, LITTLE, &["--for", "60s"], Wolf::linger);
    ended("a server that says nothing", &mute, TIMEOUT, "handshake", Duration::from_secs(15));
    // A name of four kilobytes, a letter each half second: each in time, and never done.
    let mut slow = b"RFB 003.008\n\x01\x01\0\0\0\0\0\x40\0\x30".to_vec();
    slow.extend([0; 16]);
    slow.extend([0, 0, 16, 0]);
    slow.extend([b'x'; 4096]);
    let end = meets_in(&home, LITTLE, &["--for", "60s"], letters(slow.clone(), Duration::from_millis(500)));
    ended("a letter each half second", &end, TIMEOUT, "handshake", Duration::from_secs(20));
    // Who has given the viewer two seconds has given it no more, whatever the server says.
    let end = meets_in(&home, LITTLE, &["--for", "2s"], letters(slow, Duration::from_millis(100)));
    assert!(end.took < Duration::from_secs(15), "{:?}", end.took);
}

#[test]
fn updates_that_never_end() {
    let home = panto();
    let whole = Rect::of_size(SCREEN);
    let pointer = rect(Rect::new(1, 1, 0, 0), EncodingId::POINTER_POSITION, &[]);
    let fill = rect(whole, EncodingId::TIGHT, &[0x80, 1, 2, 3]);
    let cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("updates of nothing", vec![], vec![0, 0, 0, 0]),
        ("bells", vec![], vec![2]),
        ("rectangles of no pixels, and never the last", update(0xffff, &[]), pointer),
        ("fills, and never the last", update(0xffff, &[]), fill),
        (
            "new sizes",
            update(0xffff, &[]),
            [7u32, 9].map(|side| rect(Rect::new(0, 0, side, side), EncodingId::DESKTOP_SIZE, &[])).concat(),
        ),
        ("names", update(0xffff, &[]), rect(Rect::default(), EncodingId::DESKTOP_NAME, &[0, 0, 0, 1, b'x'])),
        (
            "refused sizes",
            update(0xffff, &[]),
            rect(Rect::new(1, 3, 9, 9), EncodingId::EXTENDED_DESKTOP_SIZE, &[0; 4]),
        ),
        ("clipboards", vec![], [&[3, 0, 0, 0, 0, 0, 4, 0][..], &[b'x'; 1024]].concat()),
        (
            "clipboards that are too long",
            vec![],
            [&[3, 0, 0, 0, 0, 0x20, 0, 0][..], &[b'x'; 2 << 20]].concat(),
        ),
        ("colour maps", vec![], [&[1, 0, 0, 0, 1, 0][..], &[9; 6 * 256]].concat()),
        ("answers that nobody asked for", vec![], vec![248, 0, 0, 0, 0, 0, 0, 0, 4, b'p', b'i', b'n', b'g']),
    ];
    for (what, begin, again) in cases {
        let end = meets_in(&home, LITTLE, &["--for", "2s"], move |mut wolf| {
            drain(&wolf);
            wolf.say(&welcome(&begin));
            wolf.flood(&again);
        });
        ended(what, &end, OK, "", Duration::from_secs(12));
    }
}

#[test]
fn answers_that_are_not_read() {
    let home = panto();
    for (what, again) in [
        ("updates of nothing", vec![0, 0, 0, 0]),
        ("fences", [&[248, 0, 0, 0, 0x80, 0, 0, 0, 64][..], &[7; 64]].concat()),
        ("continuous updates on and off", vec![150]),
    ] {
        let end = meets_in(&home, LITTLE, &["--for", "60s"], move |mut wolf| {
            wolf.say(&welcome(&[]));
            wolf.flood(&again);
        });
        ended(what, &end, PROTOCOL, "does not read what it is sent", Duration::from_secs(20));
    }
    // Nearly as much, and then nothing: who leaves is not kept.
    let fences = [&[248, 0, 0, 0, 0x80, 0, 0, 0, 64][..], &[7; 64]].concat();
    for pieces in [20_000, 40_000, 60_000, 90_000, 110_000] {
        let again = fences.repeat(pieces);
        let end = meets_in(&home, LITTLE, &["--for", "2s"], move |mut wolf| {
            wolf.say(&welcome(&again));
            std::thread::sleep(Duration::from_secs(9));
        });
        let code = end.output.status.code();
        assert!(matches!(code, Some(OK | PROTOCOL | LOST)), "{pieces} fences: {}", said(&end.output));
        assert!(end.took < Duration::from_secs(8), "{pieces} fences: took {:?}", end.took);
    }
}

#[test]
fn servers_that_stop_in_the_middle() {
    let home = panto();
    let whole = Rect::of_size(SCREEN);
    for (what, bytes) in [
        ("a header", update(1, &[vec![0, 0, 0]])),
        ("Raw", update(1, &[rect(whole, EncodingId::RAW, &[9; 1000])])),
        ("ZRLE", update(1, &[rect(whole, EncodingId::ZRLE, &[0, 0, 9, 9, 1])])),
        ("Hextile", update(1, &[rect(whole, EncodingId::HEXTILE, &[1; 100])])),
        ("a clipboard", vec![3, 0, 0, 0, 0, 1, 0, 0, 65]),
    ] {
        let end = meets_in(&home, LITTLE, &["--for", "1s"], move |mut wolf| {
            wolf.say(&welcome(&bytes));
            wolf.linger();
        });
        ended(what, &end, OK, "", Duration::from_secs(8));
    }
}

/// The largest screen there may be: a few bytes are half a gigabyte of painting, and nobody could
/// leave before all of it was done.
#[test]
fn painting_that_takes_hours() {
    let home = panto();
    let (width, height) = (16_384u32, 8192u32);
    let mut hello = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
    hello.extend([width as u16, height as u16].map(u16::to_be_bytes).concat());
    hello.extend([0; 20]);
    let whole = Rect::new(0, 0, width, height);
    let half = Rect::new(0, 0, width / 2, height);
    for (what, again) in [
        ("fills of the whole", rect(whole, EncodingId::TIGHT, &[0x80, 1, 2, 3])),
        (
            "copies of a half",
            // From the middle of the screen, at 8192.
            rect(half, EncodingId::COPY_RECT, &[0x20, 0, 0, 0]),
        ),
        ("backgrounds of RRE", rect(whole, EncodingId::RRE, &[0; 8])),
    ] {
        let hello = hello.clone();
        let end = meets_in(&home, MUCH, &["--for", "2s"], move |mut wolf| {
            drain(&wolf);
            wolf.say(&[&hello[..], &update(0xffff, &[])].concat());
            wolf.flood(&again);
        });
        ended(what, &end, OK, "", Duration::from_secs(20));
    }
}

/// In this process: a person leaves while a server keeps the viewer busy or waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_leave_at_any_time() {
    let home = panto();
    for (what, hello, again) in [
        ("in the handshake", b"RFB 003".to_vec(), vec![]),
        (
            "in an endless update",
            welcome(&update(0xffff, &[])),
            rect(Rect::of_size(SCREEN), EncodingId::TIGHT, &[0x80, 1, 2, 3]),
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let mut wolf = Wolf(listener.accept().unwrap().0);
            drain(&wolf);
            wolf.say(&hello);
            if again.is_empty() { wolf.linger() } else { wolf.flood(&again) }
        });
        let options = ClientOptions {
            target: panto_transport::Target::vnc("127.0.0.1", port),
            trust: panto_transport::TrustPolicy::Strict,
            known_hosts: panto_transport::KnownHosts::at(home.path("known_hosts")),
            tls: true,
            name: "prey".into(),
            settings: Default::default(),
            view_only: false,
            local_moves: true,
            explain: false,
            disk_cache: None,
            vnc: VncOptions::default(),
            reconnect: false,
            duration: None,
        };
        let view = View::new();
        let handle = view.handle();
        let running = tokio::spawn(Client::new(options, std::sync::Arc::new(Nobody), view).run());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let begun = Instant::now();
        handle.send(Command::Quit);
        let (_, result) =
            tokio::time::timeout(Duration::from_secs(30), running).await.expect(what).expect("no panic");
        assert!(matches!(result, Ok(()) | Err(ViewError::Lost { .. })), "{what}: {result:?}");
        assert!(begun.elapsed() < Duration::from_secs(6), "{what}: {:?}", begun.elapsed());
        server.join().unwrap();
    }
}

#[test]
fn the_largest_screen_takes_what_it_takes() {
    let home = panto();
    let (width, height) = (16_384u32, 8192u32);
    let mut hello = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
    hello.extend([width as u16, height as u16].map(u16::to_be_bytes).concat());
    hello.extend([0; 20]);
    let size = Size::new(width, height);
    for (what, begin) in [
        ("shown", vec![]),
        ("turned round", update(1, &[rect(Rect::new(0, 0, height, width), EncodingId::DESKTOP_SIZE, &[])])),
        ("a zlib bomb in ZRLE", {
            let packed = super::deflated(&vec![0; 512 << 20]);
            let payload = [&(packed.len() as u32).to_be_bytes()[..], &packed].concat();
            update(1, &[rect(Rect::of_size(size), EncodingId::ZRLE, &payload)])
        }),
    ] {
        let hello = hello.clone();
        let end = meets_in(&home, 2 << 30, &["--for", "3s"], move |mut wolf| {
            wolf.say(&[&hello[..], &begin].concat());
            wolf.linger();
        });
        let code = end.output.status.code();
        assert!(
            matches!(code, Some(OK | PROTOCOL)),
            "{what}: {:?}: {}",
            end.output.status,
            said(&end.output)
        );
        assert!(end.took < Duration::from_secs(30), "{what}: {:?}", end.took);
    }
}
