//! The short form of a server's public key that people compare.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};

/// SHA-256 of a server certificate's SubjectPublicKeyInfo (DER). It names the *key*, so a certificate made anew from
/// the same key is the same server. Shown as `SHA256:` and 43 characters of base64, as ssh does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fingerprint; it looks like SHA256: and 43 letters and digits")]
pub struct FingerprintError {
    /// What was given, shortened.
    pub text: String,
}

impl Fingerprint {
    /// Of a SubjectPublicKeyInfo in DER.
    pub fn of_spki(der: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, der).as_ref());
        Self(out)
    }

    /// From a digest computed elsewhere.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHA256:{}", BASE64_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Takes both alphabets of base64, with or without the `=` at the end.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let wrong = || FingerprintError { text: text.chars().take(60).collect() };
        let (kind, body) = text.split_once(':').ok_or_else(wrong)?;
        let body = body.strip_suffix('=').unwrap_or(body).as_bytes();
        if !kind.eq_ignore_ascii_case("SHA256") || body.len() != 43 {
            return Err(wrong());
        }
        let bytes =
            BASE64_NOPAD.decode(body).or_else(|_| BASE64URL_NOPAD.decode(body)).map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        // `printf '' | openssl dgst -sha256 -binary | base64`
        let empty = Fingerprint::of_spki(b"");
        assert_eq!(empty.to_string(), "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
        for text in [
            "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "SHA256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
        ] {
            assert_eq!(text.parse(), Ok(empty), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_none() {
        let long = format!("SHA256:{}", "A".repeat(1000));
        for text in
            ["", "SHA256:", "MD5:00", "47DEQpj8", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF!", &long]
        {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
        assert!(long.parse::<Fingerprint>().unwrap_err().text.len() <= 60);
    }
}
