//! The window: winit for events, pixels or softbuffer for presenting.
