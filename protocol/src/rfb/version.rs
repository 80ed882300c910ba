//! Versions of the protocol that differ (7.1.1).

use crate::wire::{DecodeError, Reader};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V3_3,
    V3_7,
    V3_8,
}

impl Version {
    /// Reads the twelve bytes that each side begins with: major and minor number; `None` if they are
    /// something else.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Option<(u32, u32)>, DecodeError> {
        let bytes: [u8; 12] = r.array("RFB version")?;
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
        let (b"RFB ", b'.', b'\n', Some(major), Some(minor)) =
            (&bytes[..4], bytes[7], bytes[11], number(&bytes[4..7]), number(&bytes[8..11]))
        else {
            return Ok(None);
        };
        Ok(Some((major, minor)))
    }

    /// Who says this speaks so. What nobody knows is 3.3, and versions beyond speak ours.
    pub(super) fn of((major, minor): (u32, u32)) -> Self {
        match (major, minor) {
            (3, 7) => Self::V3_7,
            (3, 8..) | (4.., _) => Self::V3_8,
            _ => Self::V3_3,
        }
    }

    /// As each side says it.
    pub(super) const fn bytes(self) -> &'static [u8; 12] {
        match self {
            Self::V3_3 => b"RFB 003.003\n",
            Self::V3_7 => b"RFB 003.007\n",
            Self::V3_8 => b"RFB 003.008\n",
        }
    }
}
