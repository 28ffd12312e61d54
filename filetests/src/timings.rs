//! The time that passes of the compiler take, over all threads.

use crate::panics;
use cranelift_codegen::timing::{self, DefaultProfiler, Pass, PassTimes, Profiler};
use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Begins to add up times. Without it, [`report`] has nothing to show.
pub fn enable() {
    ENABLED.store(true, Ordering::Relaxed);
}

/// Prepares the calling thread to measure, or not to.
pub fn begin() {
    let profiler: Box<dyn Profiler> = if ENABLED.load(Ordering::Relaxed) {
        Box::new(DefaultProfiler)
    } else {
        Box::new(NoProfiler)
    };
    timing::set_thread_profiler(profiler);
}

/// Adds what the calling thread has measured since it last called this.
pub fn harvest() {
    if ENABLED.load(Ordering::Relaxed) {
        // A pass that was given up in the middle may still count as running; its times are lost.
        if let Ok(times) = panics::contain(timing::take_current) {
            total().get_or_insert_default().add(&times);
        }
    }
}

/// The table of all times so far.
pub fn report() -> String {
    total().get_or_insert_default().to_string()
}

/// Asks no clock, which passes of small functions would notice.
struct NoProfiler;

impl Profiler for NoProfiler {
    fn start_pass(&self, _pass: Pass) -> Box<dyn Any> {
        Box::new(())
    }
}

static ENABLED: AtomicBool = AtomicBool::new(false);
static TOTAL: Mutex<Option<PassTimes>> = Mutex::new(None);

fn total() -> MutexGuard<'static, Option<PassTimes>> {
    TOTAL.lock().unwrap_or_else(|error| error.into_inner())
}
