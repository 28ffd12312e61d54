//! What ends a process is tried in another one.

use crate::blame::kind;
use filetests::panics::contain;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};

/// How a process of [`run`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The action returns.
    Returned,
    /// The action panics: a number for the place and for what is said there, see [`kind`].
    Panicked(u64),
    /// By this signal, SIGALRM if the time is over.
    Signal(i32),
    /// There is no such process, or it ends otherwise.
    Unknown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Returned => f.write_str("a return"),
            End::Panicked(_) => f.write_str("a panic"),
            End::Signal(libc::SIGALRM) => f.write_str("no end in time"),
            End::Signal(signal) => write!(f, "signal {signal}"),
            End::Unknown => f.write_str("an end of another kind"),
        }
    }
}

/// Runs an action in a copy of this process, for some seconds at most. It says nothing, and leaves nothing
/// but what it writes to files and to memory that is shared.
pub fn run(seconds: u32, action: impl FnOnce()) -> End {
    in_copy(seconds, || {
        // SAFETY: as a fuzzer's handlers would report a signal, the child has the system's.
        unsafe {
            let no_core = std::mem::zeroed::<libc::rlimit>();
            libc::setrlimit(libc::RLIMIT_CORE, &no_core);
            for signal in [
                libc::SIGILL,
                libc::SIGTRAP,
                libc::SIGABRT,
                libc::SIGBUS,
                libc::SIGFPE,
                libc::SIGSEGV,
                libc::SIGALRM,
            ] {
                libc::signal(signal, libc::SIG_DFL);
            }
            let nowhere = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
            libc::dup2(nowhere, libc::STDOUT_FILENO);
            libc::dup2(nowhere, libc::STDERR_FILENO);
        }
        action();
    })
}

/// Runs an action in a copy of this process, which speaks, for some seconds at most. One that returns ends as programs do: code
/// that counts what is executed writes its counts then.
pub fn run_aloud(seconds: u32, action: impl FnOnce()) -> End {
    in_copy(seconds, || {
        action();
        std::process::exit(0)
    })
}

fn in_copy(seconds: u32, action: impl FnOnce()) -> End {
    const PANICKED: i32 = 101;
    let Ok((mut reader, mut writer)) = io::pipe() else {
        return End::Unknown;
    };
    // SAFETY: the child changes nothing that it shares with this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the calls have no pointers.
        unsafe {
            // Whoever ends this process ends that one too.
            #[cfg(target_os = "linux")]
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::alarm(seconds);
        }
        let status = match contain(action) {
            Ok(()) => 0,
            Err(panic) => {
                let mut hasher = DefaultHasher::new();
                (&panic.location, kind(&panic.message)).hash(&mut hasher);
                let place = panic.location.unwrap_or_default();
                let _ = writeln!(io::stderr(), "panicked at {place}:\n{}", panic.message);
                let _ = writer.write_all(&hasher.finish().to_ne_bytes());
                PANICKED
            }
        };
        // SAFETY: nothing of this process is to be cleaned up.
        unsafe { libc::_exit(status) }
    }
    drop(writer);
    let mut status = 0;
    // libFuzzer's timer interrupts.
    let is_interrupted = || io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
    let ended = loop {
        // SAFETY: waits for the child of this call.
        match unsafe { libc::waitpid(child, &mut status, 0) } {
            -1 if is_interrupted() => {}
            ended => break ended,
        }
    };
    match libc::WEXITSTATUS(status) {
        _ if child < 0 || ended != child => End::Unknown,
        _ if libc::WIFSIGNALED(status) => End::Signal(libc::WTERMSIG(status)),
        0 => End::Returned,
        PANICKED => {
            let mut number = [0; 8];
            let read = reader.read_exact(&mut number);
            read.map_or(End::Unknown, |()| End::Panicked(u64::from_ne_bytes(number)))
        }
        _ => End::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_told() {
        assert_eq!(run(20, || ()), End::Returned);
        assert!(matches!(run(20, || panic!("x")), End::Panicked(_)));
        assert_eq!(
            run(20, || std::process::abort()),
            End::Signal(libc::SIGABRT)
        );
        // SAFETY: the child has nothing to clean up.
        assert_eq!(run(20, || unsafe { libc::_exit(3) }), End::Unknown);
        let sleep = || std::thread::sleep(std::time::Duration::from_secs(60));
        assert_eq!(run(1, sleep), End::Signal(libc::SIGALRM));
        assert_eq!(run_aloud(1, sleep), End::Signal(libc::SIGALRM));
    }

    #[test]
    fn a_panic_is_told_from_others() {
        let ends = |number: u32, what: &str| run(20, || panic!("{what} {number} ({number})"));
        assert_eq!(ends(1, "x"), ends(2, "x"));
        assert_ne!(ends(1, "x"), ends(1, "y"));
        assert_ne!(ends(1, "x"), run(20, || panic!("x 1 (1)")));
    }

    /// As the counts of instrumented code are.
    #[test]
    fn what_is_done_at_the_end_is_done_by_who_speaks() {
        extern "C" fn at_exit() {
            // SAFETY: the signal is for this process.
            unsafe { libc::raise(libc::SIGUSR1) };
        }
        let action = || {
            // SAFETY: the function may be called at any time.
            unsafe { libc::atexit(at_exit) };
        };
        assert_eq!(run_aloud(20, action), End::Signal(libc::SIGUSR1));
        assert_eq!(run(20, action), End::Returned);
    }
}
