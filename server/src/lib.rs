//! The Panto server: capture, scene, planner and front ends.

pub mod capture;
pub mod control;
pub mod deliver;
pub mod demo;
pub mod desk;
pub mod frontend;
pub mod infer;
pub mod inject;
pub mod lossy;
pub mod pace;
pub mod plan;
pub mod scene;
pub mod source;
pub mod stats;
pub mod trace;
pub mod virtual_display;
