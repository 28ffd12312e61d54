//! Names of functions: the JIT links numbers only, so every name becomes the number of the module
//! function that it stands for.

use crate::fillers::is_filler;
use cranelift_codegen::entity::EntityRef;
use cranelift_codegen::ir::{
    ExternalName, Function, GlobalValueData, InstructionData, UserExternalName, UserFuncName,
};
use cranelift_module::FuncId;
use std::collections::HashMap;

/// The functions of a file by name.
#[derive(Default)]
pub struct Names(HashMap<UserFuncName, FuncId>);

impl Names {
    /// Adds a function; its name must be new.
    pub fn add(&mut self, func: &Function, id: FuncId) -> Result<(), String> {
        match self.0.insert(func.name.clone(), id) {
            None => Ok(()),
            Some(_) => Err(format!(
                "{} is defined twice; functions of a run test need different names",
                func.name
            )),
        }
    }

    /// Rewrites the name of `func`, which is the module's function `id`, and all references in
    /// it. Libcalls and known symbols keep their names.
    pub fn link(&self, func: &mut Function, id: FuncId) -> Result<(), String> {
        if let Some(symbol) = used_symbol(func) {
            return Err(format!(
                "it refers to the symbol {symbol}, but run tests have no data symbols"
            ));
        }
        func.name = UserFuncName::User(user_name(id));
        let callees: Vec<_> = func.dfg.ext_funcs.keys().collect();
        for callee in callees {
            let wanted = match &func.dfg.ext_funcs[callee].name {
                name if is_filler(name) => continue,
                ExternalName::TestCase(name) => UserFuncName::Testcase(name.clone()),
                ExternalName::User(reference) => {
                    UserFuncName::User(func.params.user_named_funcs()[*reference].clone())
                }
                ExternalName::LibCall(_) | ExternalName::KnownSymbol(_) => continue,
            };
            let found = self.0.get(&wanted).ok_or_else(|| {
                format!("{callee} refers to {wanted}, which this file does not define")
            })?;
            let name = func.declare_imported_user_function(user_name(*found));
            func.dfg.ext_funcs[callee].name = ExternalName::User(name);
        }
        Ok(())
    }
}

/// The name of a data symbol whose address an instruction takes.
fn used_symbol(func: &Function) -> Option<String> {
    let insts = func
        .layout
        .blocks()
        .flat_map(|block| func.layout.block_insts(block));
    let mut values = insts.filter_map(|inst| match func.dfg.insts[inst] {
        InstructionData::UnaryGlobalValue { global_value, .. } => Some(global_value),
        _ => None,
    });
    values.find_map(|value| match &func.global_values[value] {
        GlobalValueData::Symbol { name, .. } => Some(name.display(Some(&func.params)).to_string()),
        _ => None,
    })
}

fn user_name(id: FuncId) -> UserExternalName {
    UserExternalName::new(0, id.index() as u32)
}
