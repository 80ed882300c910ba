//! Workloads, runs and reports that compare ways of sending a screen.
//!
//! ```text
//!   workload ─► run (virtual time, simulated link) ─► figures ─► report
//!   programs ─► peer (real time, relay)            ─► figures ─┘   └► expression (--fail-if)
//! ```

pub mod expression;
pub mod figures;
pub mod link;
pub mod matrix;
pub mod peer;
pub mod person;
pub mod quality;
pub mod record;
pub mod report;
pub mod run;
pub mod script;
pub mod work;
pub mod workload;
