//! Temporary folders that go even if their process is killed: the next process removes them.
//!
//! A process holds a lock on each of its folders. The system takes the lock back when the process ends,
//! in whatever way, so a folder that can be locked is one that nobody needs. Numbers of processes would
//! not tell that: they are used again, and mean something else in each container.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Once;
use tempfile::TempDir;

/// A folder of its own, removed at the end.
pub struct TemporaryFolder {
    // Removed before the lock goes.
    folder: TempDir,
    /// `None` where a folder cannot be locked: there nobody takes it for one that is left.
    _lock: Option<File>,
}

const PREFIX: &str = "cranelift-multi-out-";

impl TemporaryFolder {
    /// Makes a folder where the system has temporary files. The first one of a process removes what ended
    /// processes have left there.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made.
    pub fn new() -> io::Result<Self> {
        static SWEPT: Once = Once::new();
        let parent = std::env::temp_dir();
        SWEPT.call_once(|| sweep(&parent));
        Self::new_in(&parent)
    }

    fn new_in(parent: &Path) -> io::Result<Self> {
        loop {
            let folder = TempDir::with_prefix_in(PREFIX, parent)?;
            let lock = File::open(folder.path()).and_then(|file| file.lock().map(|()| file));
            // Another process may have come before the lock, and taken the folder for one that is left.
            if folder.path().exists() {
                return Ok(TemporaryFolder {
                    folder,
                    _lock: lock.ok(),
                });
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders whose processes have ended, as far as this user may.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        let lock = File::open(&path).and_then(|file| Ok(file.try_lock().map(|()| file)?));
        if lock.is_ok() {
            // What cannot be removed stays for the next process.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let parent = tempfile::tempdir().expect("a folder");
        let held = TemporaryFolder::new_in(parent.path()).expect("a folder");
        fs::write(held.path().join("file"), "").expect("a file");
        for name in ["other", &format!("{PREFIX}left")] {
            fs::create_dir_all(parent.path().join(name).join("folder")).expect("a folder");
        }
        sweep(parent.path());
        assert!(held.path().join("file").exists());
        let path = held.path().to_owned();
        drop(held);
        assert!(!path.exists());
        let names = fs::read_dir(parent.path()).expect("a folder");
        let names: Vec<_> = names
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["other"]);
    }

    #[test]
    fn a_sweep_in_between_takes_no_folder_away() {
        let parent = tempfile::tempdir().expect("a folder");
        let made = || {
            for _ in 0..200 {
                let folder = TemporaryFolder::new_in(parent.path()).expect("a folder");
                fs::write(folder.path().join("file"), "").expect("the folder is there");
            }
        };
        std::thread::scope(|scope| {
            let makers = [scope.spawn(made), scope.spawn(made)];
            while !makers.iter().all(|maker| maker.is_finished()) {
                sweep(parent.path());
            }
        });
    }
}
