//! A disagreement with the smallest signature that shows it, as a filetest.

use super::case::{Case, Direction};
use super::standalone::{self, Setting};
use super::{Batch, Campaign, Mismatch};
use cranelift_codegen::ir::Signature;
use filetests::abi;
use oracles::toolchain::Compiler;

impl Mismatch {
    /// Drops parameters and results as long as there is a disagreement, and writes what is left so
    /// that it can be repeated: as a filetest, or for Rust, which filetests do not have, as a command.
    ///
    /// # Errors
    ///
    /// If a tool is missing.
    pub fn shrunk(&self) -> Result<String, String> {
        let campaign = Campaign {
            seed: 0,
            signature: None,
            count: 1,
            targets: vec![self.target],
            compilers: vec![self.compiler],
            directions: vec![self.direction],
            jobs: 1,
            batch: 1,
            stops_at_mismatch: false,
            has_base_convention: self.case.convention != self.target.convention(),
        };
        let mut batch = Batch::new(&campaign, self.target, self.settings)?;
        let mut best = (self.case.clone(), self.text.clone());
        'smaller: loop {
            for candidate in candidates(&best.0) {
                if let Some(text) =
                    batch.mismatch(self.compiler, self.level, self.direction, &candidate)
                {
                    best = (candidate, text);
                    continue 'smaller;
                }
            }
            break;
        }
        let (mut case, text) = best;
        case.number = 0;
        let notes = [
            format!(
                "{} and compiled code disagree when it {} ({}).",
                self.compiler,
                match self.direction {
                    Direction::CallsC => "is called",
                    Direction::CalledByC => "calls",
                },
                self.level
            ),
            format!("Shrunk from signature {}: {text}", self.number),
        ];
        if self.compiler == Compiler::Rustc {
            let lines = notes.map(|note| format!(";; {note}\n")).concat();
            return Ok(format!(
                "{lines}cargo xtask campaign c-abi --target {} --compiler {} --direction {} --signature '{}'\n",
                self.target, self.compiler, self.direction, case.signature
            ));
        }
        let setting = Setting {
            target: self.target,
            settings: self.settings,
            compiler: self.compiler,
            level: self.level,
            direction: self.direction,
        };
        standalone::write(&*batch.isa, &case, setting, &notes).map_err(|error| error.to_string())
    }
}

impl Batch<'_> {
    /// What is wrong with one case, if it is.
    fn mismatch(
        &mut self,
        compiler: Compiler,
        level: &'static str,
        direction: Direction,
        case: &Case,
    ) -> Option<String> {
        abi::check_c(&*self.isa, &case.signature).ok()?;
        if self.difference_of(compiler, case).is_some() {
            return None;
        }
        let cases = std::slice::from_ref(case);
        let functions = match self.write_functions(cases) {
            Ok(functions) => functions,
            Err(error) => return Some(format!("it does not compile: {error}")),
        };
        let failures = self.failures(compiler, level, cases, &functions);
        let mut texts = failures.into_iter().filter(|(way, ..)| *way == direction);
        texts.next().map(|(_, _, text)| text)
    }
}

/// Smaller cases, the smallest first.
fn candidates(case: &Case) -> Vec<Case> {
    let mut candidates = Vec::new();
    let mut add = |change: &dyn Fn(&mut Signature)| {
        let mut smaller = case.clone();
        change(&mut smaller.signature);
        if smaller.signature != case.signature {
            candidates.push(smaller);
        }
    };
    let (params, returns) = (case.signature.params.len(), case.signature.returns.len());
    add(&|signature| signature.params.clear());
    add(&|signature| signature.returns.truncate(returns / 2));
    add(&|signature| drop(signature.returns.drain(..returns / 2)));
    add(&|signature| signature.params.truncate(params / 2));
    add(&|signature| drop(signature.params.drain(..params / 2)));
    for n in (0..params).rev() {
        add(&|signature| {
            signature.params.remove(n);
        });
    }
    for n in (0..returns).rev() {
        add(&|signature| {
            signature.returns.remove(n);
        });
    }
    if case.is_indirect {
        candidates.push(Case {
            is_indirect: false,
            ..case.clone()
        });
    }
    candidates
}
