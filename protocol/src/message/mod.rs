//! Messages of both directions, apart from the draw commands (`PROTOCOL.md` sections 5 to 7).

mod control;
mod cursor;
mod frame;
mod handshake;
mod input;
mod offer;
mod settings;

pub use control::{Ack, ClientControl, ServerControl};
pub use cursor::CursorMessage;
pub use frame::{FRESH_FRAME, FrameBody, FrameDecoder, FrameHeader, is_fresh};
pub use handshake::{
    Auth, AuthMethods, Bye, ByeReason, ClientHello, ResumeTicket, Rights, ServerHello, VERSION, Welcome,
};
pub use input::InputEvent;
pub use offer::Offer;
pub use settings::{Depth, Mode, Scale, Settings, Wire};
