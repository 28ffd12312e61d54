//! Sources and object files made into a program, and what it prints.

use crate::platform::{Platform, as_elf};
use crate::temporary::TemporaryFolder;
use crate::toolchain::{CTarget, Compiler};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A folder of its own, removed at the end.
pub struct Workshop {
    folder: TemporaryFolder,
    /// Of a processor's time, for compilers as well as for what they make.
    time_limit: Duration,
}

/// What a program printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    /// The standard output.
    pub output: String,
    /// The error stream.
    pub errors: String,
    /// How it ended.
    pub ending: Ending,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself or by a signal.
    Ended(ExitStatus),
    /// It took too long.
    TimedOut,
}

/// What can go wrong before a program runs.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BuildError {
    /// A file could not be written or a program not started.
    #[error("{0}: {1}")]
    System(String, String),
    /// A compiler or linker says that something is wrong.
    #[error("{program} fails\n{errors}")]
    Refused {
        /// The program.
        program: String,
        /// What it says.
        errors: String,
    },
}

impl Workshop {
    /// Makes a folder for temporary files.
    pub fn new() -> Result<Self, BuildError> {
        Ok(Workshop {
            folder: TemporaryFolder::new().map_err(system("making a folder"))?,
            time_limit: Duration::from_secs(100),
        })
    }

    /// The path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf, BuildError> {
        let path = self.path(name);
        fs::write(&path, contents).map_err(system("writing a source file"))?;
        Ok(path)
    }

    /// Compiles a file of the folder to `object`. `level` is an optimization level in C, `-O2`.
    pub fn compile(
        &self,
        (platform, compiler): (impl Into<Platform>, Compiler),
        source: &str,
        object: &str,
        level: &str,
        flags: &[impl AsRef<OsStr>],
    ) -> Result<PathBuf, BuildError> {
        let platform = platform.into();
        let mut command = platform.compiler(compiler);
        match compiler {
            Compiler::Rustc => {
                command.arg(format!("-Copt-level={}", level.trim_start_matches("-O")))
            }
            _ => command.arg(level).arg("-I").arg(self.folder.path()),
        };
        let object = self.path(object);
        command.args(flags).arg(self.path(source));
        if (platform, compiler) == (Platform::Apple, Compiler::Clang) {
            self.compile_for_apple(&mut command, &object)?;
        } else {
            self.build(command.arg("-o").arg(&object), &object)?;
        }
        Ok(object)
    }

    /// Makes an object file for Apple's platform, given the arguments of [`Platform::compiler`] but `-o`.
    ///
    /// The triple with `-elf` has the convention of macOS and the directives of ELF, but addresses as
    /// Mach-O has them.
    fn compile_for_apple(&self, command: &mut Command, object: &Path) -> Result<(), BuildError> {
        self.write("apple.h", include_str!("apple.h"))?;
        let assembly = object.with_extension("s");
        self.build(command.arg("-o").arg(&assembly), &assembly)?;
        let text = fs::read_to_string(&assembly).map_err(system("reading assembly"))?;
        fs::write(&assembly, as_elf(&text)).map_err(system("writing assembly"))?;
        let mut assembler = Compiler::Clang.command(CTarget::Aarch64);
        // Every processor that macOS runs on has it.
        assembler.arg("-march=armv8.4-a+fp16");
        self.build(assembler.arg(&assembly).arg("-o").arg(object), object)
    }

    /// Links object files into a program.
    pub fn link(
        &self,
        platform: impl Into<Platform>,
        objects: &[&Path],
        program: &str,
    ) -> Result<PathBuf, BuildError> {
        let platform = platform.into();
        let program = self.path(&format!("{program}{}", platform.program_suffix()));
        let mut command = platform.linker();
        command.args(objects).arg("-o").arg(&program);
        self.build(&mut command, &program)?;
        Ok(program)
    }

    /// Runs a command that makes a file.
    pub fn build(&self, command: &mut Command, product: &Path) -> Result<(), BuildError> {
        // Compilers that are killed leave files.
        let run = self.spawn(command.env("TMPDIR", self.folder.path()), product)?;
        match run.ending {
            Ending::Ended(status) if status.success() => Ok(()),
            ending => Err(BuildError::Refused {
                program: command.get_program().to_string_lossy().into_owned(),
                errors: match ending {
                    Ending::TimedOut => "it takes too long".to_owned(),
                    Ending::Ended(_) => run.errors,
                },
            }),
        }
    }

    /// Runs a program.
    pub fn run(
        &self,
        platform: impl Into<Platform>,
        program: &Path,
        arguments: &[&str],
    ) -> Result<Run, BuildError> {
        self.spawn(platform.into().runner(program).args(arguments), program)
    }

    /// Runs a command with its output in files named after `product`.
    fn spawn(&self, command: &mut Command, product: &Path) -> Result<Run, BuildError> {
        let (output, errors) = (
            product.with_extension("stdout"),
            product.with_extension("stderr"),
        );
        let create = |path: &Path| File::create(path).map_err(system("making a file"));
        command
            .stdin(Stdio::null())
            .stdout(create(&output)?)
            .stderr(create(&errors)?);
        contain(command, self.time_limit);
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(system(&name))?;
        let start = Instant::now();
        let ending = loop {
            if let Some(status) = child.try_wait().map_err(system(&name))? {
                break Ending::of(status);
            }
            if start.elapsed() > PATIENCE * self.time_limit {
                // It may end in between.
                let _ = child.kill();
                child.wait().map_err(system(&name))?;
                break Ending::TimedOut;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        let read = |path: &Path| {
            let bytes = fs::read(path).map_err(system("reading output"))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        Ok(Run {
            output: read(&output)?,
            errors: read(&errors)?,
            ending,
        })
    }
}

/// Lets the command end with this thread, whose file may run out of time or crash, and when it has had its
/// time, and keeps it from filling the disk.
fn contain(command: &mut Command, time: Duration) {
    #[cfg(target_os = "linux")]
    // SAFETY: there are system calls alone, which are allowed between fork and exec.
    unsafe {
        use std::os::unix::process::CommandExt;
        command.pre_exec(move || {
            let limit = |rlim_cur, rlim_max| libc::rlimit { rlim_cur, rlim_max };
            libc::setrlimit(libc::RLIMIT_FSIZE, &limit(MAX_FILE_SIZE, MAX_FILE_SIZE));
            // SIGXCPU after the first, SIGKILL after the second.
            let seconds = time.as_secs().max(1);
            libc::setrlimit(libc::RLIMIT_CPU, &limit(seconds, seconds + 5));
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (command, time);
}

/// How many times the limit of its processor time something may take on the clock: more than a busy machine
/// has threads to share a processor among.
pub const PATIENCE: u32 = 30;

/// Of a program's output, or of what a compiler writes, in bytes.
#[cfg(target_os = "linux")]
const MAX_FILE_SIZE: u64 = 1 << 30;

impl Ending {
    fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if std::os::unix::process::ExitStatusExt::signal(&status) == Some(libc::SIGXCPU) {
            return Ending::TimedOut;
        }
        Ending::Ended(status)
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Ended(status) => status.fmt(f),
            Ending::TimedOut => f.write_str("it did not end in time"),
        }
    }
}

fn system(what: &str) -> impl FnOnce(io::Error) -> BuildError {
    let what = what.to_owned();
    move |error| BuildError::System(what, error.to_string())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn ending(script: &str, time_limit: Duration) -> Ending {
        let mut workshop = Workshop::new().expect("a folder");
        workshop.time_limit = time_limit;
        let mut command = Command::new("sh");
        let run = workshop.spawn(command.args(["-c", script]), &workshop.path("script"));
        run.expect("a shell").ending
    }

    #[test]
    fn the_time_of_a_command_is_that_of_its_processor() {
        let limit = Duration::from_secs(2);
        assert_eq!(ending("while :; do :; done", limit), Ending::TimedOut);
        let ending = ending("sleep 3", limit);
        assert!(matches!(ending, Ending::Ended(status) if status.success()));
    }

    #[test]
    fn a_command_does_not_wait_for_ever() {
        let limit = Duration::from_millis(50);
        assert_eq!(ending("exec sleep 600", limit), Ending::TimedOut);
    }
}
