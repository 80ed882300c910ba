//! RSA keys as RSA-AES sends them.
//!
//! | bytes | field    | meaning                                          |
//! |-------|----------|--------------------------------------------------|
//! | 4     | bits     | length of the key, big endian                    |
//! | n     | modulus  | big endian, `n` being `bits` in bytes, rounded up |
//! | n     | exponent | likewise                                         |

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::KeyPair as _;
use zeroize::Zeroizing;

use super::RsaAesError;
use crate::files::random;
use crate::{Fingerprint, FingerprintKind};

/// Bits of a peer's key. Fewer can be broken, and are not encrypted with by the library; more cost too
/// much for a stranger.
pub const MIN_BITS: u32 = 2048;
pub const MAX_BITS: u32 = 8192;

/// Bytes in front of modulus and exponent.
pub const HEADER: usize = 4;

/// A key that anybody may know.
pub struct PublicKey {
    key: Pkcs1PublicEncryptingKey,
    bytes: Vec<u8>,
    fingerprint: [u8; 32],
}

impl PublicKey {
    /// Bytes of a number modulo a key whose header this is.
    ///
    /// # Errors
    ///
    /// [`RsaAesError::KeySize`].
    pub fn size(header: [u8; HEADER]) -> Result<usize, RsaAesError> {
        let bits = u32::from_be_bytes(header);
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err(RsaAesError::KeySize { bits });
        }
        Ok(bits.div_ceil(8) as usize)
    }

    /// From what a peer has sent. That the numbers make a key turns out when something is encrypted.
    ///
    /// # Errors
    ///
    /// [`RsaAesError::KeySize`], and [`RsaAesError::PeerKey`] if they cannot.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, RsaAesError> {
        let (header, numbers) = bytes.split_first_chunk().ok_or(RsaAesError::PeerKey)?;
        let size = Self::size(*header)?;
        if numbers.len() != 2 * size {
            return Err(RsaAesError::PeerKey);
        }
        let (n, e) = numbers.split_at(size);
        let [n, e] = [n, e].map(|number| &number[number.iter().take_while(|byte| **byte == 0).count()..]);
        let key: PublicEncryptingKey =
            PublicKeyComponents { n, e }.try_into().map_err(|_| RsaAesError::PeerKey)?;
        let spki = key.as_der().map_err(|_| RsaAesError::PeerKey)?;
        let fingerprint = *Fingerprint::of_spki(spki.as_ref()).as_bytes();
        let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| RsaAesError::PeerKey)?;
        if key.key_size_bytes() != size {
            return Err(RsaAesError::PeerKey);
        }
        Ok(Self { key, bytes, fingerprint })
    }

    /// As it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of what is encrypted with it.
    pub fn modulus_bytes(&self) -> usize {
        self.key.ciphertext_size()
    }

    /// What other makers' viewers show of it: the first eight bytes of the SHA-1 of what is sent.
    pub fn signature(&self) -> String {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.bytes);
        digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join("-")
    }

    /// What it is known by: SHA-256 of its SubjectPublicKeyInfo, as of a certificate's key.
    pub fn fingerprint(&self, kind: FingerprintKind) -> Fingerprint {
        Fingerprint::from_digest(self.fingerprint).of_kind(kind)
    }

    /// What only the holder of the private key can read (PKCS #1 v1.5), as long as the modulus.
    ///
    /// # Errors
    ///
    /// [`RsaAesError::PeerKey`] if its numbers are none of RSA.
    pub fn encrypt(&self, random: &[u8]) -> Result<Vec<u8>, RsaAesError> {
        let mut out = vec![0; self.key.ciphertext_size()];
        let size = self.key.encrypt(random, &mut out).map_err(|_| RsaAesError::PeerKey)?.len();
        out.truncate(size);
        Ok(out)
    }
}

/// A key, and what anybody may know of it.
pub struct PrivateKey {
    key: Pkcs1PrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// One of 2048 bits that nobody has had before, and the same in PKCS #8. Takes some tenths of a second.
    pub fn generate() -> Result<(Self, Pkcs8V1Der<'static>), RsaAesError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| RsaAesError::Generate)?;
        let der = pair.as_der().map_err(|_| RsaAesError::Generate)?;
        let key = Self::from_pkcs8(der.as_ref()).ok_or(RsaAesError::Generate)?;
        Ok((key, der))
    }

    /// One that was kept; `None` if this is none of at least 2048 bits.
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(der).ok()?;
        let size = pair.public_modulus_len();
        let [n, e] = [pair.public_key().modulus(), pair.public_key().exponent()].map(|number| {
            let number = number.big_endian_without_leading_zero();
            [&vec![0; size.saturating_sub(number.len())][..], number].concat()
        });
        let bits = PrivateDecryptingKey::from_pkcs8(der).ok()?;
        let header = u32::try_from(bits.key_size_bits()).ok()?.to_be_bytes();
        let public = PublicKey::decode([&header[..], &n, &e].concat()).ok()?;
        Some(Self { key: Pkcs1PrivateDecryptingKey::new(bits).ok()?, public })
    }

    /// What anybody may know of it.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The `size` bytes that were encrypted with the public key; `size <= 32`. What was not encrypted so
    /// comes out as bytes that nobody knows, and makes a wrong hash later: one who sends texts of its own
    /// making must not learn which of them are well formed (Bleichenbacher's attack).
    pub fn decrypt(&self, text: &[u8], size: usize) -> Result<Zeroizing<Vec<u8>>, RsaAesError> {
        let mut out = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let mut number = Zeroizing::new(random::<32>()?[..size].to_vec());
        match self.key.decrypt(text, &mut out) {
            Ok(plain) if plain.len() == size => number.copy_from_slice(plain),
            _ => {}
        }
        Ok(number)
    }
}
