//! The handshake and its messages, byte by byte.

use proptest::prelude::*;

use super::*;
use crate::geometry::{Rect, Size};
use crate::wire::{DecodeError, Reader, Writer};

/// Feeds bytes one by one, and returns what came of them and what was said meanwhile.
fn feed(
    handshake: &mut Handshake,
    bytes: &[u8],
) -> (Result<Option<HandshakeEvent>, HandshakeError>, Vec<u8>) {
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

const HELLO: &[u8; 12] = b"RFB 003.008\n";

#[test]
fn nobody_proves_anything_on_this_machine() {
    for (version, chosen, types, result) in [
        (b"RFB 003.008\n", &[1][..], &[1, 1][..], &[0, 0, 0, 0][..]),
        (b"RFB 003.007\n", &[1], &[1, 1], &[]),
        (b"RFB 003.003\n", &[], &[0, 0, 0, 1], &[]),
        // Some say so, and mean 3.3 (7.1.1).
        (b"RFB 003.005\n", &[], &[0, 0, 0, 1], &[]),
        (b"RFB 004.001\n", &[1], &[1, 1], &[0, 0, 0, 0]),
    ] {
        let mut handshake = Handshake::new(&[Security::None], [7; 16]);
        let (event, said) = feed(&mut handshake, &[&version[..], chosen].concat());
        assert_eq!(event, Ok(Some(HandshakeEvent::Proof(Proof::None))));
        assert_eq!(said, [&HELLO[..], types].concat());
        handshake.accept(&Proof::None);
        assert_eq!(handshake.take_output(), result);
        assert_eq!(feed(&mut handshake, &[1]).0, Ok(Some(HandshakeEvent::Init { shared: true })));
        handshake.init(Size::new(258, 3), &PixelFormat::NATIVE, "Tür");
        let native = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
        let name = [&[0, 0, 0, 4][..], "Tür".as_bytes()].concat();
        assert_eq!(handshake.take_output(), [&[1, 2, 0, 3][..], &native, &name].concat());
    }
}

#[test]
fn a_password_inside_tls() {
    let offered = [Security::X509Plain];
    let mut handshake = Handshake::new(&offered, [7; 16]);
    let chosen = [&HELLO[..], &[19, 0, 2, 0, 0, 1, 6]].concat();
    let (event, said) = feed(&mut handshake, &chosen);
    assert_eq!(event, Ok(Some(HandshakeEvent::Tls)));
    assert_eq!(said, [&HELLO[..], &[1, 19], &[0, 2], &[0, 1, 0, 0, 1, 6], &[1]].concat());
    let inside = [&[0, 0, 0, 2, 0, 0, 0, 3][..], b"mesee"].concat();
    let (event, said) = feed(&mut handshake, &inside);
    let proof = Proof::Plain { user: b"me".into(), password: b"see".into() };
    assert_eq!((format!("{proof:?}").as_str(), said.as_slice()), ("Plain", &[][..]));
    assert_eq!(event, Ok(Some(HandshakeEvent::Proof(proof))));
    handshake.refuse("no");
    assert_eq!(handshake.take_output(), [0, 0, 0, 1, 0, 0, 0, 2, b'n', b'o']);
}

#[test]
fn a_password_in_a_stream_that_is_encrypted_already() {
    let mut handshake = Handshake::new(&[Security::Plain], [7; 16]);
    let chosen = [&HELLO[..], &[19, 0, 2, 0, 0, 1, 0]].concat();
    let inside = [&[0, 0, 0, 0, 0, 0, 0, 3][..], b"see"].concat();
    let (event, said) = feed(&mut handshake, &[chosen, inside].concat());
    let proof = Proof::Plain { user: Vec::new(), password: b"see".into() };
    assert_eq!(event, Ok(Some(HandshakeEvent::Proof(proof))));
    assert_eq!(said, [&HELLO[..], &[1, 19], &[0, 2], &[0, 1, 0, 0, 1, 0]].concat());
}

#[test]
fn a_password_sealed_by_rsa_aes() {
    let all = [Security::Ra2_256, Security::Ra2, Security::Ra2ne_256, Security::Ra2ne];
    for (offered, number, bits, ends) in [
        (Security::Ra2, 5, AesBits::Aes128, false),
        (Security::Ra2ne, 6, AesBits::Aes128, true),
        (Security::Ra2_256, 129, AesBits::Aes256, false),
        (Security::Ra2ne_256, 130, AesBits::Aes256, true),
    ] {
        // By itself, and inside VeNCrypt, which has the same numbers.
        for (offered, chosen, said_before) in [
            (vec![offered], vec![number], vec![1, number]),
            (all.to_vec(), vec![number], vec![4, 129, 5, 130, 6]),
            (
                vec![Security::X509Plain, offered],
                vec![19, 0, 2, 0, 0, 0, number],
                vec![2, 19, number, 0, 2, 0, 2, 0, 0, 1, 6, 0, 0, 0, number],
            ),
        ] {
            let mut handshake = Handshake::new(&offered, [7; 16]);
            let (event, said) = feed(&mut handshake, &[&HELLO[..], &chosen].concat());
            assert_eq!(event, Ok(Some(HandshakeEvent::RsaAes { bits })), "{offered:?}");
            assert_eq!(said, [&HELLO[..], &said_before].concat());
            // A password, whatever the name.
            assert_eq!(handshake.feed(&mut Reader::new(&[])), Ok(None));
            assert_eq!(handshake.take_output(), [2]);
            let (event, said) = feed(&mut handshake, b"\x02me\x03see");
            assert_eq!(said, []);
            let proof = if ends {
                assert_eq!(event, Ok(Some(HandshakeEvent::Clear)));
                handshake.feed(&mut Reader::new(&[]))
            } else {
                event
            };
            let expected = Proof::Plain { user: b"me".into(), password: b"see".into() };
            assert_eq!(proof, Ok(Some(HandshakeEvent::Proof(expected))));
            handshake.accept(&Proof::Plain { user: Vec::new(), password: Vec::new() });
            assert_eq!(handshake.take_output(), [0; 4]);
        }
    }
    // What is not offered is not had, inside VeNCrypt neither.
    for chosen in [&[6][..], &[19, 0, 2, 0, 0, 0, 6]] {
        let mut handshake = Handshake::new(&[Security::X509Plain, Security::Ra2], [7; 16]);
        let (result, _) = feed(&mut handshake, &[&HELLO[..], chosen].concat());
        assert_eq!(result, Err(HandshakeError::NotOffered));
    }
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let refused = |offered: &[Security], bytes: &[u8]| {
        let (result, said) = feed(&mut Handshake::new(offered, [7; 16]), bytes);
        (result.expect_err("refused"), said)
    };
    let (error, said) = refused(&[Security::X509Plain], b"RFB 003.003\n");
    assert_eq!(error, HandshakeError::TooOld);
    assert!(said[12..16] == [0; 4] && String::from_utf8_lossy(&said).contains("3.3"), "{said:?}");
    let (error, said) = refused(&[Security::None], b"RFB 003.008\n\x10");
    assert_eq!(error, HandshakeError::NotOffered);
    assert!(String::from_utf8_lossy(&said).contains("not offered"), "{said:?}");
    for bytes in [&b"GET / HTTP/1.1\r\n"[..], b"RFB 00x.008\n", b"RFB 003.008\r", b"RFB 003,008\n"] {
        assert_eq!(refused(&[Security::None], bytes).0, HandshakeError::NotRfb);
    }
    let none = [&HELLO[..], &[19, 0, 2, 0, 0, 0, 1]].concat();
    assert_eq!(refused(&[Security::X509Plain], &none).0, HandshakeError::NotOffered);
    let long = [&HELLO[..], &[19, 0, 2, 0, 0, 1, 6]].concat();
    let mut handshake = Handshake::new(&[Security::X509Plain], [7; 16]);
    feed(&mut handshake, &long).0.unwrap();
    let error = feed(&mut handshake, &[0, 0, 4, 1, 0, 0, 0, 0]).0.expect_err("too long");
    assert_eq!(error, DecodeError::TooLarge { what: "name or password" }.into());
}

#[test]
fn formats_that_cannot_be_are_refused() {
    let decode = |bytes: [u8; 16]| PixelFormat::decode(&mut Reader::new(&bytes));
    let native = [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];
    assert_eq!(decode(native), Ok(PixelFormat::NATIVE));
    for (at, value) in [(0, 24), (0, 0), (0, 8), (1, 33), (5, 254), (5, 0), (10, 25), (10, 255)] {
        let mut bytes = native;
        bytes[at] = value;
        assert!(decode(bytes).is_err(), "byte {at} is {value}");
    }
}

#[test]
fn values_and_colours() {
    let of = |max, shift| PixelFormat {
        bits_per_pixel: 16,
        depth: 16,
        big_endian: false,
        true_color: Some(TrueColor { max, shift }),
    };
    let format = of([31, 63, 31], [11, 5, 0]);
    assert_eq!(format.value(0x00ff_8000), 31 << 11 | 32 << 5);
    assert_eq!(format.color(31 << 11 | 32 << 5, &[]), 0x00ff_8200);
    // 16 bits of each, as nobody has them.
    let wide = PixelFormat { bits_per_pixel: 32, depth: 32, ..of([u16::MAX, 255, 255], [16, 8, 0]) };
    assert_eq!(wide.value(0x00ff_0000), 0xffff_0000);
    assert_eq!(wide.color(0xffff_0000, &[]), 0x00ff_0000);
    let map = color_map();
    let mapped = PixelFormat { bits_per_pixel: 8, depth: 8, big_endian: false, true_color: None };
    assert_eq!(map.len(), 256);
    for (n, color) in map.iter().take(216).enumerate() {
        assert_eq!((mapped.value(*color), mapped.color(n as u32, &map)), (n as u32, *color));
    }
}

fn messages() -> impl Strategy<Value = ClientMessage> {
    let rect = (any::<u16>(), any::<u16>(), any::<u16>(), any::<u16>())
        .prop_map(|(x, y, w, h)| Rect::new(x.into(), y.into(), w.into(), h.into()));
    let screen =
        (any::<u32>(), rect.clone(), any::<u32>()).prop_map(|(id, rect, flags)| Screen { id, rect, flags });
    prop_oneof![
        Just(ClientMessage::SetPixelFormat(PixelFormat::NATIVE)),
        prop::collection::vec(any::<i32>().prop_map(EncodingId), 0..40).prop_map(ClientMessage::SetEncodings),
        (any::<bool>(), rect.clone())
            .prop_map(|(incremental, rect)| ClientMessage::UpdateRequest { incremental, rect }),
        (any::<bool>(), any::<u32>()).prop_map(|(down, keysym)| ClientMessage::Key { down, keysym }),
        (any::<u8>(), any::<u16>(), any::<u16>()).prop_map(|(buttons, x, y)| ClientMessage::Pointer {
            buttons,
            x,
            y
        }),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(ClientMessage::CutText),
        (any::<bool>(), rect).prop_map(|(enable, rect)| ClientMessage::ContinuousUpdates { enable, rect }),
        (any::<u32>(), prop::collection::vec(any::<u8>(), 0..=64))
            .prop_map(|(flags, payload)| ClientMessage::Fence(Fence { flags, payload })),
        (any::<u16>(), any::<u16>(), prop::collection::vec(screen, 0..4)).prop_map(|(w, h, screens)| {
            ClientMessage::SetDesktopSize { size: Size::new(w.into(), h.into()), screens }
        }),
        (any::<bool>(), any::<u32>(), any::<u32>())
            .prop_map(|(down, keysym, code)| ClientMessage::ExtendedKey { down, keysym, code }),
    ]
}

proptest! {
    #[test]
    fn messages_come_as_they_went(message in messages()) {
        let mut w = Writer::default();
        message.encode(&mut w);
        let bytes = w.finish();
        let mut r = Reader::new(&bytes);
        prop_assert_eq!(ClientMessage::decode(&mut r), Ok(message));
        prop_assert!(r.rest().is_empty());
        for end in 0..bytes.len() {
            let cut = ClientMessage::decode(&mut Reader::new(&bytes[..end]));
            prop_assert!(matches!(cut, Err(DecodeError::TooShort { .. })), "{} bytes: {:?}", end, cut);
        }
    }

    #[test]
    fn any_bytes_are_messages_or_errors(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut r = Reader::new(&bytes);
        while ClientMessage::decode(&mut r).is_ok() {}
        for offered in
            [&[Security::None][..], &[Security::X509Plain, Security::Ra2ne], &[Security::Plain], &[]]
        {
            let mut handshake = Handshake::new(offered, [7; 16]);
            let _ = feed(&mut handshake, &[&HELLO[..], &bytes].concat());
            let _ = feed(&mut Handshake::new(offered, [7; 16]), &bytes);
        }
    }
}

#[test]
fn a_challenge_is_answered_with_a_password_of_eight_bytes() {
    let answered = |password: &[u8]| vnc_auth::answer(password, [7; 16]);
    let challenge = [7; 16];
    for (version, chosen, said_before) in [
        (&b"RFB 003.008\n"[..], &[2][..], &[1, 2][..]),
        (b"RFB 003.007\n", &[2], &[1, 2]),
        (b"RFB 003.003\n", &[], &[0, 0, 0, 2]),
    ] {
        let mut handshake = Handshake::new(&[Security::VncAuth], challenge);
        let (event, said) = feed(&mut handshake, &[version, chosen, &answered(b"secret")].concat());
        let Ok(Some(HandshakeEvent::Proof(proof))) = event else { panic!("{event:?}") };
        assert_eq!(said, [&HELLO[..], said_before, &challenge].concat());
        assert!(proof.is_answer(b"secret") && !proof.is_answer(b"Secret") && !proof.is_answer(b""));
        // A result comes in every version, as there was something to be proved.
        handshake.accept(&proof);
        assert_eq!(handshake.take_output(), [0; 4]);
    }
    // Inside TLS the same.
    let mut handshake = Handshake::new(&[Security::X509Vnc], challenge);
    let (event, _) = feed(&mut handshake, &[&HELLO[..], &[19, 0, 2, 0, 0, 1, 5]].concat());
    assert_eq!(event, Ok(Some(HandshakeEvent::Tls)));
    assert_eq!(feed(&mut handshake, &[]).0, Ok(None));
    assert_eq!(handshake.feed(&mut Reader::new(&[])), Ok(None));
    assert_eq!(handshake.take_output(), challenge);
    let (event, _) = feed(&mut handshake, &answered(b"secret"));
    assert!(matches!(event, Ok(Some(HandshakeEvent::Proof(Proof::Answer { .. })))), "{event:?}");
}
