//! Coming to terms, byte by byte.

use proptest::prelude::*;

use crate::geometry::Size;
use crate::rfb::client::{AesBits, Handshake, HandshakeError, HandshakeEvent, Security, ServerInit};
use crate::rfb::{self, PixelFormat, Proof};
use crate::wire::{DecodeError, Reader};

type Fed = (Result<Option<HandshakeEvent>, HandshakeError>, Vec<u8>);

/// Feeds bytes one by one until something comes of them; says what was sent meanwhile.
fn feed(handshake: &mut Handshake, bytes: &[u8]) -> Fed {
    let (mut waiting, mut said) = (Vec::new(), handshake.take_output());
    let mut result = Ok(None);
    for byte in bytes {
        waiting.push(*byte);
        let mut r = Reader::new(&waiting);
        result = handshake.feed(&mut r);
        waiting = r.rest().to_vec();
        said.extend(handshake.take_output());
        if !matches!(result, Ok(None)) {
            break;
        }
    }
    (result, said)
}

/// The server's last words: a screen of 258 × 3.
fn init() -> Vec<u8> {
    let format = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    [&[1, 2, 0, 3][..], &format, &[0, 0, 0, 5], b"T\xfcr\n!"].concat()
}

fn is_in() -> HandshakeEvent {
    HandshakeEvent::Init(ServerInit { size: Size::new(258, 3), name: "Tür !".into() })
}

#[test]
fn nothing_to_prove_in_every_version() {
    for (version, said, types, chosen, result) in [
        (b"RFB 003.003\n", b"RFB 003.003\n", &[0, 0, 0, 1][..], &[][..], &[][..]),
        // Some say so, and mean 3.3 (7.1.1).
        (b"RFB 003.005\n", b"RFB 003.003\n", &[0, 0, 0, 1], &[], &[]),
        (b"RFB 003.007\n", b"RFB 003.007\n", &[1, 1], &[1], &[]),
        (b"RFB 003.008\n", b"RFB 003.008\n", &[3, 2, 99, 1], &[1], &[0, 0, 0, 0]),
        // Apple's, RealVNC's.
        (b"RFB 003.889\n", b"RFB 003.008\n", &[1, 1], &[1], &[0, 0, 0, 0]),
        (b"RFB 005.000\n", b"RFB 003.008\n", &[1, 1], &[1], &[0, 0, 0, 0]),
    ] {
        let mut handshake = Handshake::new(&[Security::None]);
        let bytes = [&version[..], types, result, &init()].concat();
        let (event, out) = feed(&mut handshake, &bytes);
        assert_eq!(event, Ok(Some(is_in())), "{version:?}");
        assert_eq!(out, [&said[..], chosen, &[1]].concat());
    }
}

#[test]
fn a_password_answers_a_challenge_in_every_version() {
    let known =
        [0x56, 0x45, 0xab, 0xeb, 0x5f, 0x1e, 0x64, 0x75, 0xe8, 0xfe, 0xb1, 0x1b, 0xeb, 0x66, 0xea, 0x19];
    for (version, types) in [("003.003", &[0, 0, 0, 2][..]), ("003.007", &[1, 2]), ("003.008", &[2, 1, 2])] {
        let mut handshake = Handshake::new(&Security::ALL);
        let before = [format!("RFB {version}\n").as_bytes(), types, b"0123456789abcdef"].concat();
        let (event, _) = feed(&mut handshake, &before);
        assert_eq!(event, Ok(Some(HandshakeEvent::Secret { user: false })), "{version}");
        assert!(!handshake.is_encrypted());
        handshake.authenticate("nobody", "password");
        assert_eq!(handshake.take_output(), known);
        let (event, out) = feed(&mut handshake, &[&[0; 4][..], &init()].concat());
        assert_eq!((event, out), (Ok(Some(is_in())), vec![1]));
    }
}

#[test]
fn the_best_way_is_taken_inside_tls() {
    for (offered, chosen, event) in [
        (&[258, 261, 2, 262, 260][..], 262u32, Some(HandshakeEvent::Secret { user: true })),
        (&[260, 261], 261, Some(HandshakeEvent::Secret { user: false })),
        (&[260, 1], 260, None),
    ] {
        let mut handshake = Handshake::new(&Security::ALL);
        let types: Vec<u8> = offered.iter().flat_map(|t: &u32| t.to_be_bytes()).collect();
        let bytes = [b"RFB 003.008\n\x02\x02\x13\0\x02\0", &[offered.len() as u8][..], &types, &[1]].concat();
        let (tls, out) = feed(&mut handshake, &bytes);
        assert_eq!(tls, Ok(Some(HandshakeEvent::Tls)));
        assert_eq!(out, [b"RFB 003.008\n\x13\0\x02", &chosen.to_be_bytes()[..]].concat());
        assert!(handshake.is_encrypted());
        let mut r = Reader::new(b"0123456789abcdef");
        let asked =
            if chosen == 261 { handshake.feed(&mut r) } else { handshake.feed(&mut Reader::new(&[])) };
        assert_eq!(asked, Ok(event));
        if chosen == 262 {
            handshake.authenticate("me", "see");
            assert_eq!(handshake.take_output(), b"\0\0\0\x02\0\0\0\x03mesee");
        }
    }
    // Without TLS at will, what is plain is left.
    let mut handshake = Handshake::new(&[Security::VncAuth, Security::None]);
    let (event, out) = feed(&mut handshake, b"RFB 003.008\n\x02\x13\x01");
    assert_eq!((event, out), (Ok(None), b"RFB 003.008\n\x01".to_vec()));
}

#[test]
fn rsa_aes_seals_a_password_and_perhaps_the_rest() {
    for (types, chosen, bits, all) in [
        (&b"\x04\x02\x05\x81\x06"[..], 129, AesBits::Aes256, true),
        (b"\x03\x02\x06\x05", 5, AesBits::Aes128, true),
        (b"\x03\x02\x06\x82", 130, AesBits::Aes256, false),
        (b"\x02\x02\x06", 6, AesBits::Aes128, false),
    ] {
        for (subtype, user, secret) in [(1, true, &b"\x02me\x03see"[..]), (2, false, b"\0\x03see")] {
            let mut handshake = Handshake::new(&Security::ALL);
            let (event, out) = feed(&mut handshake, &[b"RFB 003.008\n", types].concat());
            assert_eq!(event, Ok(Some(HandshakeEvent::RsaAes { bits, all })), "{types:?}");
            assert_eq!(out, [b"RFB 003.008\n", &[chosen][..]].concat());
            assert_eq!(handshake.is_encrypted(), all);
            let (event, _) = feed(&mut handshake, &[subtype]);
            assert_eq!(event, Ok(Some(HandshakeEvent::Secret { user })));
            handshake.authenticate("me", "see");
            assert_eq!(handshake.take_output(), secret);
            if !all {
                assert_eq!(handshake.feed(&mut Reader::new(&[])), Ok(Some(HandshakeEvent::Clear)));
            }
            let (event, out) = feed(&mut handshake, &[&[0; 4][..], &init()].concat());
            assert_eq!((event, out), (Ok(Some(is_in())), vec![1]));
        }
    }
    // Inside VeNCrypt nothing acknowledges it.
    let mut handshake = Handshake::new(&[Security::X509Plain, Security::Ra2]);
    let (event, out) = feed(&mut handshake, b"RFB 003.008\n\x01\x13\0\x02\0\x02\0\0\x01\x01\0\0\0\x05");
    assert_eq!(event, Ok(Some(HandshakeEvent::RsaAes { bits: AesBits::Aes128, all: true })));
    assert_eq!(out, b"RFB 003.008\n\x13\0\x02\0\0\0\x05");
    let (error, _) = feed(&mut handshake, &[3]);
    assert_eq!(error, Err(DecodeError::Unknown { what: "RSA-AES subtype", value: 3 }.into()));
    // Lengths are one byte: what is too long is cut, between two letters.
    let mut handshake = Handshake::new(&[Security::Ra2]);
    feed(&mut handshake, b"RFB 003.008\n\x01\x05").0.unwrap();
    feed(&mut handshake, &[1]).0.unwrap();
    handshake.authenticate(&"n".repeat(256), &"ß".repeat(128));
    let out = handshake.take_output();
    assert_eq!((out[0], out[256], out.len()), (255, 254, 2 + 255 + 254));
}

#[test]
fn refusals_say_why() {
    let refused = |bytes: &[u8]| feed(&mut Handshake::new(&Security::ALL), bytes).0.expect_err("refused");
    let reason = |error: HandshakeError| match error {
        HandshakeError::Refused { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(refused(b"RFB 003.008\n\0\0\0\0\x04away")), "away");
    assert_eq!(reason(refused(b"RFB 003.003\n\0\0\0\0\0\0\0\x06a\x1b[31m")), "a [31m");
    for bytes in [&b"SSH-2.0-Open"[..], b"RFB 00x.008\n", b"RFB 003.008\r", b"RFB 002.000\n"] {
        assert_eq!(refused(bytes), HandshakeError::NotRfb);
    }
    let text = refused(b"RFB 003.008\n\x03\x14\x12\x1e").to_string();
    assert!(text.contains("SASL, TLS, Apple's Diffie-Hellman") && text.contains("X509Plain"), "{text}");
    let text = refused(b"RFB 003.008\n\x01\x13\0\x02\0\x02\0\0\x01\x01\0\0\x01\x02").to_string();
    assert!(text.contains("TLSNone, TLSVnc, of which none"), "{text}");
    let text = refused(b"RFB 003.008\n\x01\x13\0\x02\0\0").to_string();
    assert!(text.contains("offers nothing"), "{text}");
    let error = refused(b"RFB 003.008\n\0\0\0\x10\x01");
    assert_eq!(error, DecodeError::TooLarge { what: "server's reason" }.into());
    // A screen of no size, and one of four gigapixels.
    for (size, error) in [
        (&[0, 0, 0, 9], DecodeError::Invalid { what: "screen without pixels" }),
        (&[255, 255, 255, 255], DecodeError::TooLarge { what: "RFB screen" }),
    ] {
        let bytes = [&b"RFB 003.008\n\x01\x01\0\0\0\0"[..], size].concat();
        assert_eq!(refused(&bytes), error.into());
    }
}

#[test]
fn wrong_passwords_are_told_as_each_version_can() {
    for (version, types, result, want) in [
        ("003.003", &[0, 0, 0, 2][..], &b"\0\0\0\x01"[..], "does not take this password"),
        ("003.007", &[1, 2], b"\0\0\0\x02", "too many"),
        ("003.008", &[1, 2], b"\0\0\0\x01\0\0\0\x04nope", "nope"),
        ("003.008", &[1, 2], b"\0\0\0\x01\0\0\0\0", "does not take this password"),
    ] {
        let mut handshake = Handshake::new(&Security::ALL);
        let before = [format!("RFB {version}\n").as_bytes(), types, b"0123456789abcdef"].concat();
        feed(&mut handshake, &before).0.unwrap();
        handshake.authenticate("", "x");
        handshake.take_output();
        let error = feed(&mut handshake, result).0.expect_err("denied");
        assert!(matches!(&error, HandshakeError::Denied { reason } if reason.contains(want)), "{error:?}");
    }
}

#[test]
fn the_two_sides_understand_each_other() {
    use rfb::Security as Offered;
    for (offered, user) in [
        (Offered::None, None),
        (Offered::X509None, None),
        (Offered::X509Plain, Some(true)),
        (Offered::Ra2, Some(false)),
        (Offered::Ra2ne, Some(false)),
        (Offered::Ra2_256, Some(false)),
        (Offered::Ra2ne_256, Some(false)),
    ] {
        let (mut server, mut client) =
            (rfb::Handshake::new(&[offered], [7; 16]), Handshake::new(&Security::ALL));
        let (mut up, mut down) = (Vec::new(), Vec::new());
        let (mut asked, mut came) = (None, None);
        while came.is_none() {
            down.extend(server.take_output());
            let mut r = Reader::new(&down);
            match client.feed(&mut r).expect("the server is understood") {
                Some(HandshakeEvent::Secret { user }) => {
                    asked = Some(user);
                    client.authenticate("me", "ticket");
                }
                Some(HandshakeEvent::Init(init)) => came = Some(init),
                _ => {}
            }
            down = r.rest().to_vec();
            up.extend(client.take_output());
            let mut r = Reader::new(&up);
            match server.feed(&mut r).expect("the client is understood") {
                Some(rfb::HandshakeEvent::Proof(proof)) => {
                    assert_eq!(matches!(proof, Proof::Plain { .. }), user.is_some());
                    server.accept(&proof);
                }
                Some(rfb::HandshakeEvent::Init { shared }) => {
                    assert!(shared);
                    server.init(Size::new(9, 8), &PixelFormat::NATIVE, "desk");
                }
                _ => {}
            }
            up = r.rest().to_vec();
        }
        assert_eq!((asked, came), (user, Some(ServerInit { size: Size::new(9, 8), name: "desk".into() })));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_server_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..200) {
        for start in [&b""[..], b"RFB 003.003\n", b"RFB 003.008\n\x01\x13\0\x02\0", b"RFB 003.008\n\x01\x02", b"RFB 003.008\n\x01\x06"] {
            let all = [start, &bytes].concat();
            let mut handshake = Handshake::new(&Security::ALL);
            let (event, _) = feed(&mut handshake, &all[..cut.min(all.len())]);
            if matches!(event, Ok(Some(HandshakeEvent::Secret { .. }))) {
                handshake.authenticate("me", "secret");
            }
            let _ = feed(&mut handshake, &all[cut.min(all.len())..]);
        }
    }
}

#[test]
fn a_hundred_types_are_not_read_out() {
    let types: Vec<u8> = (100..=255).filter(|number| !(129..=130).contains(number)).collect();
    let bytes = [b"RFB 003.008\n", &[types.len() as u8][..], &types].concat();
    let error = feed(&mut Handshake::new(&Security::ALL), &bytes).0.expect_err("refused").to_string();
    assert!(error.contains("type 100, ") && error.contains("142 more") && error.len() < 500, "{error}");
}
