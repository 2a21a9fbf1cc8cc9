#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| payment_status_fuzz::targets::verify_and_parse::run(data));
