//! What each worker is doing right now, so that a panic, a crash or a stall can be placed.
//!
//! A worker notes each function before it starts on it. Whoever finds the worker dead or late
//! reads the last note.

use std::cell::RefCell;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex};

/// The line of the file, and what is being done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The line of the file, from 1; the first if all of the file is meant.
    pub line: usize,
    /// A participle phrase that names the function, such as `compiling %f for x86_64`.
    pub doing: String,
    /// The test command of the job, as it is written; empty outside of jobs.
    pub job: String,
    /// The name of the target of the job; empty if it has none.
    pub target: String,
}

impl Default for Note {
    fn default() -> Self {
        Note {
            line: 1,
            doing: String::new(),
            job: String::new(),
            target: String::new(),
        }
    }
}

/// A note that another thread may read.
#[derive(Debug, Default)]
pub struct Activity(Mutex<Note>);

impl Activity {
    /// The last note; nothing if the owner died while writing one.
    pub fn latest(&self) -> Option<Note> {
        match self.0.try_lock() {
            Ok(note) => Some(note.clone()),
            Err(std::sync::TryLockError::Poisoned(error)) => Some(error.into_inner().clone()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Arc<Activity>> = RefCell::new(Arc::default());
}

/// The calling thread's activity.
pub fn current() -> Arc<Activity> {
    CURRENT.with(|current| Arc::clone(&current.borrow()))
}

/// Notes that the calling thread begins with a file.
pub fn begin_file() {
    change(|note| *note = Note::default());
}

/// Notes which job the calling thread runs from now on, and the line of its command.
pub fn begin_job(line: usize, command: &str, target: Option<&str>) {
    change(|note| {
        *note = Note {
            line,
            doing: "beginning".to_owned(),
            job: command.to_owned(),
            target: target.unwrap_or_default().to_owned(),
        };
    });
}

/// Notes what the calling thread does from now on.
pub fn note(line: usize, doing: impl Display) {
    change(|note| {
        note.line = line;
        // The text is written in place: there are several notes for each function.
        note.doing.clear();
        let _ = write!(note.doing, "{doing}");
    });
}

fn change(change: impl FnOnce(&mut Note)) {
    CURRENT.with(|current| {
        let current = current.borrow();
        let mut guard = current.0.lock().unwrap_or_else(|error| error.into_inner());
        change(&mut guard);
    });
}
