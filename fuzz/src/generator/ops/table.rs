//! Which operations a machine has: those of `operations.txt` that its backend and the interpreter have.
//!
//! ```text
//! icmp.eq,ne   xXaArRsSpPi   i8 i16 i32
//! ```
//!
//! What is done, for comparisons which ones; who has it, see [`crate::operations`]; and the types, with that of
//! an operand in parentheses if it does not depend on the first. Lines that begin with `#` are for readers.

use super::operation::{Operation, conditions};
use crate::generator::Machine;
use crate::generator::settings::ROWS;
use crate::generator::signature::TYPES;
use cranelift_codegen::ir::{Endianness, Opcode, Type, types};
use cranelift_codegen::isa::multi_out::OutTarget;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The file, which is made by trying.
pub const TEXT: &str = include_str!("../../../operations.txt");

/// What makes it again, with a table in the README.
pub const BLESS: &str =
    "`cargo run -p multi-out-fuzz --bin programs -- operations --write` makes it again";

/// Who compiles: the letters of [`ROWS`], and of Pulley one for each order of bytes.
pub const BACKENDS: [char; 2 * ROWS.len() + 2] = {
    let mut letters = ['p'; 2 * ROWS.len() + 2];
    let mut at = 0;
    while at < ROWS.len() {
        [letters[2 * at], letters[2 * at + 1]] = ROWS[at].letters;
        at += 1;
    }
    letters[2 * at + 1] = 'P';
    letters
};

/// The interpreter has it, and agrees with what was compiled.
pub const INTERPRETED: char = 'i';

/// An operation, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The operation.
    pub operation: Operation,
    /// The letters.
    pub who: String,
}

/// What the file says.
pub fn rows() -> &'static [Row] {
    static ROWS: OnceLock<Vec<Row>> = OnceLock::new();
    ROWS.get_or_init(|| match parse(TEXT) {
        Ok(rows) => rows,
        Err(error) => panic!("operations.txt: {error}; {}", BLESS),
    })
}

/// Reads a list of operations.
///
/// # Errors
///
/// If there is something else in it.
pub fn parse(text: &str) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parsed = parse_line(line);
        rows.extend(parsed.ok_or_else(|| format!("`{line}` is no list of operations"))?);
    }
    Ok(rows)
}

fn parse_line(line: &str) -> Option<Vec<Row>> {
    let mut words = line.split_whitespace();
    let (name, which) = match words.next()?.split_once('.') {
        Some((name, which)) => (name, which.split(',').collect()),
        None => (line.split_whitespace().next()?, vec![""]),
    };
    let opcode: Opcode = name.parse().ok()?;
    let known = conditions(opcode);
    let who = words.next()?;
    let mut rows = Vec::new();
    for types in words {
        let (ty, free) = match types.trim_end_matches(')').split_once('(') {
            Some((ty, free)) => (parse_type(ty)?, parse_type(free)?),
            None => (parse_type(types)?, types::INVALID),
        };
        for which in &which {
            let condition = match *which {
                "" => 0,
                which => known.iter().position(|known| known == which)?,
            };
            let operation = Operation::new(opcode, condition, ty, free)?;
            let who = who.to_owned();
            rows.push(Row { operation, who });
        }
    }
    Some(rows)
}

fn parse_type(name: &str) -> Option<Type> {
    TYPES.into_iter().find(|ty| ty.to_string() == name)
}

/// The operations of a machine.
#[derive(Default)]
pub struct Table {
    /// By the type of their first result, those of an opcode together.
    results: HashMap<Type, Vec<Vec<&'static Operation>>>,
    /// Those of one value that make one of another type of it, by both types.
    conversions: HashMap<(Type, Type), Vec<&'static Operation>>,
}

impl Table {
    /// That of a machine.
    pub fn of(machine: Machine) -> &'static Table {
        static TABLES: [OnceLock<Table>; BACKENDS.len()] =
            [const { OnceLock::new() }; BACKENDS.len()];
        let place = backend(machine);
        TABLES[place].get_or_init(|| {
            let has =
                |row: &&Row| row.who.contains(BACKENDS[place]) && row.who.contains(INTERPRETED);
            let mut table = Table::default();
            for row in rows().iter().filter(has) {
                table.add(&row.operation);
            }
            table
        })
    }

    fn add(&mut self, operation: &'static Operation) {
        let groups = self.results.entry(operation.results[0]).or_default();
        match groups.last_mut() {
            Some(group) if group[0].opcode == operation.opcode => group.push(operation),
            _ => groups.push(vec![operation]),
        }
        if let ([from], [to, ..]) = (&operation.operands[..], &operation.results[..])
            && from != to
        {
            self.conversions
                .entry((*from, *to))
                .or_default()
                .push(operation);
        }
    }

    /// One that makes a value of this type, if there is any: the first choice is what it does, the second for
    /// which types.
    pub fn pick(&self, ty: Type, choices: [u8; 2]) -> Option<&'static Operation> {
        let groups = self.results.get(&ty)?;
        let group = &groups[usize::from(choices[0]) % groups.len()];
        Some(group[usize::from(choices[1]) % group.len()])
    }

    /// One that makes a value out of one of another type, if there is any.
    pub fn pick_conversion(&self, from: Type, to: Type, choice: u8) -> Option<&'static Operation> {
        let all = self.conversions.get(&(from, to))?;
        Some(all[usize::from(choice) % all.len()])
    }

    /// Whether there is one with this opcode and type of its first result.
    pub fn has(&self, opcode: Opcode, ty: Type) -> bool {
        let groups = self.results.get(&ty);
        groups.is_some_and(|groups| groups.iter().any(|group| group[0].opcode == opcode))
    }
}

/// The place of a machine among [`BACKENDS`].
fn backend(machine: Machine) -> usize {
    let mut rows = ROWS.iter();
    let row = rows.position(|row| row.target == machine.target);
    let has_all = match machine.target {
        OutTarget::Pulley => machine.endianness == Endianness::Little,
        _ => machine.has_features,
    };
    assert!(row.is_some() || machine.target == OutTarget::Pulley);
    2 * row.unwrap_or(ROWS.len()) + usize::from(has_all)
}
