#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| swoosh_fuzz::resp_commands(data));
