//! The whole of Panto, tested from outside.

mod accounting;
mod bytes;
mod compare;
mod control;
mod demo;
mod desktop;
mod errors;
mod gateway;
mod hostile;
mod hostile_vnc;
mod idle;
mod library;
mod peers;
mod presentation;
mod relay;
mod replay;
mod report;
mod resume;
mod rfb;
mod scenes;
mod security;
mod tidy;
mod viewers;
mod vnc;
mod web;
