//! Wasmer, in a program of its own: it needs another Cranelift.

use super::case::Way;
use crate::measure::CallLoop;
use anyhow::{Context, Result};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

/// The program, which answers requests. It ends with its standard input.
#[derive(Clone)]
pub struct Wasmer(Rc<RefCell<Pipe>>);

struct Pipe {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Wasmer {
    /// Starts the program.
    ///
    /// # Errors
    ///
    /// If it cannot run.
    pub fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("no standard output")?;
        Ok(Self(Rc::new(RefCell::new(Pipe {
            child,
            requests,
            answers: BufReader::new(answers),
        }))))
    }

    fn ask(&self, request: &str) -> Result<i64> {
        let pipe = &mut *self.0.borrow_mut();
        let requests = pipe.requests.as_mut().context("no standard input")?;
        requests.write_all(format!("{request}\n").as_bytes())?;
        let mut answer = String::new();
        pipe.answers.read_line(&mut answer)?;
        let answer = answer.trim().parse();
        answer.with_context(|| format!("the program for Wasmer does not answer `{request}`"))
    }

    /// Makes a loop, whose time has that of a question and its answer in it, some ten microseconds.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub fn make(&self, way: Way, count: usize, placement: usize) -> Result<CallLoop> {
        let way = match way {
            Way::Import => "import",
            Way::Export => "export",
        };
        let program = self.clone();
        let ask = move |iterations: u64, seed: u64| {
            program.ask(&format!(
                "{way} {count} {placement} {iterations} {}",
                seed as i64
            ))
        };
        // Whether it can, and so that compiling is not measured.
        ask(1, 0)?;
        Ok(CallLoop::new(move |iterations, seed| {
            ask(iterations, seed).map_or(0, |sum| sum as u64)
        }))
    }

    /// Executable memory for a hundred imports.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub fn import_bytes(&self) -> Result<usize> {
        Ok(self.ask("bytes")? as usize)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.requests = None;
        // How it ends is of no matter: all answers have come.
        let _ = self.child.wait();
    }
}
