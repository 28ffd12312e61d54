//! What each worker is doing right now, so that a panic, a crash or a stall can be placed.
//!
//! A worker notes each function before it starts on it. Whoever finds the worker dead or late
//! reads the last note.

use std::cell::RefCell;
use std::fmt::{Display, Write};
use std::sync::{Arc, Mutex};

/// The line of the file, and what is being done with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The line of the file, when there is one.
    pub line: Option<usize>,
    /// A participle phrase, such as `compiling %f for x86_64`.
    pub doing: String,
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

/// Notes what the calling thread does from now on.
pub fn note(line: impl Into<Option<usize>>, doing: impl Display) {
    CURRENT.with(|current| {
        let current = current.borrow();
        let mut guard = current.0.lock().unwrap_or_else(|error| error.into_inner());
        let note = &mut *guard;
        note.line = line.into();
        // The text is written in place: there are several notes for each function.
        note.doing.clear();
        let _ = write!(note.doing, "{doing}");
    });
}
