//! Workloads, runs and reports that compare ways of sending a screen.
//!
//! So far one workload, the demo desktop's script, in virtual time: bytes are
//! exact and the same in every run.

pub mod expression;
pub mod figures;
pub mod link;
pub mod person;
pub mod report;
mod run;
pub mod script;
mod table;
mod workload;

pub use run::{Run, RunError, demo_settings, run};
pub use table::markdown;
pub use workload::{Workload, demo};
