//! The window: winit for events, pixels or softbuffer for presenting.
//!
//! Below the [`run`] function: `app` listens and decides, `person` for what the person
//! does; `scene` holds the window's pixels (`layout`, `scale`); `overlay` what lies over
//! them (`panels`, `draw`, `font`, `meter`); `input` what goes to the server (`keymap`,
//! `shortcuts`, `wheel`, `clipboard`); `present` brings the pixels to the screen (`gpu`, `cpu`).

mod app;
mod clipboard;
mod cpu;
mod cursor;
mod draw;
mod error;
mod font;
mod gpu;
mod inner;
mod input;
mod keymap;
mod layout;
mod meter;
mod open;
mod options;
mod overlay;
mod panels;
mod person;
mod present;
mod save;
mod scale;
mod scene;
mod shortcuts;
mod wheel;

pub use app::run;
pub use error::WindowError;
pub use layout::Scaling;
pub use options::WindowOptions;
pub use present::Renderer;
