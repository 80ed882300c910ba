//! What tcpdump sees of TCP on the loopback: bytes of payload, each counted once.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use panto_tests::harness::PATIENCE;

/// Only headers are looked at.
const SNAPLEN: &str = "128";

/// tcpdump at work.
pub struct Capture {
    child: Child,
    packets: mpsc::Receiver<Packet>,
    port: u16,
}

/// A TCP segment.
struct Packet {
    from: u16,
    to: u16,
    sequence: u32,
    payload: u32,
    syn: bool,
    fin: bool,
}

/// One direction of a connection.
#[derive(Default)]
struct Flow {
    /// Sequence number of the first byte.
    begins: Option<u32>,
    /// Bytes until the end, once that was seen.
    length: Option<u32>,
    /// Offsets and lengths of segments; one that was sent again is the same one.
    segments: BTreeMap<u32, u32>,
}

impl Capture {
    /// Begins to capture connections to this port. `Err` says why it is not allowed.
    pub fn start(port: u16) -> Result<Self, String> {
        let mut command = Command::new("tcpdump");
        command.args(["-i", "lo", "-U", "-w", "-", "-s", SNAPLEN, "--immediate-mode", "-B", "16384"]);
        command.arg(format!("tcp port {port}"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tcpdump starts (apt install tcpdump)");
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        while !said.contains("listening on") {
            if stderr.read_line(&mut said).expect("tcpdump speaks") == 0 {
                let _ = child.wait();
                let refused = ["permission", "Operation not permitted", "No such device"];
                assert!(refused.iter().any(|word| said.contains(word)), "tcpdump failed: {said}");
                return Err(said.trim().to_owned());
            }
        }
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, packets) = mpsc::channel();
        std::thread::spawn(move || {
            let mut header = [0; 24];
            stdout.read_exact(&mut header).expect("a capture file");
            assert_eq!(u32::from_ne_bytes(header[..4].try_into().unwrap()), 0xa1b2_c3d4, "pcap");
            assert_eq!(u32::from_ne_bytes(header[20..].try_into().unwrap()), 1, "Ethernet");
            let mut record = [0; 16];
            while stdout.read_exact(&mut record).is_ok() {
                let length = u32::from_ne_bytes(record[8..12].try_into().unwrap());
                let mut frame = vec![0; length as usize];
                if stdout.read_exact(&mut frame).is_err() || sender.send(Packet::parse(&frame)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, packets, port })
    }

    /// Waits for the end of so many connections; returns the bytes from the port and to it.
    pub fn finish(self, connections: usize) -> (u64, u64) {
        let mut flows: BTreeMap<(u16, u16), Flow> = BTreeMap::new();
        while flows.values().filter(|flow| flow.is_complete()).count() < 2 * connections {
            let packet = self.packets.recv_timeout(PATIENCE).expect("both ends close every connection");
            flows.entry((packet.from, packet.to)).or_default().add(&packet);
        }
        let sum = |down: bool| {
            let ours = flows.iter().filter(|((from, _), _)| (*from == self.port) == down);
            ours.map(|(_, flow)| u64::from(flow.length.unwrap_or_default())).sum()
        };
        (sum(true), sum(false))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Packet {
    /// Ethernet, IPv4 (RFC 791, section 3.1), TCP (RFC 9293, section 3.1).
    fn parse(frame: &[u8]) -> Self {
        let u16_at = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!(u16_at(frame, 12), 0x0800, "IPv4");
        let ip = &frame[14..];
        let ip_header = usize::from(ip[0] & 15) * 4;
        let tcp = &ip[ip_header..];
        let tcp_header = usize::from(tcp[12] >> 4) * 4;
        Self {
            from: u16_at(tcp, 0),
            to: u16_at(tcp, 2),
            sequence: u32::from_be_bytes(tcp[4..8].try_into().unwrap()),
            payload: u32::from(u16_at(ip, 2)) - (ip_header + tcp_header) as u32,
            syn: tcp[13] & 2 != 0,
            fin: tcp[13] & 1 != 0,
        }
    }
}

impl Flow {
    fn add(&mut self, packet: &Packet) {
        if packet.syn {
            self.begins = Some(packet.sequence.wrapping_add(1));
            return;
        }
        let begins = self.begins.expect("every connection is seen from its beginning");
        // A probe of a quiet connection repeats the byte before.
        let offset = packet.sequence.wrapping_sub(begins);
        if packet.payload > 0 {
            let known = self.segments.entry(offset).or_default();
            *known = packet.payload.max(*known);
        }
        if packet.fin {
            self.length = Some(offset + packet.payload);
        }
    }

    /// Whether the end was seen, and every byte before it in some packet.
    fn is_complete(&self) -> bool {
        let seen =
            self.segments.iter().fold(
                0,
                |seen: u32, (&offset, &length)| {
                    if offset <= seen { seen.max(offset + length) } else { seen }
                },
            );
        self.length == Some(seen)
    }
}
