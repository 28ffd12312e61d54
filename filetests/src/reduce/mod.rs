//! Reduction of a function to a small one that still has some property, such as to crash the
//! compiler.
//!
//! A family of simplifications is a function that offers *sites*: places of a draft
//! where something may go or become simpler. Each family is tried on all its sites at once, then on
//! halves, quarters and so on down to single ones, and all families again until none helps. What
//! became simpler is a matter of `size` alone, so families cannot undo each other's work.
//!
//! - `draft` is a function under change, with the tools that families share;
//! - `blocks` removes, merges and skips blocks, `edges` simplifies what ends them;
//! - `instructions` puts constants and earlier values in the place of results;
//! - `signatures` removes parameters and results, with their arguments and uses;
//! - `details` simplifies what is left: locations, flags, numbers, declarations;
//! - `copy` writes the changed function anew, numbered in order, without what nothing can see.

mod blocks;
mod copy;
mod details;
mod draft;
mod edges;
mod instructions;
mod signatures;
mod size;

pub use size::{block_count, instruction_count};

use cranelift_codegen::ir::Function;
use cranelift_codegen::ir::entities::AnyEntity;
use draft::Draft;
use size::Size;
use std::collections::HashSet;
use std::ops::Range;

/// What a reduction came to.
#[derive(Clone, Debug)]
pub struct Reduction {
    /// The reduced function; [`print()`] gives its text.
    pub func: Function,
    /// How often the property was asked for.
    pub attempts: usize,
    /// Whether the limit on attempts ended the reduction.
    pub is_limited: bool,
}

type Family = fn(&mut Draft);

/// The order is that of what they save: blocks take instructions with them, instructions
/// declarations.
const FAMILIES: &[Family] = &[
    details::locations,
    blocks::remove,
    edges::terminators,
    instructions::remove,
    edges::table_entries,
    blocks::merge,
    blocks::skip,
    blocks::params,
    details::stack_slots,
    signatures::own,
    signatures::callees,
    instructions::forward,
    signatures::attributes,
    details::memory_flags,
    details::numbers,
    details::declarations,
];

/// Reduces a function that verifies and has a property.
///
/// `keeps` says whether a candidate has the property; it must refuse what does not verify. It is
/// asked at most `limit` times; `progress` hears how often so far, and how many instructions are
/// left.
pub fn reduce(
    func: &Function,
    limit: usize,
    mut keeps: impl FnMut(&Function) -> bool,
    mut progress: impl FnMut(usize, usize),
) -> Reduction {
    let mut reducer = Reducer {
        size: Size::of(func, print(func)),
        func: func.clone(),
        unused: Vec::new(),
        tried: HashSet::new(),
        attempts: 0,
        limit,
        keeps: &mut keeps,
        progress: &mut progress,
    };
    // Nothing is simpler in a mere copy, which is why it counts as such.
    reducer.attempt(|_| {}, 0..0, true);
    let mut changed = true;
    while changed {
        changed = false;
        for &family in FAMILIES {
            changed |= reducer.apply(family);
        }
    }
    Reduction {
        is_limited: reducer.is_limited(),
        attempts: reducer.attempts,
        func: reducer.func,
    }
}

/// The text of a function, with the dynamic types that Cranelift's printer leaves out.
pub fn print(func: &Function) -> String {
    let mut text = func.display().to_string();
    for (dynamic, data) in &func.dfg.dynamic_types {
        if let Some(ty) = data.concrete() {
            text = text.replace(&ty.to_string(), &dynamic.to_string());
        }
        let (base, scale) = (data.base_vector_ty, data.dynamic_scale);
        text = text.replacen("{\n", &format!("{{\n    {dynamic} = {base}*{scale}\n"), 1);
    }
    text
}

struct Reducer<'a> {
    func: Function,
    size: Size,
    /// Declarations of `func` that nothing refers to.
    unused: Vec<AnyEntity>,
    /// Texts that were refused.
    tried: HashSet<String>,
    attempts: usize,
    limit: usize,
    keeps: &'a mut dyn FnMut(&Function) -> bool,
    progress: &'a mut dyn FnMut(usize, usize),
}

impl Reducer<'_> {
    fn is_limited(&self) -> bool {
        self.attempts >= self.limit
    }

    /// Tries a family on many sites, then on ever fewer; whether it helped.
    fn apply(&mut self, family: Family) -> bool {
        let mut changed = false;
        let mut length = self.site_count(family);
        while length > 0 {
            // From the end, as uses come after definitions; the sites before it stay what they are.
            let mut end = self.site_count(family);
            while end > 0 && !self.is_limited() {
                let start = end.saturating_sub(length);
                changed |= self.attempt(family, start..end, false);
                end = start;
            }
            length /= 2;
        }
        changed
    }

    fn site_count(&self, family: Family) -> usize {
        let mut draft = Draft::new(self.func.clone(), &self.unused, 0..0);
        family(&mut draft);
        draft.site_count()
    }

    /// Takes the function with these sites changed if it is smaller and has the property.
    fn attempt(&mut self, family: Family, sites: Range<usize>, is_smaller: bool) -> bool {
        if self.is_limited() {
            return false;
        }
        let mut draft = Draft::new(self.func.clone(), &self.unused, sites);
        family(&mut draft);
        let Some(copied) = copy::copy(&draft.func, &draft.stripped) else {
            return false;
        };
        let text = print(&copied.func);
        if self.tried.contains(&text) {
            return false;
        }
        let size = Size::of(&copied.func, text);
        if !is_smaller && size >= self.size {
            return false;
        }
        self.attempts += 1;
        let kept = (self.keeps)(&copied.func);
        if kept {
            (self.func, self.unused, self.size) = (copied.func, copied.unused, size);
        } else {
            self.tried.insert(size.text);
        }
        (self.progress)(self.attempts, instruction_count(&self.func));
        kept
    }
}
