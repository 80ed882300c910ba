//! The Panto server: capture, scene, planner and front ends.

pub mod capture;
pub mod inject;
pub mod virtual_display;
pub mod infer;
pub mod plan;
pub mod scene;
