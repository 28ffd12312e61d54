//! Finding test files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// A file to run, or a path that cannot be.
pub type Found = Result<PathBuf, (PathBuf, String)>;

/// The test files that `paths` name, in order; those of a directory are sorted.
///
/// A regular file is a test whatever its extension. In a directory, tests have the extension
/// `clif` (or `wat`), and only directories without an extension are entered.
pub fn collect(paths: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths {
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => collect_directory(path, &mut found),
            Ok(_) => found.push(Ok(path.clone())),
            Err(error) => found.push(Err((path.clone(), format!("cannot read it: {error}")))),
        }
    }
    found
}

/// All files that `paths` name, in order, whatever their extension; those of a directory are
/// sorted, and hidden ones left out. `-`, the standard input, counts as a file.
pub fn collect_all(paths: &[PathBuf]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push(Ok(path.clone()));
            continue;
        }
        let entries = WalkDir::new(path)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry));
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {}
                Ok(entry) => found.push(Ok(entry.into_path())),
                Err(error) => found.push(Err(unreadable(path, &error))),
            }
        }
    }
    found
}

fn collect_directory(directory: &Path, found: &mut Vec<Found>) {
    let entries = WalkDir::new(directory)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || entry.path().extension().is_none() || is_test(entry)
        });
    for entry in entries {
        match entry {
            // Reading a pipe or a device might never end.
            Ok(entry) if is_test(&entry) && !entry.file_type().is_file() => {
                found.push(Err((entry.into_path(), "not a regular file".to_owned())));
            }
            Ok(entry) if is_test(&entry) => found.push(Ok(entry.into_path())),
            Ok(_) => {}
            Err(error) => found.push(Err(unreadable(directory, &error))),
        }
    }
}

fn unreadable(directory: &Path, error: &walkdir::Error) -> (PathBuf, String) {
    let path = error.path().unwrap_or(directory).to_owned();
    (path, format!("cannot read it: {error}"))
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn is_test(entry: &DirEntry) -> bool {
    let extension = entry.path().extension();
    !entry.file_type().is_dir()
        && (extension == Some(OsStr::new("clif")) || extension == Some(OsStr::new("wat")))
}
