//! `test domtree`: the dominator tree is as `dominates:` comments say; its listing is matched by
//! filecheck directives.
//!
//! A comment `; dominates: block1 block2` after an instruction says that the instruction's block
//! is the immediate dominator of those blocks. Each reachable block but the entry must be listed
//! once.

use crate::check::check_directives;
use crate::errors::line_of_entity;
use crate::job::Job;
use crate::outcome::{Failure, Verdict};
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::flowgraph::ControlFlowGraph;
use cranelift_codegen::ir::entities::AnyEntity;
use cranelift_codegen::ir::{Block, Function};
use cranelift_reader::Details;
use std::collections::HashSet;
use std::fmt::Write;

/// See the module.
pub fn run(job: &Job<'_, '_>) -> Result<Verdict, Failure> {
    for (func, details) in job.functions() {
        job.note("computing the dominator tree of", func, details);
        let graph = ControlFlowGraph::with_function(func);
        let tree = DominatorTree::with_function(func, &graph);
        check_annotations(job, func, details, &tree)?;
        check_directives(job, func, details, &listing(func, &tree))?;
    }
    Ok(Verdict::Passed)
}

fn check_annotations(
    job: &Job<'_, '_>,
    func: &Function,
    details: &Details<'_>,
    tree: &DominatorTree,
) -> Result<(), Failure> {
    let mut listed = HashSet::new();
    for comment in &details.comments {
        let text = comment.text.trim_start_matches([';', ' ', '\t']);
        let Some(names) = text.strip_prefix("dominates:") else {
            continue;
        };
        let fail = |message: String| Err(Failure::at(job.line_of(comment), message));
        let AnyEntity::Inst(inst) = comment.entity else {
            return fail(format!(
                "`dominates:` must follow an instruction, but follows {}",
                comment.entity
            ));
        };
        let Some(dominator) = func.layout.inst_block(inst) else {
            return fail(format!("{inst} is in no block"));
        };
        for name in names.split_whitespace() {
            let Some(AnyEntity::Block(block)) = details.map.lookup_str(name) else {
                return fail(format!(
                    "`{name}` is no block of {}; names are separated by blanks only",
                    func.name
                ));
            };
            if !listed.insert(block) {
                return fail(format!(
                    "{block} is listed twice, but has one immediate dominator"
                ));
            }
            match tree.idom(block) {
                Some(actual) if actual == dominator => {}
                Some(actual) => {
                    return fail(format!(
                        "the immediate dominator of {block} is {actual}, not {dominator}"
                    ));
                }
                None => {
                    return fail(format!("{block} has no immediate dominator"));
                }
            }
        }
    }
    let entry = func.layout.entry_block();
    for block in func.layout.blocks() {
        if Some(block) != entry && !listed.contains(&block) && tree.is_reachable(block) {
            return Err(Failure::at(
                line_of_entity(details, block.into()),
                format!("{block} is reachable, but no `dominates:` comment lists it"),
            ));
        }
    }
    Ok(())
}

fn listing(func: &Function, tree: &DominatorTree) -> String {
    let mut text = "cfg_postorder:".to_owned();
    for block in tree.cfg_postorder() {
        let _ = write!(text, " {block}");
    }
    text.push_str("\ndomtree_preorder {\n");
    let mut stack: Vec<Block> = func.layout.entry_block().into_iter().collect();
    while let Some(block) = stack.pop() {
        let _ = write!(text, "    {block}:");
        let children: Vec<Block> = tree.children(block).collect();
        for child in &children {
            let _ = write!(text, " {child}");
        }
        text.push('\n');
        stack.extend(children.into_iter().rev());
    }
    text.push_str("}\n");
    text
}
