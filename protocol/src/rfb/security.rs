//! Ways of proving who one is, by number and by name: 7.2, and VeNCrypt (rfbproto).

/// A way that both sides here know.
#[expect(non_camel_case_types, reason = "names as in the specification")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// No proof, no encryption (7.2.1).
    None,
    /// A challenge answered with eight bytes of a password (7.2.2): weak, and all that follows is in
    /// the clear.
    VncAuth,
    /// RSA-AES: all is sealed behind an exchange of RSA keys, and a password inside (rfbproto, 5).
    Ra2,
    /// The same, but the proof alone is sealed, and all that follows in the clear (6).
    Ra2ne,
    /// As [`Self::Ra2`], with longer keys of AES (129).
    Ra2_256,
    /// As [`Self::Ra2ne`], with longer keys of AES (130).
    Ra2ne_256,
    /// TLS with the server's certificate, and no proof (VeNCrypt 260).
    X509None,
    /// The same, and 7.2.2 inside (VeNCrypt 261).
    X509Vnc,
    /// The same, and a name and a password inside (VeNCrypt 262).
    X509Plain,
    /// A name and a password as they are (VeNCrypt 256): for a stream that nobody can read already.
    Plain,
}

/// Bits of RSA-AES's keys of AES, and the hash that goes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AesBits {
    /// 128, and SHA-1.
    Aes128,
    /// 256, and SHA-256.
    Aes256,
}

impl Security {
    /// What a client may take from a server over the network, the best first.
    pub const ALL: [Self; 9] = [
        Self::X509Plain,
        Self::X509Vnc,
        Self::X509None,
        Self::Ra2_256,
        Self::Ra2,
        Self::Ra2ne_256,
        Self::Ra2ne,
        Self::VncAuth,
        Self::None,
    ];

    /// Whether the bytes behind the proof are inside TLS or RSA-AES.
    pub const fn is_encrypted(self) -> bool {
        self.is_x509() || matches!(self, Self::Ra2 | Self::Ra2_256)
    }

    /// Whether it begins TLS.
    pub(super) const fn is_x509(self) -> bool {
        matches!(self, Self::X509None | Self::X509Vnc | Self::X509Plain)
    }

    /// Whether it can be chosen inside VeNCrypt alone.
    pub(super) const fn is_vencrypt(self) -> bool {
        self.is_x509() || matches!(self, Self::Plain)
    }

    /// The keys of RSA-AES, if it is that.
    pub const fn rsa_aes(self) -> Option<AesBits> {
        match self {
            Self::Ra2 | Self::Ra2ne => Some(AesBits::Aes128),
            Self::Ra2_256 | Self::Ra2ne_256 => Some(AesBits::Aes256),
            _ => None,
        }
    }

    /// Its number among the types of VeNCrypt, which are those of RFB below 256.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::None => NONE as u32,
            Self::VncAuth => VNC_AUTH as u32,
            Self::Ra2 => 5,
            Self::Ra2ne => 6,
            Self::Ra2_256 => 129,
            Self::Ra2ne_256 => 130,
            Self::Plain => 256,
            Self::X509None => 260,
            Self::X509Vnc => 261,
            Self::X509Plain => 262,
        }
    }
}

/// What RSA-AES wants of a client: one byte of the server's, behind the exchange of keys.
pub(super) mod rsa_aes {
    /// A name and a password.
    pub const USER_AND_PASSWORD: u8 = 1;
    /// A password, and a name of no bytes.
    pub const PASSWORD: u8 = 2;
}

/// Bytes of a name or a password in RSA-AES at most, as their length is one byte.
pub(super) const MAX_SHORT_SECRET: usize = 255;

/// Bytes of a name or a password at most.
pub(super) const MAX_SECRET: usize = 1024;

/// Types of RFB.
pub(super) const NONE: u8 = 1;
pub(super) const VNC_AUTH: u8 = 2;

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
