#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for (_, parse) in ingest::fuzz::TARGETS.iter().filter(|(name, _)| *name == "valid") {
        parse(bytes);
    }
});
