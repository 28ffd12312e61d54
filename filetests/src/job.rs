//! Jobs: one command on one target, over all functions of a file.

use crate::abi::target_name;
use crate::activity;
use crate::bless::{Blessing, Blessings};
use crate::outcome::Failure;
use crate::source::Source;
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{Flags, FlagsOrIsa};
use cranelift_reader::{Comment, Details, TestFile};
use std::cell::RefCell;
use std::path::Path;
use std::str::FromStr;
use target_lexicon::{Architecture, Triple};

/// The choices that change what the jobs of a file are, or what they may do.
#[derive(Clone, Debug, Default)]
pub struct JobOptions {
    /// Rewrite expectations of precise output that differ, instead of failing.
    pub bless: bool,
    /// Run only jobs for targets that match.
    pub target: Option<TargetFilter>,
    /// Which commands to run.
    pub commands: Commands,
}

/// Which targets to run jobs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetFilter {
    /// Those of this architecture.
    Architecture(Architecture),
    /// This one.
    Triple(Triple),
}

impl FromStr for TargetFilter {
    type Err = String;

    /// A triple as in a `target` line, without flags; one with only an architecture stands for all
    /// with that architecture.
    fn from_str(text: &str) -> Result<Self, String> {
        let triple = Triple::from_str(text)
            .map_err(|_| format!("`{text}` is no target triple, such as `x86_64`"))?;
        Ok(match text.contains('-') {
            true => TargetFilter::Triple(triple),
            false => TargetFilter::Architecture(triple.architecture),
        })
    }
}

impl TargetFilter {
    pub(crate) fn matches(&self, triple: &Triple) -> bool {
        match self {
            TargetFilter::Architecture(architecture) => triple.architecture == *architecture,
            TargetFilter::Triple(wanted) => triple == wanted,
        }
    }
}

/// Which commands to run on a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Commands {
    /// Those of its `test` lines.
    #[default]
    OfFile,
    /// These instead, each one a whole command with its options, on another target and with
    /// default settings.
    Passes {
        /// The commands, as they are written after `test`.
        passes: Vec<String>,
        /// The target with its flags; an empty text means none.
        target: String,
    },
    /// The run directives, on this host with all its features, whatever the `test` lines say.
    RunHere,
    /// The run directives, interpreted, whatever the `test` lines say.
    Interpret,
}

/// One command on one target (or on none), over all functions of a file.
pub struct Job<'a, 'text> {
    /// The file's path, for messages.
    pub path: &'a Path,
    /// The line of the command in the file, or else the first.
    pub line: usize,
    /// The parsed file, as it was read: no job changes it.
    pub file: &'a TestFile<'text>,
    /// The file's text, which all comments are slices of.
    pub source: &'a Source<'text>,
    /// The target of a job that needs one; otherwise the file's only target, if it has one.
    pub isa: Option<&'a dyn TargetIsa>,
    /// The shared settings.
    pub flags: &'a Flags,
    /// The choices of the run.
    pub options: &'a JobOptions,
    pub(crate) blessings: &'a RefCell<Blessings>,
    pub(crate) printed: &'a RefCell<Vec<String>>,
}

impl<'a, 'text> Job<'a, 'text> {
    /// The target, or an error for a command that cannot do without.
    pub fn target(&self) -> Result<&'a dyn TargetIsa, Failure> {
        self.isa
            .ok_or_else(|| self.fail("this command needs a `target` line"))
    }

    /// A failure of the whole job, at its `test` line.
    pub fn fail(&self, message: impl Into<String>) -> Failure {
        Failure::at(self.line, message)
    }

    /// The settings in the form that the verifier takes.
    pub fn flags_or_isa(&self) -> FlagsOrIsa<'a> {
        match self.isa {
            Some(isa) => FlagsOrIsa::from(isa),
            None => FlagsOrIsa::from(self.flags),
        }
    }

    /// The functions with what the reader knows about them.
    pub fn functions(
        &self,
    ) -> impl Iterator<Item = (&'a Function, &'a Details<'text>)> + use<'a, 'text> {
        self.file
            .functions
            .iter()
            .map(|(func, details)| (func, details))
    }

    /// The line that a comment is on.
    pub fn line_of(&self, comment: &Comment<'_>) -> usize {
        self.source.line_of(comment.text).unwrap_or(self.line)
    }

    /// Notes that `func` is now being worked on, for whoever reports a panic or a crash.
    pub fn note(&self, doing: &str, func: &Function, details: &Details<'_>) {
        note_function(self.isa, doing, func, details);
    }

    /// Records a line that a `print` directive wrote.
    pub fn print(&self, line: String) {
        self.printed.borrow_mut().push(line);
    }

    /// Records the output that the expectations of the function at `line` should become.
    pub fn bless(&self, func: &Function, line: usize, output: Vec<String>) -> Result<(), Failure> {
        let mut functions = self.file.functions.iter();
        let index = functions.position(|(_, details)| details.location.line_number == line);
        let blessing = Blessing {
            index: index.unwrap_or_default(),
            name: func.name.to_string(),
            output,
        };
        self.blessings.borrow_mut().add(line, blessing)
    }
}

/// Notes that `func` is now being worked on, for a target if there is one.
pub fn note_function(
    isa: Option<&dyn TargetIsa>,
    doing: &str,
    func: &Function,
    details: &Details<'_>,
) {
    let (line, name) = (details.location.line_number, &func.name);
    match isa {
        Some(isa) => {
            let target = target_name(isa.triple());
            activity::note(line, format_args!("{doing} {name} for {target}"));
        }
        None => activity::note(line, format_args!("{doing} {name}")),
    }
}
