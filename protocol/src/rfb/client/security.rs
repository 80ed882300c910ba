//! Ways of proving who one is, by number and by name.

/// A way that this client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// No proof, no encryption (7.2.1).
    None,
    /// A password, answered to a challenge; no encryption (7.2.2).
    VncAuth,
    /// TLS with the server's certificate, and no proof (VeNCrypt 260).
    X509None,
    /// The same, and [`Security::VncAuth`] inside (VeNCrypt 261).
    X509Vnc,
    /// The same, and a name and a password inside (VeNCrypt 262).
    X509Plain,
}

impl Security {
    /// All of them, the best first.
    pub const ALL: [Self; 5] = [Self::X509Plain, Self::X509Vnc, Self::X509None, Self::VncAuth, Self::None];

    /// Whether the bytes that follow are inside TLS.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::X509None | Self::X509Vnc | Self::X509Plain)
    }

    /// Its number among the types of VeNCrypt, which are those of RFB where there is no TLS.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::None => 1,
            Self::VncAuth => 2,
            Self::X509None => 260,
            Self::X509Vnc => 261,
            Self::X509Plain => 262,
        }
    }
}

/// The type that holds all those of VeNCrypt.
pub(super) const VENCRYPT: u8 = 19;

/// A type's name, as servers' options and manuals have it.
pub(super) fn name(number: u32) -> String {
    let name = match number {
        1 => "None",
        2 => "VncAuth",
        5 => "RA2",
        6 => "RA2ne",
        16 => "Tight",
        17 => "Ultra",
        18 => "TLS",
        19 => "VeNCrypt",
        20 => "SASL",
        21 => "MD5",
        22 => "xvp",
        30 => "Apple's Diffie-Hellman",
        129 => "RA2_256",
        130 => "RA2ne_256",
        256 => "Plain",
        257 => "TLSNone",
        258 => "TLSVnc",
        259 => "TLSPlain",
        260 => "X509None",
        261 => "X509Vnc",
        262 => "X509Plain",
        263 => "TLSSASL",
        264 => "X509SASL",
        other => return format!("type {other}"),
    };
    name.to_owned()
}
