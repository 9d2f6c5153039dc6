//! Compresses the files of the console, which the program has in it, and writes the table of them.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by variables where it works")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../console");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    collect(&folder, "", &mut names)?;
    names.sort();
    let mut table = String::from("&[\n");
    for (number, name) in names.iter().enumerate() {
        compress(&folder.join(name), &out.join(format!("{number}.gz")))?;
        writeln!(table, "({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{number}.gz\"))),")?;
    }
    fs::write(out.join("console.rs"), table + "]\n")?;
    Ok(())
}

/// Adds the names of the files in a folder, with slashes.
fn collect(folder: &Path, front: &str, names: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{front}{}", entry.file_name().to_str().ok_or("a name that is not UTF-8")?);
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

/// Writes a file in the form of gzip, without its time: the same file makes the same bytes.
fn compress(file: &Path, to: &Path) -> io::Result<()> {
    let mut packed = GzBuilder::new().mtime(0).write(File::create(to)?, Compression::best());
    packed.write_all(&fs::read(file)?)?;
    packed.finish()?.flush()
}
