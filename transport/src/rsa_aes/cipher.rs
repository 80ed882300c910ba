//! Messages sealed with AES-EAX, each under its own number.
//!
//! | bytes | field  | meaning                                         |
//! |-------|--------|-------------------------------------------------|
//! | 2     | length | of the text, big endian; authenticated, in the clear |
//! | …     | text   | encrypted                                       |
//! | 16    | tag    | of number, length and text                      |

use aes::{Aes128, Aes256};
use eax::{AeadInOut, Eax, KeyInit};
use panto_protocol::rfb::AesBits;

/// Bytes in front of a message's text.
pub const HEADER: usize = 2;

/// Bytes behind it.
pub const TAG: usize = 16;

/// A message that was sealed with another key, comes out of turn or was changed on its way.
#[derive(Debug, PartialEq, Eq)]
pub struct NotSealedHere;

/// One direction of a connection.
pub struct Cipher {
    eax: Kind,
    /// Messages so far; as 16 bytes, little endian, the nonce of the next one.
    number: u128,
}

enum Kind {
    Aes128(Eax<Aes128>),
    Aes256(Eax<Aes256>),
}

impl Cipher {
    /// With the first bytes of a digest as the key, as many as it takes.
    pub fn new(bits: AesBits, digest: &[u8; 32]) -> Self {
        let eax = match bits {
            AesBits::Aes128 => {
                let key = digest.first_chunk::<16>().expect("16 of 32 bytes");
                Kind::Aes128(Eax::new(key.into()))
            }
            AesBits::Aes256 => Kind::Aes256(Eax::new(digest.into())),
        };
        Self { eax, number: 0 }
    }

    /// Appends a message with this text, of at most 65,535 bytes; of more pieces than one where they lie apart.
    pub fn seal<'a>(&mut self, text: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
        let start = out.len() + HEADER;
        out.extend([0; HEADER]);
        text.for_each(|piece| out.extend_from_slice(piece));
        let length = u16::try_from(out.len() - start).expect("no more than fits").to_be_bytes();
        out[start - HEADER..start].copy_from_slice(&length);
        let (nonce, text) = (self.number.to_le_bytes(), &mut out[start..]);
        let sealed = match &self.eax {
            Kind::Aes128(eax) => eax.encrypt_inout_detached((&nonce).into(), &length, text.into()),
            Kind::Aes256(eax) => eax.encrypt_inout_detached((&nonce).into(), &length, text.into()),
        };
        out.extend_from_slice(&sealed.expect("64 KiB are less than EAX takes"));
        self.number += 1;
    }

    /// Decrypts the next message's text in place.
    ///
    /// # Errors
    ///
    /// The text is as it was, and nothing that comes later can be right either.
    pub fn open(
        &mut self,
        length: [u8; HEADER],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), NotSealedHere> {
        let nonce = self.number.to_le_bytes();
        let opened = match &self.eax {
            Kind::Aes128(eax) => {
                eax.decrypt_inout_detached((&nonce).into(), &length, text.into(), tag.into())
            }
            Kind::Aes256(eax) => {
                eax.decrypt_inout_detached((&nonce).into(), &length, text.into(), tag.into())
            }
        };
        opened.map_err(|_| NotSealedHere)?;
        self.number += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// What noVNC's AES-EAX (core/crypto/aes.js) makes in Node of texts `0xa0 ^ 7·i` under keys 1, 2, 3, …, with
    /// the nonces of its core/ra2.js: the keys' bits, a message's number, its length, the message.
    const KNOWN: [(AesBits, u128, u8, &str); 10] = [
        (AesBits::Aes128, 0, 1, "00017af8f37474edb91e8b3a0d624001521c4d"),
        (AesBits::Aes128, 1, 0, "0000a314e8d22cf714da48b312b2c1dbba82"),
        (AesBits::Aes128, 2, 16, "0010d08578fd4e3e4529cdfdb9bab63ba85e7b5f329ca7fad130df7809e8d555d723"),
        (
            AesBits::Aes128,
            3,
            20,
            "00148d3981da63d2ada5fa294f587a9c5167f7979f495150d17e2277b773e3fde5906e1f003b",
        ),
        (
            AesBits::Aes128,
            4,
            37,
            "00256c790c907f41b027537bb217f2e79a5da8ec1dc5c1730cfaeaa32cfc036afadb8af16a20da9b4ba73a127727a05b\
             8077937217c0f1",
        ),
        (AesBits::Aes256, 0, 1, "00017c6d091d04b983300958e031cff6026e94"),
        (AesBits::Aes256, 1, 0, "000093e320ab454605fd819ff6f8a06c0cbb"),
        (AesBits::Aes256, 2, 16, "0010cadf668de9e22382368bf1238a273f321a3fd4a2bcfde31ccf9ada958559b4e9"),
        (
            AesBits::Aes256,
            3,
            20,
            "00144cfc7784568a906643d6389ce49b53e1ef67ab422ffe084e3d9b7abed29865ddda115461",
        ),
        (
            AesBits::Aes256,
            4,
            37,
            "002599441ad0b832a38e4d28451c88d65db1055f96180c9060ca6014633ec206f5ce28b7e9a919662aff4f77ae91dd38\
             c338d398f1d9fc",
        ),
    ];

    /// Of `RFB`, as the 257th message: what carries into the number's second byte.
    const CARRIED: [(AesBits, &str); 2] = [
        (AesBits::Aes128, "00030547e67294bf1bc55026e7bf8dbf055c967a8d"),
        (AesBits::Aes256, "000306c08980c9c95e3d31b0a3e7f8bed277158237"),
    ];

    fn cipher(bits: AesBits) -> Cipher {
        Cipher::new(bits, &std::array::from_fn(|i| i as u8 + 1))
    }

    fn text(length: u8) -> Vec<u8> {
        (0..length).map(|i| 0xa0 ^ i.wrapping_mul(7)).collect()
    }

    fn open(cipher: &mut Cipher, message: &[u8]) -> Result<Vec<u8>, NotSealedHere> {
        let (length, rest) = message.split_first_chunk().unwrap();
        let (text, tag) = rest.split_last_chunk().unwrap();
        let mut text = text.to_vec();
        cipher.open(*length, &mut text, tag).map(|()| text)
    }

    #[test]
    fn seals_and_opens_as_novnc_does() {
        for bits in [AesBits::Aes128, AesBits::Aes256] {
            let (mut to, mut from) = (cipher(bits), cipher(bits));
            for (_, number, length, known) in KNOWN.into_iter().filter(|known| known.0 == bits) {
                assert_eq!((to.number, from.number), (number, number));
                let (known, text) = (HEXLOWER.decode(known.as_bytes()).unwrap(), text(length));
                let mut out = b"before".to_vec();
                // In one piece or in two.
                to.seal(text.chunks(11), &mut out);
                assert_eq!(out, [b"before", &known[..]].concat(), "{bits:?} {number}");
                assert_eq!(open(&mut from, &known), Ok(text));
            }
        }
        for (bits, known) in CARRIED {
            let mut to = cipher(bits);
            let mut out = Vec::new();
            for _ in 0..257 {
                out.clear();
                to.seal([&b"RFB"[..]].into_iter(), &mut out);
            }
            assert_eq!(HEXLOWER.encode(&out), known);
        }
    }

    #[test]
    fn every_changed_bit_is_noticed_and_so_is_every_change_of_order() {
        for bits in [AesBits::Aes128, AesBits::Aes256] {
            let mut to = cipher(bits);
            let [mut first, mut second] = [Vec::new(), Vec::new()];
            to.seal([&b"first"[..]].into_iter(), &mut first);
            to.seal([&b"other"[..]].into_iter(), &mut second);
            let mut from = cipher(bits);
            assert_eq!(open(&mut from, &second), Err(NotSealedHere));
            for at in 0..8 * first.len() {
                let mut changed = first.clone();
                changed[at / 8] ^= 1 << (at % 8);
                assert_eq!(open(&mut from, &changed), Err(NotSealedHere), "bit {at}");
            }
            assert_eq!(open(&mut from, &first).unwrap(), b"first");
            assert_eq!(open(&mut from, &first), Err(NotSealedHere));
            assert_eq!(open(&mut from, &second).unwrap(), b"other");
        }
    }
}
