#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| swoosh_fuzz::http2_server(data));
