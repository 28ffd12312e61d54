//! Containment of panics: the compiler and the interpreter may panic on a test, the run goes on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtPanic {
    /// What the panic said.
    pub message: String,
    /// The source file and line that panicked, when the hook saw it.
    pub location: Option<String>,
}

impl std::fmt::Display for CaughtPanic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "panicked: {}", self.message)?;
        if let Some(location) = &self.location {
            write!(f, " (at {location})")?;
        }
        Ok(())
    }
}

/// Runs `action`, turning a panic into an error without a word on the standard error stream.
///
/// State that `action` shares with the outside must be thrown away after an error.
pub fn contain<T>(action: impl FnOnce() -> T) -> Result<T, CaughtPanic> {
    install_hook();
    let outer = CONTAINED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(action));
    CONTAINED.set(outer);
    result.map_err(|payload| CaughtPanic {
        message: message_of(&*payload),
        location: LOCATION.take(),
    })
}

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Makes the process's panic hook silent inside [`contain`]; outside it stays what it was.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if CONTAINED.get() {
                LOCATION.set(info.location().map(short_location));
            } else {
                previous(info);
            }
        }));
    });
}

/// Keeps of a path what names the crate and the file in it; the rest differs between machines.
fn short_location(location: &panic::Location<'_>) -> String {
    let file = location.file().replace('\\', "/");
    let parts: Vec<&str> = file.split('/').collect();
    let from = parts
        .iter()
        .rposition(|part| *part == "src")
        .map_or(0, |src| src.saturating_sub(1));
    format!("{}:{}", parts[from..].join("/"), location.line())
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a value that is not text".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::contain;

    #[test]
    fn keeps_message_and_location() {
        let caught = contain(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(caught.message, "number 7");
        let location = caught.location.unwrap();
        assert!(location.contains("src/panics.rs:"), "{location}");
        assert_eq!(contain(|| 3), Ok(3));
    }
}
