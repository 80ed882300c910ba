#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| panto_protocol::oracle::rfb_round_trip(bytes));
