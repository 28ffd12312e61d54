//! What a campaign finds, and its tables.

use super::case::{Case, Direction};
use cranelift_codegen::ir::Type;
use oracles::platform::Platform;
use oracles::toolchain::Compiler;
use std::collections::{BTreeMap, BTreeSet};

/// What came out.
#[derive(Debug, Default)]
pub struct Report {
    /// By target, compiler and direction.
    pub cells: BTreeMap<(Platform, Compiler, Direction), Cell>,
    /// By type and target, how many signatures were compared that have such a field, each once for
    /// each compiler.
    pub fields: BTreeMap<FieldType, BTreeMap<Platform, usize>>,
    /// Signatures that somebody sees differently.
    pub mismatches: Vec<Mismatch>,
    /// Refusals that no rule explains.
    pub unexplained: Vec<String>,
    /// Tools that are missing, or failed.
    pub broken: BTreeSet<String>,
}

/// The counts for one target, compiler and direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Signatures that were compared, with those that did not agree.
    pub checked: usize,
    /// Those that did not agree.
    pub mismatched: usize,
    /// Those that were not compared, by reason.
    pub refused: BTreeMap<String, usize>,
}

/// A type in the order of a table: scalars first, by size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldType {
    is_vector: bool,
    bits: u32,
    name: String,
}

impl From<Type> for FieldType {
    fn from(ty: Type) -> Self {
        FieldType {
            is_vector: ty.is_vector(),
            bits: ty.bits(),
            name: ty.to_string(),
        }
    }
}

/// A disagreement.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The target.
    pub target: Platform,
    /// The compiler.
    pub compiler: Compiler,
    /// The optimization level.
    pub level: &'static str,
    /// Who calls.
    pub direction: Direction,
    /// The number of the signature for this seed.
    pub number: usize,
    /// The settings of Cranelift.
    pub settings: &'static [&'static str],
    /// The signature and how calls are made.
    pub case: Case,
    /// What is wrong.
    pub text: String,
}

impl Report {
    /// Does everything agree that was compared, and is the rest explained?
    pub fn is_success(&self) -> bool {
        self.mismatches.is_empty() && self.unexplained.is_empty() && self.broken.is_empty()
    }

    /// The sum of both.
    pub(super) fn add(&mut self, other: Report) {
        for (key, cell) in other.cells {
            let sum = self.cells.entry(key).or_default();
            sum.checked += cell.checked;
            sum.mismatched += cell.mismatched;
            for (reason, count) in cell.refused {
                *sum.refused.entry(reason).or_default() += count;
            }
        }
        for (ty, counts) in other.fields {
            let sums = self.fields.entry(ty).or_default();
            for (target, count) in counts {
                *sums.entry(target).or_default() += count;
            }
        }
        self.mismatches.extend(other.mismatches);
        self.unexplained.extend(other.unexplained);
        self.broken.extend(other.broken);
    }

    /// The counts as a table, reasons below it.
    pub fn table(&self) -> String {
        let mut rows = vec![
            [
                "target",
                "compiler",
                "direction",
                "checked",
                "mismatched",
                "refused",
            ]
            .map(str::to_owned),
        ];
        let mut sum = [0; 3];
        let mut reasons: BTreeMap<(Platform, Compiler, &str), usize> = BTreeMap::new();
        for ((target, compiler, direction), cell) in &self.cells {
            let refused: usize = cell.refused.values().sum();
            let counts = [cell.checked, cell.mismatched, refused];
            let [checked, mismatched, refused] = counts.map(|count| count.to_string());
            for (sum, count) in sum.iter_mut().zip(counts) {
                *sum += count;
            }
            rows.push([
                target.to_string(),
                compiler.to_string(),
                direction.to_string(),
                checked,
                mismatched,
                refused,
            ]);
            for (reason, count) in &cell.refused {
                *reasons.entry((*target, *compiler, reason)).or_default() += count;
            }
        }
        let [checked, mismatched, refused] = sum.map(|count| count.to_string());
        rows.push([
            "all".to_owned(),
            String::new(),
            String::new(),
            checked,
            mismatched,
            refused,
        ]);
        let mut text = aligned(&rows, 3);
        if !reasons.is_empty() {
            text.push_str("\nrefused, in both directions\n");
        }
        for ((target, compiler, reason), count) in reasons {
            text.push_str(&format!("  {target} {compiler}: {count}: {reason}\n"));
        }
        text
    }

    /// How often each type was a field, by target.
    pub fn field_table(&self) -> String {
        let targets: BTreeSet<Platform> = self.cells.keys().map(|(target, ..)| *target).collect();
        let names = targets.iter().map(Platform::to_string);
        let head: Vec<String> = ["field".to_owned()].into_iter().chain(names).collect();
        let rows = self.fields.iter().map(|(ty, counts)| {
            let count = |target| counts.get(target).copied().unwrap_or(0).to_string();
            let counts = targets.iter().map(count);
            [ty.name.clone()].into_iter().chain(counts).collect()
        });
        let rows: Vec<Vec<String>> = [head].into_iter().chain(rows).collect();
        aligned(&rows, 1)
    }
}

/// Rows with their columns aligned: the first ones to the left, the numbers after them to the right.
fn aligned<R: AsRef<[String]>>(rows: &[R], first_number: usize) -> String {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(row.as_ref().len(), 0);
        for (width, cell) in widths.iter_mut().zip(row.as_ref()) {
            *width = cell.len().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.as_ref().iter().zip(&widths).enumerate() {
            text.push_str(&match column < first_number {
                true => format!("{cell:<width$}  "),
                false => format!("{cell:>width$}  "),
            });
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}
