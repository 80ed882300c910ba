//! The `panto` command line.
fn main() {}
