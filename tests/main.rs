//! The whole of Panto, tested from outside.

mod desktop;
