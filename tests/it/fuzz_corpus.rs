//! The fuzz targets' kept corpus, through the same functions, without a fuzzer.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[path = "../fuzz/src/targets.rs"]
mod fuzz;

mod seeds;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    files
}

#[test]
fn the_kept_corpus_still_holds() {
    for (target, run) in fuzz::TARGETS {
        let files = files(&corpus(target));
        assert!(files.len() >= 10, "the corpus of {target} has only {} files", files.len());
        for file in files {
            // A panic in the target does not say which input it was.
            let run = std::panic::catch_unwind(|| run(&fs::read(&file).expect("a readable file")));
            assert!(run.is_ok(), "{target} panicked on {}", file.display());
        }
    }
}
