//! The Panto server: capture, scene, planner and front ends.

pub mod capture;
pub mod inject;
pub mod virtual_display;
