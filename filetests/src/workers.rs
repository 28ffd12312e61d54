//! Worker threads that outlive what they run: a file that crashes or never ends costs one thread,
//! not the run.
//!
//! Compiled code and the interpreter run in this process. When they raise a fatal signal, the
//! handler marks the worker as dead and parks its thread for ever; the supervisor reports the
//! file and starts another worker. The same is done, without a signal, for a file that takes
//! longer than the time limit.
//!
//! Time is that of the processor, where the system tells it of a thread: on the clock, a file takes ten
//! times as long on a machine with ten times as much to do. A file that waits for ever takes no such
//! time, so it has a limit on the clock too.

use crate::activity::{self, Activity, Note};
use oracles::workshop::PATIENCE;
use std::cell::Cell;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// How a task ended.
#[derive(Debug)]
pub enum Ending<T> {
    /// It returned this.
    Done(T),
    /// It raised this fatal signal, while doing what the note says.
    Crashed(&'static str, Note),
    /// It ran longer than this limit, and was last doing what the note says.
    TimedOut(Limit, Note),
}

/// What a late task exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So much of a processor's time.
    Processor(Duration),
    /// So much time on the clock.
    Clock(Duration),
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Limit::Processor(time) => write!(f, "{} seconds of processor time", time.as_secs()),
            Limit::Clock(time) => write!(f, "{} seconds", time.as_secs()),
        }
    }
}

/// Runs `task(0)`, …, `task(count - 1)` on `threads` workers, and hands each ending with its
/// index and running time to `finished` as it comes in, in any order.
///
/// A task may take `time_limit` of a processor's time, and [`PATIENCE`] times that on the clock; where
/// processor time is not known of threads, `time_limit` on the clock.
///
/// This installs handlers of fatal signals for the rest of the process; outside of workers they
/// leave signals to the default action. A crashed or late task's thread and whatever it holds
/// are never released.
pub fn run<T: Send + 'static>(
    count: usize,
    threads: usize,
    time_limit: Duration,
    task: impl Fn(usize) -> T + Send + Sync + 'static,
    mut finished: impl FnMut(usize, Ending<T>, Duration),
) -> std::io::Result<()> {
    install_signal_handlers();
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::new(Shared {
        task,
        count,
        next: AtomicUsize::new(0),
        sender: Mutex::new(sender),
    });
    let mut workers = Vec::new();
    for _ in 0..threads.clamp(1, count.max(1)) {
        workers.push(spawn(&shared)?);
    }
    let mut left = count;
    let mut looked = Instant::now();
    while left > 0 {
        match receiver.recv_timeout(POLL_INTERVAL) {
            Ok((index, result, elapsed)) => {
                left -= 1;
                finished(index, Ending::Done(result), elapsed);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if looked.elapsed() < POLL_INTERVAL {
            continue;
        }
        looked = Instant::now();
        for worker in &mut workers {
            let Some((index, ending, elapsed)) = worker.lost(time_limit) else {
                continue;
            };
            // Its result may have arrived in the meantime only if it was just in time; `lost`
            // claims the task, so that it cannot be reported twice.
            left -= 1;
            finished(index, ending, elapsed);
            *worker = spawn(&shared)?;
        }
    }
    Ok(())
}

/// How often lost workers are looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Native frames of run tests reach 1 MiB, and the interpreter recurses on every CLIF call. The
/// memory is only reserved until it is used.
const STACK_SIZE: usize = 256 << 20;

/// No task.
const IDLE: usize = usize::MAX;

struct Shared<T, F> {
    task: F,
    count: usize,
    next: AtomicUsize,
    sender: Mutex<Sender<(usize, T, Duration)>>,
}

/// What the supervisor and the signal handler know of a worker.
struct Worker {
    /// The index of the running task, or `IDLE`. Whoever changes it from the index to `IDLE`
    /// reports the task.
    task: AtomicUsize,
    /// When the task began: on the clock, and in this thread's processor time.
    started: Mutex<(Instant, Option<Duration>)>,
    processor: ProcessorClock,
    /// The signal that ended it, or 0.
    signal: AtomicI32,
    activity: Arc<Activity>,
}

impl Worker {
    /// The ending of this worker's task, if it will never end by itself, or not in time.
    fn lost<T>(&self, time_limit: Duration) -> Option<(usize, Ending<T>, Duration)> {
        let index = self.task.load(Ordering::Acquire);
        if index == IDLE {
            return None;
        }
        let (clock, processor) = *self.started.try_lock().ok()?;
        let elapsed = clock.elapsed();
        let signal = self.signal.load(Ordering::Acquire);
        let exceeded = self.exceeded(elapsed, processor, time_limit);
        if signal == 0 && exceeded.is_none() {
            return None;
        }
        self.task
            .compare_exchange(index, IDLE, Ordering::AcqRel, Ordering::Acquire)
            .ok()?;
        let note = self.activity.latest().unwrap_or_default();
        let ending = match exceeded {
            Some(limit) if signal == 0 => Ending::TimedOut(limit, note),
            _ => Ending::Crashed(signal_name(signal), note),
        };
        Some((index, ending, elapsed))
    }

    /// Which limit a task has exceeded after so much time on the clock, if any.
    fn exceeded(
        &self,
        elapsed: Duration,
        processor: Option<Duration>,
        limit: Duration,
    ) -> Option<Limit> {
        let spent = processor.and_then(|start| Some(self.processor.now()?.saturating_sub(start)));
        let patience = match spent {
            Some(spent) if spent >= limit => return Some(Limit::Processor(limit)),
            Some(_) => limit * PATIENCE,
            None => limit,
        };
        (elapsed >= patience).then_some(Limit::Clock(patience))
    }
}

fn spawn<T: Send + 'static, F: Fn(usize) -> T + Send + Sync + 'static>(
    shared: &Arc<Shared<T, F>>,
) -> std::io::Result<Arc<Worker>> {
    let (hand_over, receive) = mpsc::channel();
    let shared = Arc::clone(shared);
    thread::Builder::new()
        .name("filetest".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(move || {
            let worker = Arc::new(Worker {
                task: AtomicUsize::new(IDLE),
                started: Mutex::new((Instant::now(), None)),
                processor: ProcessorClock::of_this_thread(),
                signal: AtomicI32::new(0),
                activity: activity::current(),
            });
            if hand_over.send(Arc::clone(&worker)).is_err() {
                return;
            }
            WORKER.set(Arc::as_ptr(&worker));
            work(&worker, &shared);
            WORKER.set(std::ptr::null());
        })?;
    receive.recv().map_err(std::io::Error::other)
}

fn work<T, F: Fn(usize) -> T>(worker: &Worker, shared: &Shared<T, F>) {
    // Cloning once keeps the lock out of the loop.
    let sender = match shared.sender.lock() {
        Ok(sender) => sender.clone(),
        Err(_) => return,
    };
    loop {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        if index >= shared.count {
            return;
        }
        let start = Instant::now();
        if let Ok(mut started) = worker.started.lock() {
            *started = (start, worker.processor.now());
        }
        worker.task.store(index, Ordering::Release);
        let result = (shared.task)(index);
        let claimed = worker
            .task
            .compare_exchange(index, IDLE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        // A task that was given up as late has been reported, and another worker goes on.
        if !claimed || sender.send((index, result, start.elapsed())).is_err() {
            return;
        }
    }
}

thread_local! {
    /// The worker that this thread is, for the signal handler.
    static WORKER: Cell<*const Worker> = const { Cell::new(std::ptr::null()) };
}

cfg_select! {
    target_os = "linux" => {
        /// Tells how much of a processor's time a thread has had.
        struct ProcessorClock(Option<libc::clockid_t>);

        impl ProcessorClock {
            fn of_this_thread() -> Self {
                let mut id = 0;
                // SAFETY: this thread exists, and `id` may be written.
                let error = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) };
                ProcessorClock((error == 0).then_some(id))
            }

            /// The time; `None` when the thread has ended.
            fn now(&self) -> Option<Duration> {
                let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
                // SAFETY: `time` may be written; the system refuses the clocks of ended threads.
                let error = unsafe { libc::clock_gettime(self.0?, &mut time) };
                (error == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
            }
        }
    }
    _ => {
        /// The system does not tell.
        struct ProcessorClock;

        impl ProcessorClock {
            fn of_this_thread() -> Self {
                ProcessorClock
            }

            fn now(&self) -> Option<Duration> {
                None
            }
        }
    }
}

cfg_select! {
    unix => {
        const FATAL_SIGNALS: [(libc::c_int, &str); 6] = [
            (libc::SIGSEGV, "SIGSEGV"),
            (libc::SIGBUS, "SIGBUS"),
            (libc::SIGILL, "SIGILL"),
            (libc::SIGFPE, "SIGFPE"),
            (libc::SIGTRAP, "SIGTRAP"),
            (libc::SIGABRT, "SIGABRT"),
        ];

        fn signal_name(signal: i32) -> &'static str {
            let found = FATAL_SIGNALS.iter().find(|(number, _)| *number == signal);
            found.map_or("an unknown signal", |(_, name)| name)
        }

        fn install_signal_handlers() {
            static INSTALLED: Once = Once::new();
            INSTALLED.call_once(|| {
                for (signal, _) in FATAL_SIGNALS {
                    // SAFETY: the structure is fully initialised, and the handler does only what
                    // is allowed in one. It runs on the alternate stack that Rust gives every
                    // thread, so it survives an overflow of the ordinary one.
                    unsafe {
                        let mut action: libc::sigaction = std::mem::zeroed();
                        action.sa_sigaction = on_fatal_signal as *const () as usize;
                        action.sa_flags = libc::SA_ONSTACK | libc::SA_NODEFER;
                        libc::sigemptyset(&mut action.sa_mask);
                        libc::sigaction(signal, &action, std::ptr::null_mut());
                    }
                }
            });
        }

        extern "C" fn on_fatal_signal(signal: libc::c_int) {
            // SAFETY: the pointer is null or that of this thread's worker, which lives until the
            // thread ends; only functions allowed in signal handlers are called.
            unsafe {
                match WORKER.get().as_ref() {
                    Some(worker) => {
                        worker.signal.store(signal, Ordering::Release);
                        loop {
                            libc::pause();
                        }
                    }
                    None => {
                        libc::signal(signal, libc::SIG_DFL);
                        libc::raise(signal);
                    }
                }
            }
        }
    }
    _ => {
        fn signal_name(_signal: i32) -> &'static str {
            "an unknown signal"
        }

        fn install_signal_handlers() {
            static INSTALLED: Once = Once::new();
            INSTALLED.call_once(|| {});
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ending(time_limit: Duration, task: fn()) -> Ending<()> {
        let mut endings = Vec::new();
        let finished = |_, ending, _| endings.push(ending);
        run(1, 1, time_limit, move |_| task(), finished).expect("a thread");
        assert_eq!(endings.len(), 1);
        endings.remove(0)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_task_that_does_not_get_a_processor_is_not_late() {
        // It waits as it would for others.
        let ending = ending(Duration::from_secs(1), || {
            thread::sleep(Duration::from_secs(2));
        });
        assert!(matches!(ending, Ending::Done(())), "{ending:?}");
    }

    #[test]
    fn a_task_that_waits_for_ever_is_late() {
        let ending = ending(Duration::from_millis(20), || {
            loop {
                thread::park();
            }
        });
        let is_late = matches!(ending, Ending::TimedOut(Limit::Clock(_), _));
        assert!(is_late, "{ending:?}");
    }
}
