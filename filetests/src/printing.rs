//! What a program does that cannot print.

/// From now on a closed pipe ends this process quietly, and a full disk with status 2 and an error. Otherwise printing panics, which
/// is no fault of the program. To be called before there are threads.
pub fn end_if_printing_fails() {
    // Rust ignores the signal of a closed pipe: `clif-util cat F | head`.
    #[cfg(unix)]
    // SAFETY: no other thread runs yet, and the default action needs nothing.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| match info.payload_as_str() {
        Some(message) if message.starts_with("failed printing to stdout") => {
            eprintln!("error: {message}");
            std::process::exit(2);
        }
        _ => previous(info),
    }));
}
