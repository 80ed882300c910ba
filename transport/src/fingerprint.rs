//! The short form of a server's public key that people compare.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};

/// SHA-256 of a server's SubjectPublicKeyInfo (DER). It names the *key*, so a certificate made anew from
/// the same key is the same server. Shown as `SHA256:` and 43 characters of base64, as ssh does; where the key is not
/// a certificate's, with what it is for in front. Two of different kinds are never equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    kind: FingerprintKind,
    digest: [u8; 32],
}

/// What a key is shown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FingerprintKind {
    /// In TLS.
    #[default]
    Tls,
    /// In RSA-AES, which seals all that follows (RA2, RA2_256).
    Ra2,
    /// In RSA-AES where only the proof is sealed (RA2ne, RA2ne_256): it says who the server is, and what follows
    /// anybody can read and change.
    Ra2ne,
}

impl FingerprintKind {
    const ALL: [Self; 3] = [Self::Tls, Self::Ra2, Self::Ra2ne];

    /// What stands in front of the digest.
    const fn label(self) -> &'static str {
        match self {
            Self::Tls => "SHA256",
            Self::Ra2 => "RA2-SHA256",
            Self::Ra2ne => "RA2ne-SHA256",
        }
    }

    /// Whether what follows is encrypted.
    pub const fn is_encrypted(self) -> bool {
        !matches!(self, Self::Ra2ne)
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no fingerprint; it looks like SHA256: (or RA2-SHA256:) and 43 letters and digits")]
pub struct FingerprintError {
    /// What was given, shortened.
    pub text: String,
}

impl Fingerprint {
    /// Of a SubjectPublicKeyInfo in DER, for TLS.
    pub fn of_spki(der: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, der).as_ref());
        Self::from_digest(out)
    }

    /// From a digest computed elsewhere, for TLS.
    pub const fn from_digest(digest: [u8; 32]) -> Self {
        Self { kind: FingerprintKind::Tls, digest }
    }

    /// The same key, shown for this.
    pub const fn of_kind(self, kind: FingerprintKind) -> Self {
        Self { kind, ..self }
    }

    /// What the key is shown for.
    pub const fn kind(&self) -> FingerprintKind {
        self.kind
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.label(), BASE64_NOPAD.encode(&self.digest))
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
        let kind = FingerprintKind::ALL.into_iter().find(|k| kind.eq_ignore_ascii_case(k.label()));
        let kind = kind.filter(|_| body.len() == 43).ok_or_else(wrong)?;
        let bytes =
            BASE64_NOPAD.decode(body).or_else(|_| BASE64URL_NOPAD.decode(body)).map_err(|_| wrong())?;
        Ok(Self { kind, digest: bytes.try_into().map_err(|_| wrong())? })
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
    fn a_key_for_something_else_is_another() {
        let tls = Fingerprint::of_spki(b"key");
        for (kind, label) in
            [(FingerprintKind::Ra2, "RA2-SHA256:"), (FingerprintKind::Ra2ne, "RA2ne-SHA256:")]
        {
            let other = tls.of_kind(kind);
            assert_eq!(other.as_bytes(), tls.as_bytes());
            assert_ne!(other, tls);
            assert_eq!(other.to_string().strip_prefix(label), tls.to_string().strip_prefix("SHA256:"));
            assert_eq!(other.to_string().parse(), Ok(other));
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
