//! Which operations the generator can use, for which types and on which machines: found by trying.
//!
//! A function with the operation alone is compiled by each backend, without and with optimization, interpreted, and
//! where this machine can run it, called. What comes of that is the file `operations.txt`, which the generator
//! reads, and a table in the README.
//!
//! - [`probe`] makes the functions,
//! - [`trial`] compiles, interprets and calls them;
//! - [`summary`] makes the table.
//!
//! What interpreter and machine disagree about is stock Cranelift's: no function here has our convention.

pub mod probe;
pub mod summary;
pub mod trial;

use crate::generator::ops::operation::conditions;
use crate::generator::ops::table::{BLESS, Row};
use filetests::bless::replace_file;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

const HEAD: &str = "\
# Which operations the generator can use, found by trying; see src/operations. Who has one is told by letters:
# x x86_64, a aarch64, r riscv64 with V, s s390x, p big-endian Pulley, P little-endian Pulley; other capital letters
# are for all features; i the interpreter, or ! if it disagrees with x86_64.
";

/// Compares the file and the table with what trying says, or makes them so.
///
/// # Errors
///
/// If a file differs, or cannot be read or written.
pub fn check(write: bool) -> Result<(), String> {
    if !trial::is_possible() {
        return Err("this needs an x86-64 machine with AVX2".to_owned());
    }
    for (path, want) in files().map_err(|error| error.to_string())? {
        let name = path.display();
        let is = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        if write {
            replace_file(&path, &want).map_err(|error| format!("{name}: {error}"))?;
        } else if is != want {
            let mut lines = want.lines().zip(is.lines());
            let difference = match lines.find(|(want, is)| want != is) {
                Some((want, is)) => format!("trying says\n  {want}\nand not\n  {is}"),
                None => "it has another length".to_owned(),
            };
            return Err(format!("{name}: {difference}\n{BLESS}"));
        }
    }
    Ok(())
}

/// The file, and the README with the table.
fn files() -> io::Result<[(PathBuf, String); 2]> {
    let rows = trial::rows();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = folder.join("README.md");
    let with_table = summary::replace(&fs::read_to_string(&readme)?, &rows)?;
    Ok([
        (folder.join("operations.txt"), text(&rows)),
        (readme, with_table),
    ])
}

/// Operations with the same opcode and the same letters are in one line; so are comparisons of the same types.
fn text(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    for rows in rows.chunk_by(|a, b| a.operation.opcode == b.operation.opcode) {
        let opcode = rows[0].operation.opcode;
        let mut types = BTreeMap::<_, String>::new();
        for Row { operation, who } in rows {
            let types = types.entry((operation.condition, who)).or_default();
            *types += &format!(" {}", operation.types());
        }
        let mut which = BTreeMap::<_, Vec<String>>::new();
        for ((condition, who), types) in types {
            let name = conditions(opcode).get(condition).cloned();
            which.entry((who, types)).or_default().extend(name);
        }
        for ((who, types), which) in which {
            let dot = if which.is_empty() { "" } else { "." };
            text += &format!("{opcode}{dot}{} {who}{types}\n", which.join(","));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::ops::table::{TEXT, parse};

    #[test]
    fn the_files_are_what_trying_says() {
        if !trial::is_possible() {
            println!("skipped: the files are made on x86-64 machines with AVX2");
            return;
        }
        assert_eq!(check(false), Ok(()));
    }

    #[test]
    fn the_list_is_read_as_it_is_written() {
        let rows = parse(TEXT).expect("a list");
        assert_eq!(text(&rows), TEXT);
        for wrong in [
            "nop i i8",
            "icmp.xx i i8",
            "iadd i f32",
            "iadd i i8(i8)",
            "uextend i i8",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
