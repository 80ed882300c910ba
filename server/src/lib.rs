//! The Panto server: capture, scene, planner and front ends.
