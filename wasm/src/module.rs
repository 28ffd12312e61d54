//! Modules: parsed, validated, and everything but the code of functions taken out.

use crate::error::Error;
use crate::types::{Bits, FuncType, GlobalType, Limits, TableType, ValType};
use std::fmt;
use std::rc::Rc;
use wasmparser::{
    BinaryReader, ConstExpr, DataKind, ElementItems, ElementKind, FuncValidatorAllocations,
    FunctionBody, Operator, Parser, Payload, TableInit, TypeRef, ValidPayload, Validator,
    WasmFeatures,
};

/// What a module declares. Imports come first in every index space.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) types: Vec<FuncType>,
    pub(crate) imports: Vec<Import>,
    /// Type indices.
    pub(crate) functions: Vec<u32>,
    pub(crate) imported_functions: usize,
    pub(crate) tables: Vec<TableType>,
    pub(crate) memories: Vec<Limits>,
    pub(crate) globals: Vec<GlobalType>,
    /// Of the globals that are not imported.
    pub(crate) global_values: Vec<Constant>,
    pub(crate) exports: Vec<(String, Item)>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<Segment<Vec<Constant>>>,
    pub(crate) data: Vec<Segment<Rc<[u8]>>>,
}

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) module: String,
    pub(crate) name: String,
    pub(crate) item: Item,
}

/// An index in one of the index spaces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item {
    Function(u32),
    Table(u32),
    Memory(u32),
    Global(u32),
}

/// A constant expression.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Constant {
    Bits(Bits),
    Global(u32),
    Function(u32),
}

#[derive(Debug)]
pub(crate) struct Segment<T> {
    pub(crate) items: T,
    pub(crate) mode: Mode,
}

#[derive(Debug)]
pub(crate) enum Mode {
    Passive,
    Declared,
    /// Of the memory or table of this index.
    Active(u32, Constant),
}

impl Declarations {
    /// Parses and validates all of a module, and returns the bodies of its functions.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<FunctionBody<'_>>), Error> {
        let features = WasmFeatures::WASM2.difference(WasmFeatures::SIMD);
        let mut validator = Validator::new_with_features(features);
        let mut allocations = FuncValidatorAllocations::default();
        let (mut declarations, mut bodies) = (Self::default(), Vec::new());
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if let ValidPayload::Func(function, body) = validator.payload(&payload)? {
                let mut function = function.into_validator(allocations);
                function.validate(&body)?;
                allocations = function.into_allocations();
                bodies.push(body);
            }
            check_limits(bytes, &payload)?;
            declarations.add(payload)?;
        }
        Ok((declarations, bodies))
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(FuncType::of(&ty?)?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.import(import?)?;
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    if let TableInit::Expr(_) = table.init {
                        return Err(unsupported("a table with an initial value"));
                    }
                    self.tables.push(table_type(table.ty)?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory_type(memory?));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(global_type(global.ty)?);
                    self.global_values.push(constant(&global.init_expr)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let item = match export.kind {
                        wasmparser::ExternalKind::Func => Item::Function(export.index),
                        wasmparser::ExternalKind::Table => Item::Table(export.index),
                        wasmparser::ExternalKind::Memory => Item::Memory(export.index),
                        wasmparser::ExternalKind::Global => Item::Global(export.index),
                        _ => return Err(unsupported("an export of that kind")),
                    };
                    self.exports.push((export.name.to_owned(), item));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    self.elements.push(element_segment(element?)?);
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let mode = match data.kind {
                        DataKind::Passive => Mode::Passive,
                        DataKind::Active {
                            memory_index,
                            offset_expr,
                        } => Mode::Active(memory_index, constant(&offset_expr)?),
                    };
                    let items = data.data.into();
                    self.data.push(Segment { items, mode });
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>) -> Result<(), Error> {
        let item = match import.ty {
            TypeRef::Func(ty) => {
                self.imported_functions += 1;
                Item::Function(push(&mut self.functions, ty))
            }
            TypeRef::Table(ty) => Item::Table(push(&mut self.tables, table_type(ty)?)),
            TypeRef::Memory(ty) => Item::Memory(push(&mut self.memories, memory_type(ty))),
            TypeRef::Global(ty) => Item::Global(push(&mut self.globals, global_type(ty)?)),
            _ => return Err(unsupported("an import of that kind")),
        };
        self.imports.push(Import {
            module: import.module.to_owned(),
            name: import.name.to_owned(),
            item,
        });
        Ok(())
    }

    pub(crate) fn function_type(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// In words, for errors.
    pub(crate) fn describe(&self, item: Item) -> String {
        match item {
            Item::Function(index) => format!("a function {}", self.function_type(index)),
            Item::Memory(index) => describe_memory(self.memories[index as usize]),
            Item::Table(index) => self.tables[index as usize].to_string(),
            Item::Global(index) => self.globals[index as usize].to_string(),
        }
    }
}

pub(crate) fn describe_memory(limits: Limits) -> String {
    format!("a memory of {limits} pages")
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) => write!(f, "{} to {max}", self.min),
            None => write!(f, "{} or more", self.min),
        }
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a table of {} {}", self.limits, self.element)
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mutability = if self.mutable { "variable" } else { "constant" };
        write!(f, "a global {} {mutability}", self.value)
    }
}

/// The validator takes numbers of 64 bits for limits, as a later version has them; here they have 32.
fn check_limits(bytes: &[u8], payload: &Payload<'_>) -> Result<(), Error> {
    let range = match payload {
        Payload::ImportSection(section) => section.range(),
        Payload::TableSection(section) => section.range(),
        Payload::MemorySection(section) => section.range(),
        _ => return Ok(()),
    };
    let section = bytes.get(range.start as usize..range.end as usize);
    let mut reader = BinaryReader::new(section.unwrap_or_default(), range.start);
    for _ in 0..reader.read_var_u32()? {
        let kind = match payload {
            Payload::ImportSection(_) => {
                reader.read_string()?;
                reader.read_string()?;
                reader.read_u8()?
            }
            Payload::TableSection(_) => TABLE,
            _ => MEMORY,
        };
        match kind {
            TABLE => drop(reader.read_u8()?),
            MEMORY => {}
            GLOBAL => {
                reader.read_bytes(2)?;
                continue;
            }
            _ => {
                reader.read_var_u32()?;
                continue;
            }
        }
        let flags = reader.read_u8()?;
        for _ in 0..=flags & 1 {
            reader.read_var_u32()?;
        }
    }
    Ok(())
}

/// Kinds of imports. Types of references and values are a byte.
const TABLE: u8 = 1;
const MEMORY: u8 = 2;
const GLOBAL: u8 = 3;

/// Adds to an index space, and returns the index.
fn push<T>(space: &mut Vec<T>, item: T) -> u32 {
    space.push(item);
    space.len() as u32 - 1
}

fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!("{what} is unsupported"))
}

fn table_type(ty: wasmparser::TableType) -> Result<TableType, Error> {
    Ok(TableType {
        element: ValType::of(wasmparser::ValType::Ref(ty.element_type))?,
        limits: Limits {
            min: ty.initial,
            max: ty.maximum,
        },
    })
}

fn memory_type(ty: wasmparser::MemoryType) -> Limits {
    Limits {
        min: ty.initial,
        max: ty.maximum,
    }
}

fn global_type(ty: wasmparser::GlobalType) -> Result<GlobalType, Error> {
    Ok(GlobalType {
        value: ValType::of(ty.content_type)?,
        mutable: ty.mutable,
    })
}

fn element_segment(element: wasmparser::Element<'_>) -> Result<Segment<Vec<Constant>>, Error> {
    let mode = match element.kind {
        ElementKind::Passive => Mode::Passive,
        ElementKind::Declared => Mode::Declared,
        ElementKind::Active {
            table_index,
            offset_expr,
        } => Mode::Active(table_index.unwrap_or(0), constant(&offset_expr)?),
    };
    let mut items = Vec::new();
    match element.items {
        ElementItems::Functions(functions) => {
            for function in functions {
                items.push(Constant::Function(function?));
            }
        }
        ElementItems::Expressions(_, expressions) => {
            for expression in expressions {
                items.push(constant(&expression?)?);
            }
        }
    }
    Ok(Segment { items, mode })
}

/// It is valid, and in this version of WebAssembly a single instruction.
fn constant(expression: &ConstExpr<'_>) -> Result<Constant, Error> {
    Ok(match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Constant::Bits((value as u32).into()),
        Operator::I64Const { value } => Constant::Bits((value as u64).into()),
        Operator::F32Const { value } => Constant::Bits(value.bits().into()),
        Operator::F64Const { value } => Constant::Bits(value.bits().into()),
        Operator::RefNull { .. } => Constant::Bits(Bits::default()),
        Operator::RefFunc { function_index } => Constant::Function(function_index),
        Operator::GlobalGet { global_index } => Constant::Global(global_index),
        _ => return Err(unsupported("a constant expression of that kind")),
    })
}
