//! VNC authentication (7.2.2): the server's challenge, encrypted with the password.

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};

/// Bytes of the challenge, and of the answer.
pub(super) const CHALLENGE: usize = 16;

/// The answer. Of the password the first eight bytes count.
///
/// DES is what the protocol has; whoever listens can try passwords until one fits.
pub(super) fn answer(password: &[u8], challenge: [u8; CHALLENGE]) -> [u8; CHALLENGE] {
    let mut key = [0; 8];
    for (to, from) in key.iter_mut().zip(password) {
        // The lowest bit is the first one here, and the highest its parity.
        *to = from.reverse_bits();
    }
    let des = Des::new(&key.into());
    let mut answer = [0; CHALLENGE];
    for (to, from) in answer.as_chunks_mut::<8>().0.iter_mut().zip(challenge.as_chunks::<8>().0) {
        let mut block = (*from).into();
        des.encrypt_block(&mut block);
        *to = block.into();
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_other_viewers() {
        // printf 0123456789abcdef | openssl enc -des-ecb -nopad -K 0e86ceceeef64e26
        let challenge = *b"0123456789abcdef";
        let known =
            [0x56, 0x45, 0xab, 0xeb, 0x5f, 0x1e, 0x64, 0x75, 0xe8, 0xfe, 0xb1, 0x1b, 0xeb, 0x66, 0xea, 0x19];
        assert_eq!(answer(b"password", challenge), known);
        assert_eq!(answer(b"secret", challenge), answer(b"secret\0\0", challenge));
        assert_eq!(answer(b"password", challenge), answer(b"password and more", challenge));
        assert_ne!(answer(b"secret", challenge), answer(b"Secret", challenge));
    }
}
