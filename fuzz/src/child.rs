//! What ends a process is tried in another one.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a process of [`run`] ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The action returns.
    Returned,
    /// The action panics.
    Panicked,
    /// By this signal, SIGALRM if the time is over.
    Signal(i32),
    /// There is no such process, or it ends otherwise.
    Unknown,
}

/// Runs an action in a copy of this process, for some seconds at most. It says nothing, and leaves nothing
/// but what it writes to files and to memory that is shared.
pub fn run(seconds: u32, action: impl FnOnce()) -> End {
    run_aloud(|| {
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
            libc::alarm(seconds);
            let nowhere = libc::open(c"/dev/null".as_ptr(), libc::O_WRONLY);
            libc::dup2(nowhere, libc::STDOUT_FILENO);
            libc::dup2(nowhere, libc::STDERR_FILENO);
        }
        action();
    })
}

/// Runs an action in a copy of this process, which speaks and takes its time.
pub fn run_aloud(action: impl FnOnce()) -> End {
    const PANICKED: i32 = 101;
    // SAFETY: the child changes nothing that it shares with this process.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // Whoever ends this process ends that one too.
        // SAFETY: the call has no pointers.
        #[cfg(target_os = "linux")]
        unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        }
        // Under a fuzzer a panic aborts, which is a signal.
        let result = catch_unwind(AssertUnwindSafe(action));
        // SAFETY: nothing of this process is to be cleaned up.
        unsafe { libc::_exit(if result.is_ok() { 0 } else { PANICKED }) }
    }
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
        PANICKED => End::Panicked,
        _ => End::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_is_told() {
        assert_eq!(run(20, || ()), End::Returned);
        assert_eq!(run(20, || panic!("x")), End::Panicked);
        assert_eq!(
            run(20, || std::process::abort()),
            End::Signal(libc::SIGABRT)
        );
        // SAFETY: the child has nothing to clean up.
        assert_eq!(run(20, || unsafe { libc::_exit(3) }), End::Unknown);
        let sleep = || std::thread::sleep(std::time::Duration::from_secs(60));
        assert_eq!(run(1, sleep), End::Signal(libc::SIGALRM));
    }
}
