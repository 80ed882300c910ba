//! Ways of proving who one is, by number and by name: 7.2, and VeNCrypt (rfbproto).

/// A way that both sides here know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// No proof, no encryption (7.2.1).
    None,
    /// A challenge answered with eight bytes of a password (7.2.2): weak, and all that follows is in
    /// the clear.
    VncAuth,
    /// TLS with the server's certificate, and no proof (VeNCrypt 260).
    X509None,
    /// The same, and 7.2.2 inside (VeNCrypt 261).
    X509Vnc,
    /// The same, and a name and a password inside (VeNCrypt 262).
    X509Plain,
    /// A name and a password as they are (VeNCrypt 256): for a stream that nobody can read already.
    Plain,
}

impl Security {
    /// What a client may take from a server over the network, the best first.
    pub const ALL: [Self; 5] = [Self::X509Plain, Self::X509Vnc, Self::X509None, Self::VncAuth, Self::None];

    /// Whether the bytes that follow are inside TLS.
    pub const fn is_encrypted(self) -> bool {
        matches!(self, Self::X509None | Self::X509Vnc | Self::X509Plain)
    }

    /// Whether it is chosen inside VeNCrypt.
    pub(super) const fn is_vencrypt(self) -> bool {
        !matches!(self, Self::None | Self::VncAuth)
    }

    /// Its number among the types of VeNCrypt, which are those of RFB where there is no TLS.
    pub(super) const fn number(self) -> u32 {
        match self {
            Self::None => NONE as u32,
            Self::VncAuth => VNC_AUTH as u32,
            Self::Plain => 256,
            Self::X509None => 260,
            Self::X509Vnc => 261,
            Self::X509Plain => 262,
        }
    }
}

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
