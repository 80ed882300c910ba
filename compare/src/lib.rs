//! Workloads, runs and reports that compare ways of sending a screen.
