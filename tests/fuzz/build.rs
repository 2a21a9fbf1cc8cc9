//! Lists the built-in kinds as the program's own build does.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let kinds =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../src/gateways/kinds").canonicalize()?;
    println!("cargo:rerun-if-changed={}", kinds.display());
    let mut files =
        fs::read_dir(kinds)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort_by_key(|file| file.file_stem().map(ToOwned::to_owned));
    let line =
        |file: &PathBuf| format!("({:?}, include_str!({file:?})),\n", file.file_stem().unwrap_or_default());
    let list: String = files.iter().map(line).collect();
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("kinds.rs"), format!("&[{list}]"))?;
    Ok(())
}
