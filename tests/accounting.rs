//! Honest accounting: the bytes that viewer and server report are those that others count
//! on the wire, to the byte, TLS and goodbyes included.
//!
//! A viewer leaves like this: it says goodbye and closes its side (with TLS, a
//! close_notify); the server writes no more, closes its own in the same way and reads
//! until the viewer's end; the viewer reads until the server's. Both have then counted
//! everything. A server that ends a connection does the same, the other way round.
//!
//! Needs the Debian package tcpdump, and the right to capture.

mod capture;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use panto_compare::link::{Profile, Relay};
use panto_protocol::draw::SurfaceId;
use panto_protocol::geometry::{Point, Size};
use panto_protocol::pixel::Pixels;
use panto_protocol::time::Micros;
use panto_server::scene::Scene;
use panto_server::trace::{Header, Recorder};
use panto_tests::harness::{Panto, Served, eventually, panto};
use panto_transport::Target;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::security::check;
use capture::Capture;

/// Bytes to the viewer and to the server.
type Bytes = (u64, u64);

/// Rests long before its viewer leaves.
const SHORT: i32 = 25;

/// Moves when its viewer leaves, and on.
const LONG: i32 = 150;

/// Serves so many pictures of noise, 20 ms apart, more than any socket buffers, and rests then.
fn serve(home: &Panto, pictures: i32, more: &[&str]) -> Served {
    let path = home.path("moving.trace");
    let mut scene = Scene::new(Size::new(640, 480));
    let header = Header { title: "moving".into(), ..Header::default() };
    let mut recorder = Recorder::create(&path, header, 1, &scene).unwrap();
    let size = Size::new(200, 150);
    let mut random = 1u32;
    for i in 1..=pictures {
        let noise: Vec<u32> = (0..size.area())
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random >> 8
            })
            .collect();
        let noise = Pixels::new(size, size.width as usize, &noise).expect("as many as its size says");
        scene.pixels(SurfaceId::SCREEN, Point::new(i * 17 % 440, i * 13 % 330), noise).unwrap();
        recorder.observe(&scene, Micros::from_millis(20 * i as u64));
    }
    recorder.finish(Micros::from_millis(20 * pictures as u64)).unwrap();
    home.serve(&[&["127.0.0.1:0", "--replay", path.to_str().unwrap()], more].concat())
}

/// `panto view` with the server's ticket, and the figures that it leaves.
fn view(home: &Panto, served: &Served, target: &str) -> (Output, Value) {
    view_with(home, served, target, &[])
}

/// The same with more options.
fn view_with(home: &Panto, served: &Served, target: &str, more: &[&str]) -> (Output, Value) {
    let (secret, stats) = (home.path("secret"), home.path("stats.json"));
    std::fs::write(&secret, served.listening["ticket"].as_str().unwrap_or_default()).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let (secret, file) = (secret.to_str().unwrap(), stats.to_str().unwrap());
    let output = home.run(
        &[
            &["view", target, "--no-window", "--for", "2s", "--trust", "new", "--password-file", secret][..],
            &["--stats", file],
            more,
        ]
        .concat(),
    );
    let stats = serde_json::from_slice(&std::fs::read(&stats).expect("figures")).expect("JSON");
    (output, stats)
}

fn of_viewer(stats: &Value) -> Bytes {
    (stats["bytes_down"].as_u64().expect("a count"), stats["bytes_up"].as_u64().expect("a count"))
}

fn of_relay(relay: &Relay) -> Bytes {
    let counts = relay.counts();
    (counts.bytes_down, counts.bytes_up)
}

/// What the server counted until the end of its last viewer's connection.
fn of_server(served: &Served) -> Bytes {
    eventually("the server says that its viewer is out", || {
        let log = served.log();
        let line = log.lines().rfind(|line| line.contains("viewer is out"))?.to_owned();
        let field = |name: &str| {
            let value = line.split_whitespace().find_map(|word| word.strip_prefix(name));
            value.and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{name} is not in: {line}"))
        };
        Some((field("bytes_down="), field("bytes_up=")))
    })
}

/// Waits until `panto ctl viewers` says what the relay does: while nothing moves.
fn control_agrees(home: &Panto, served: &Served, relay: &Relay) {
    eventually("panto ctl viewers agrees with the relay", || {
        let before = of_relay(relay);
        let viewers = home.ctl(served, &["viewers"]);
        let viewer = viewers["viewers"].as_array().and_then(|all| all.first())?;
        let frames = viewer["frames"].as_u64()?;
        (frames > 1 && of_viewer(viewer) == before).then_some(())
    });
}

/// The same relay as `panto link` has, in front of a server.
fn relay_to(runtime: &Runtime, address: &str) -> Relay {
    let _inside = runtime.enter();
    let listen = "127.0.0.1:0".parse().unwrap();
    Relay::start(listen, address.parse().unwrap(), &Profile::default()).expect("a relay")
}

#[test]
fn viewer_server_and_relay_agree_over_tls() {
    let (home, runtime) = (panto(), Runtime::new().unwrap());
    let served = serve(&home, SHORT, &[]);
    let relay = relay_to(&runtime, &served.address());
    let (output, stats) = std::thread::scope(|scope| {
        let viewing = scope.spawn(|| view(&home, &served, &relay.address().to_string()));
        control_agrees(&home, &served, &relay);
        viewing.join().unwrap()
    });
    check(&output, 0, &[]);
    let counted = of_relay(&relay);
    assert!(counted.0 > 500_000 && counted.1 > 500, "noise and its acknowledgements: {counted:?}");
    assert_eq!(of_viewer(&stats), counted, "the viewer's figures and the relay's");
    assert_eq!(of_server(&served), counted, "the server's figures and the relay's");
    assert_eq!(relay.counts().connections, 1);
}

#[test]
fn a_kicked_viewer_counts_the_last_byte_too() {
    let (home, runtime) = (panto(), Runtime::new().unwrap());
    let served = serve(&home, LONG, &[]);
    let relay = relay_to(&runtime, &served.address());
    let (output, stats) = std::thread::scope(|scope| {
        let viewing = scope.spawn(|| view(&home, &served, &relay.address().to_string()));
        eventually("noise comes", || (of_relay(&relay).0 > 500_000).then_some(()));
        assert_eq!(home.ctl(&served, &["kick", "1"])["reached"], 1);
        viewing.join().unwrap()
    });
    check(&output, 7, &["disconnected by the server's administrator"]);
    let counted = of_relay(&relay);
    assert_eq!(of_viewer(&stats), counted, "the viewer's figures and the relay's");
    assert_eq!(of_server(&served), counted, "the server's figures and the relay's");
}

#[test]
fn the_attempt_at_tls_counts_where_there_is_none() {
    let (home, runtime) = (panto(), Runtime::new().unwrap());
    let served = serve(&home, LONG, &["--auth", "none"]);
    let relay = relay_to(&runtime, &served.address());
    let (output, stats) = view(&home, &served, &relay.address().to_string());
    check(&output, 0, &[]);
    let counted = of_relay(&relay);
    assert_eq!(of_viewer(&stats), counted, "the viewer's figures and the relay's");
    // The server knows of the attempt only that it was no viewer.
    assert_eq!(relay.counts().connections, 2);
    let (down, up) = of_server(&served);
    assert!(down < counted.0 && up < counted.1, "{down} of {}, {up} of {}", counted.0, counted.1);
}

#[test]
fn whoever_says_that_there_is_no_tls_begins_without() {
    let (home, runtime) = (panto(), Runtime::new().unwrap());
    let served = serve(&home, LONG, &["--auth", "none"]);
    let relay = relay_to(&runtime, &served.address());
    let (output, stats) = view_with(&home, &served, &relay.address().to_string(), &["--no-tls"]);
    check(&output, 0, &[]);
    let counted = of_relay(&relay);
    assert_eq!(relay.counts().connections, 1);
    assert_eq!(of_viewer(&stats), counted, "the viewer's figures and the relay's");
    assert_eq!(of_server(&served), counted, "the server's figures and the relay's");
}

#[test]
fn another_relay_counts_the_same_as_ours() {
    let (home, runtime) = (panto(), Runtime::new().unwrap());
    // At rest in the end, as the other relay cuts both ways when one of them ends.
    let served = serve(&home, SHORT, &["--auth", "none"]);
    let ours = relay_to(&runtime, &served.address());
    // A Unix socket, over which nobody tries TLS.
    let address = ours.address();
    let target = Target::tcp(address.ip().to_string(), address.port());
    let other = runtime.block_on(crate::relay::Relay::to(&target));
    let (output, stats) = view(&home, &served, &other.target.to_string());
    check(&output, 0, &[]);
    let counted = (other.down(), other.up());
    assert_eq!(of_relay(&ours), counted, "one relay and the other");
    assert_eq!(of_viewer(&stats), counted, "the viewer's figures and the relays'");
    assert_eq!(of_server(&served), counted, "the server's figures and the relays'");
}

#[test]
fn a_packet_capture_counts_the_same() {
    for auth in ["password", "none"] {
        let home = panto();
        let served = serve(&home, LONG, &["--auth", auth]);
        let address = served.address();
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
        let capture = match Capture::start(port) {
            Ok(capture) => capture,
            Err(why) => {
                // Past the test program's own capturing of output, so that it is seen.
                let mut stderr = std::io::stderr().lock();
                let _ = writeln!(stderr, "\n*** SKIPPED: no packets can be captured here: {why}\n");
                return;
            }
        };
        let (output, stats) = view(&home, &served, &address);
        check(&output, 0, &[]);
        let connections = if auth == "none" { 2 } else { 1 };
        let carried = capture.finish(connections);
        assert_eq!(of_viewer(&stats), carried, "the viewer's figures and the packets' with {auth}");
        if auth == "password" {
            assert_eq!(of_server(&served), carried, "the server's figures and the packets'");
        }
    }
}
