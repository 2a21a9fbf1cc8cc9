//! Compiles the protos, without protoc, to Rust and to the descriptor set that reflection serves, and lists the
//! descriptions of gateway kinds, so that a new one is one new file.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const KINDS: &str = "src/gateways/kinds";
const PROTOS: &[&str] = &["payment_status/v1/payment_status.proto", "payment_status/v1/transaction.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("payment_status.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;

    println!("cargo:rerun-if-changed={KINDS}");
    fs::write(out.join("kinds.rs"), kinds()?)?;
    Ok(())
}

/// `[("adyen", include_str!("…/adyen.toml")), …]`, sorted by name.
fn kinds() -> Result<String, Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let files = fs::read_dir(root.join(KINDS))?.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort_by_key(|file| file.file_stem().map(ToOwned::to_owned));
    let line =
        |file: &PathBuf| format!("({:?}, include_str!({file:?})),\n", file.file_stem().unwrap_or_default());
    Ok(format!("&[{}]", files.iter().map(line).collect::<String>()))
}
