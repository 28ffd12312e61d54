//! Where the values of a signature go, as a text.
//!
//! ```text
//! vmctx  i64 vmctx  rsi
//! a0     i32        [sp + 0]   at entry [sp + 8]
//! ```
//!
//! A value in several registers or slots has its lowest bits in the first.

use super::param_names;
use cranelift_codegen::ir::{AbiParam, ArgumentExtension, ArgumentPurpose, Signature};
use cranelift_codegen::isa::CallConv;
use cranelift_codegen::isa::abi_locations::{
    AbiLocation, AbiLocationKind, AbiLocations, AbiPart, AbiPlace,
};
use cranelift_codegen::isa::multi_out::OutArea;
use std::fmt::Write as _;

/// The parameters and results, a line for each, and the out area as a table.
pub fn locations(signature: &Signature, locations: &AbiLocations) -> String {
    let mut rows = Vec::new();
    if let Some(pointer) = &locations.return_pointer {
        let (name, what) = match &locations.out_area {
            Some(_) => ("out", "address of the out area".to_owned()),
            None => {
                let size = locations.return_area_size;
                ("ret", format!("address of {size} bytes for results"))
            }
        };
        rows.push(Row {
            name: name.to_owned(),
            ty: pointer.ty.to_string(),
            place: part_place(pointer),
            remark: remarks([what, entry_remark(locations, &pointer.place)]),
        });
    }
    let names = param_names(signature);
    for (name, (param, location)) in names
        .into_iter()
        .zip(signature.params.iter().zip(&locations.params))
    {
        rows.push(Row {
            name,
            ty: type_of(param),
            place: place(location),
            remark: remark(locations, location),
        });
    }
    if locations.out_area.is_none() {
        rows.extend(result_rows(signature, locations));
    }
    let mut text = table(&rows);
    if rows.is_empty() && locations.out_area.is_none() {
        text.push_str("no parameters, no results\n");
    }
    if locations.stack_args_size > 0 {
        let _ = writeln!(
            text,
            "{} bytes of stack arguments{}",
            locations.stack_args_size,
            match signature.call_conv.base() {
                CallConv::WindowsFastcall => ", 32 of them home space",
                _ => "",
            }
        );
    }
    if let Some(area) = &locations.out_area {
        text.push_str(&out_area(area));
    }
    text
}

fn result_rows(signature: &Signature, locations: &AbiLocations) -> Vec<Row> {
    let results = locations.results.iter().enumerate();
    let rows = results.map(|(index, location)| {
        let result = signature.returns.get(index);
        let parts = location.parts().iter().map(|part| part.ty.to_string());
        Row {
            name: match location.purpose {
                ArgumentPurpose::StructReturn => "sret".to_owned(),
                _ => format!("r{index}"),
            },
            ty: result.map_or_else(|| parts.collect(), type_of),
            place: place(location),
            remark: "result".to_owned(),
        }
    });
    rows.collect()
}

/// The out area, drawn.
pub fn out_area(area: &OutArea) -> String {
    let mut rows = Vec::new();
    let mut end = 0;
    let padding = |from: u32, to: u32| {
        (to > from).then(|| {
            [
                from.to_string(),
                (to - from).to_string(),
                "padding".to_owned(),
                String::new(),
            ]
        })
    };
    for (index, field) in area.fields.iter().enumerate() {
        rows.extend(padding(end, field.offset));
        let size = field.ty.bytes();
        let name = format!("r{index}");
        rows.push([
            field.offset.to_string(),
            size.to_string(),
            name,
            field.ty.to_string(),
        ]);
        end = field.offset + size;
    }
    rows.extend(padding(end, area.size));
    let head = ["offset", "size", "field", "type"].map(str::to_owned);
    let widths: [usize; 4] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&head]).map(|row| row[column].len());
        cells.max().unwrap_or_default()
    });
    let line = |[offset, size, name, ty]: &[String; 4]| {
        let [a, b, c, d] = widths;
        format!("| {offset:>a$} | {size:>b$} | {name:<c$} | {ty:<d$} |\n")
    };
    let bars = widths.map(|width| "-".repeat(width + 2));
    let rule = format!("+{}+\n", bars.join("+"));
    let body: String = rows.iter().map(line).collect();
    format!(
        "out area: {} bytes, alignment {}\n{rule}{}{rule}{body}{rule}",
        area.size,
        area.align,
        line(&head)
    )
}

/// The place of one value: `rdi`, `x0, x1`, `[sp + 8]`.
pub fn place(location: &AbiLocation) -> String {
    match &location.kind {
        AbiLocationKind::Parts(parts) => {
            let places: Vec<_> = parts.iter().map(part_place).collect();
            places.join(", ")
        }
        AbiLocationKind::StructCopy { stack_offset, .. } => format!("[sp + {stack_offset}]"),
        AbiLocationKind::Indirect { pointer, .. } => part_place(pointer),
    }
}

fn part_place(part: &AbiPart) -> String {
    match &part.place {
        AbiPlace::Reg(reg) => reg.to_string(),
        AbiPlace::Stack { offset, .. } => format!("[sp + {offset}]"),
        AbiPlace::ReturnArea { offset, .. } => format!("[ret + {offset}]"),
    }
}

fn remark(locations: &AbiLocations, location: &AbiLocation) -> String {
    let at_entry = |offset: i64| match locations.entry_stack_shift {
        0 => String::new(),
        shift => format!("at entry [sp + {}]", offset + i64::from(shift)),
    };
    match &location.kind {
        AbiLocationKind::Parts(parts) => match &parts[..] {
            [part, ..] => remarks([entry_remark(locations, &part.place), extended(part)]),
            [] => String::new(),
        },
        AbiLocationKind::StructCopy { stack_offset, size } => {
            remarks([format!("copy of {size} bytes"), at_entry(*stack_offset)])
        }
        AbiLocationKind::Indirect {
            pointer,
            stack_offset,
            ..
        } => remarks([
            entry_remark(locations, &pointer.place),
            format!("address of a copy in [sp + {stack_offset}]"),
            at_entry(*stack_offset),
        ]),
    }
}

fn entry_remark(locations: &AbiLocations, place: &AbiPlace) -> String {
    match (place, locations.entry_stack_shift) {
        (AbiPlace::Stack { offset, .. }, shift @ 1..) => {
            format!("at entry [sp + {}]", offset + i64::from(shift))
        }
        _ => String::new(),
    }
}

fn extended(part: &AbiPart) -> String {
    match part.place {
        AbiPlace::Stack { size, .. } if size > part.ty.bytes() => format!("{size} bytes"),
        _ => String::new(),
    }
}

fn remarks<const N: usize>(remarks: [String; N]) -> String {
    let remarks: Vec<_> = remarks
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    remarks.join(", ")
}

fn type_of(param: &AbiParam) -> String {
    let extension = match param.extension {
        ArgumentExtension::None => "",
        ArgumentExtension::Uext => " uext",
        ArgumentExtension::Sext => " sext",
    };
    let ty = param.value_type;
    match param.purpose {
        ArgumentPurpose::Normal => format!("{ty}{extension}"),
        purpose => format!("{ty}{extension} {purpose}"),
    }
}

struct Row {
    name: String,
    ty: String,
    place: String,
    remark: String,
}

fn table(rows: &[Row]) -> String {
    let width = |cell: fn(&Row) -> &str| rows.iter().map(|row| cell(row).len()).max();
    let a = width(|row| &row.name).unwrap_or_default();
    let b = width(|row| &row.ty).unwrap_or_default();
    let c = width(|row| &row.place).unwrap_or_default();
    let mut text = String::new();
    for Row {
        name,
        ty,
        place,
        remark,
    } in rows
    {
        let line = format!("{name:<a$}  {ty:<b$}  {place:<c$}  {remark}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}
