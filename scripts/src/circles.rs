//! Modules that use each other in a circle: each is to use what is below it.
//!
//! Files and folders beside each other are compared, by the paths in their code that begin with `crate`, `super` or `self`,
//! and by what a `pub use` exports. A folder's own file, such as `mod.rs`, is above and below what is in the folder, and code
//! for tests may use anything.
//!
//! Not seen are `*`, `as` for a whole module, macros by name, methods in another file than their type, inline modules and
//! `#[path]`. The paths that this repository has are nearly all of the kinds that are, as its style is one `use` for each name.

use crate::git::Tree;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};

/// The names of a module and of those that it is in, but for the crate.
type Path = Vec<String>;

/// A file, and what is in it.
type Source<'a> = (&'a str, &'a str);

/// A path in a module's code, from the crate on.
struct Use {
    path: Path,
    line: usize,
    /// By `pub use`, under this name.
    exported: Option<String>,
}

/// Who uses whom of modules beside each other, and the place where that is said first.
type Uses = BTreeMap<[String; 2], String>;

/// Finds circles; a finding names the files, the lines and what to do.
pub fn check(files: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for (folder, modules) in crates(files) {
        let mut uses = Vec::new();
        for (module, (file, text)) in &modules {
            let Ok(tokens) = text.parse::<TokenStream>() else {
                findings.push(format!("{file}:1: this is no Rust"));
                continue;
            };
            let mut found = Vec::new();
            collect(tokens, module, &mut found);
            uses.extend(found.into_iter().map(|found| (module, *file, found)));
        }
        let exports = uses.iter().filter_map(|(module, _, found)| {
            let name = found.exported.clone()?;
            Some(((module.to_vec(), name), &found.path))
        });
        let exports: BTreeMap<_, _> = exports.collect();
        let mut beside: BTreeMap<Path, Uses> = BTreeMap::new();
        for (from, file, found) in &uses {
            let to = resolve(&found.path, &modules, &exports);
            let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(user), Some(used)) = (from.get(common), to.get(common)) {
                let uses = beside.entry(from[..common].to_vec()).or_default();
                let place = || format!("{file}:{}", found.line);
                let pair = [user.clone(), used.clone()];
                uses.entry(pair).or_insert_with(place);
            }
        }
        for uses in beside.values() {
            let circle = uses
                .iter()
                .filter(|([user, used], _)| leads(uses, used, user));
            let circle: Vec<_> = circle
                .map(|([_, used], place)| format!("{place} uses `{used}`"))
                .collect();
            if !circle.is_empty() {
                findings.push(format!(
                    "{folder}: modules use each other in a circle; move what both need to a file of its own:\n  {}",
                    circle.join("\n  ")
                ));
            }
        }
    }
    findings
}

/// The modules of each crate of ours, by the folder of its root.
fn crates(files: &Tree) -> BTreeMap<String, BTreeMap<Path, Source<'_>>> {
    let mut crates = BTreeMap::<_, BTreeMap<_, _>>::new();
    for (file, bytes) in files {
        let Some((before, below)) = file.split_once("/src/") else {
            continue;
        };
        if !below.ends_with(".rs") || file.starts_with("cranelift/") {
            continue;
        }
        let names = below.trim_end_matches(".rs").split('/');
        let mut names: Path = names.map(String::from).collect();
        let mut folder = format!("{before}/src/");
        if names[0] == "bin" && names.len() > 2 {
            folder += &format!("bin/{}/", names[1]);
            names.drain(..2);
        }
        let is_alone = !files.contains_key(&format!("{folder}lib.rs"));
        match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["lib"] => names.clear(),
            ["main"] if is_alone => names.clear(),
            // Crates of their own.
            ["main"] | ["bin", _] => continue,
            [.., "mod"] => drop(names.pop()),
            _ => {}
        }
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let modules = crates.entry(folder).or_default();
        modules.insert(names, (file.as_str(), text));
    }
    crates
}

/// The module that a path leads to, by way of what modules export.
fn resolve(
    path: &Path,
    modules: &BTreeMap<Path, Source<'_>>,
    exports: &BTreeMap<(Path, String), &Path>,
) -> Path {
    let mut path = path.clone();
    // What is exported may itself be exported from elsewhere, but no path is that long.
    for _ in 0..8 {
        let mut parts = (0..=path.len()).rev().map(|length| path[..length].to_vec());
        let module = parts.find(|part| modules.contains_key(part));
        let module = module.unwrap_or_default();
        let Some(name) = path.get(module.len()) else {
            return module;
        };
        match exports.get(&(module.clone(), name.clone())) {
            Some(exported) => path = [exported, &path[module.len() + 1..]].concat(),
            None => return module,
        }
    }
    Vec::new()
}

fn collect(tokens: TokenStream, module: &Path, uses: &mut Vec<Use>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [TokenTree::Punct(_), TokenTree::Group(attribute), ..]
                if is_test(attribute.stream()) =>
            {
                let ends = |token: &TokenTree| match token {
                    TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                    TokenTree::Punct(punct) => [';', ','].contains(&punct.as_char()),
                    _ => false,
                };
                at += 2;
                at += tokens[at..].iter().position(ends).unwrap_or_default();
            }
            [
                TokenTree::Ident(word),
                TokenTree::Ident(name),
                TokenTree::Group(body),
                ..,
            ] if *word == "mod" => {
                let inner = [&module[..], &[name.to_string()]].concat();
                collect(body.stream(), &inner, uses);
                at += 2;
            }
            [TokenTree::Ident(word), TokenTree::Ident(first), rest @ ..] if *word == "use" => {
                let is_public = match &tokens[..at] {
                    [.., TokenTree::Ident(before)] => *before == "pub",
                    [.., TokenTree::Ident(before), TokenTree::Group(_)] => *before == "pub",
                    _ => false,
                };
                let first = first.to_string();
                let child = || [&module[..], std::slice::from_ref(&first)].concat();
                let start = begin(&first, module).unwrap_or_else(child);
                let line = word.span().start().line;
                follow(start, rest, line, is_public, uses);
                at += 1;
            }
            [TokenTree::Ident(first), rest @ ..] if !follows_a_path(&tokens[..at]) => {
                if let Some(start) = begin(&first.to_string(), module) {
                    follow(start, rest, first.span().start().line, false, uses);
                }
            }
            [TokenTree::Group(group), ..] => collect(group.stream(), module, uses),
            _ => {}
        }
        at += 1;
    }
}

/// Where a path with this first word begins.
fn begin(first: &str, module: &Path) -> Option<Path> {
    match first {
        "crate" => Some(vec![]),
        "self" => Some(module.clone()),
        "super" => Some(module[..module.len().saturating_sub(1)].to_vec()),
        _ => None,
    }
}

/// Follows a path over `::`, and into the braces of a `use`.
fn follow(
    mut path: Path,
    mut rest: &[TokenTree],
    line: usize,
    is_public: bool,
    uses: &mut Vec<Use>,
) {
    while let [a, b, next, after @ ..] = rest
        && is_colon(a)
        && is_colon(b)
    {
        match next {
            TokenTree::Ident(name) if *name == "super" => drop(path.pop()),
            TokenTree::Ident(name) => path.push(name.to_string()),
            TokenTree::Group(group) => {
                let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for item in tokens.split(is_comma) {
                    if let [TokenTree::Ident(name), rest @ ..] = item {
                        let is_self = *name == "self";
                        let mut path = path.clone();
                        path.extend((!is_self).then(|| name.to_string()));
                        follow(path, rest, line, is_public, uses);
                    }
                }
                return;
            }
            _ => break,
        }
        rest = after;
    }
    let name = match rest {
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if *word == "as" => {
            Some(name.to_string())
        }
        _ => path.last().cloned(),
    };
    uses.push(Use {
        exported: name.filter(|_| is_public),
        path,
        line,
    });
}

fn follows_a_path(before: &[TokenTree]) -> bool {
    matches!(before, [.., a, b] if is_colon(a) && is_colon(b))
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':')
}

/// Is the attribute `cfg(test)`, or `cfg(all(test, …))`?
fn is_test(attribute: TokenStream) -> bool {
    let text = attribute.to_string().replace(' ', "");
    text.starts_with("cfg(test)") || text.starts_with("cfg(all(test,")
}

/// Does one module use another one, itself or by others?
fn leads(uses: &Uses, from: &str, to: &str) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::new());
    while let Some(module) = open.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            let used = uses.keys().filter(|[user, _]| user == module);
            open.extend(used.map(|[_, used]| used.as_str()));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(modules: &[(&str, &str)]) -> Vec<String> {
        let files = modules.iter();
        let files =
            files.map(|(name, text)| (format!("a/src/{name}.rs"), text.as_bytes().to_vec()));
        check(&files.collect())
    }

    #[test]
    fn circles_are_found_in_many_kinds_of_paths() {
        for path in [
            "use crate::b::B;",
            "use super::b::B;",
            "use super::{c, b::{B, D}};",
            "use crate::{b};",
            "use crate::b as c;",
            "use crate::Exported;",
            "use crate::Renamed;",
            "use crate::d::Twice;",
            "fn f() { crate::Exported::new() }",
            "fn f() { crate::b::g() }",
            "fn f(b: crate::b::B) {}",
            "struct A<T: super::b::B> { b: T }",
            "fn f() -> A { A { b: crate::b::g() } }",
            "println!(\"{}\", crate::b::g());",
            "mod inner { use super::super::b::B; }",
            "struct A { #[cfg(test)] a: u8, b: crate::b::B }",
        ] {
            let found = findings(&[
                ("lib", "pub use b::{Exported, B as Renamed}; mod a; mod b;"),
                ("a", path),
                ("b", "\nuse crate::a::A;"),
                ("d", "pub(crate) use crate::Exported as Twice;"),
            ]);
            let [found] = &found[..] else {
                panic!("{path}: {found:?}");
            };
            assert!(found.contains("\n  a/src/a.rs:1 uses `"), "{found}");
            assert!(found.contains("\n  a/src/b.rs:2 uses `a`"), "{found}");
        }
    }

    #[test]
    fn layers_folders_and_tests_are_no_circles() {
        let tests = "#[cfg(test)]\nmod tests { use crate::a::A; }";
        let root = "fn k() { b::new() }";
        assert_eq!(
            findings(&[
                ("lib", root),
                ("a", "use crate::b::B; use crate::new;"),
                ("b", tests),
                ("main", "use crate::a::A;"),
                ("bin/c", "use crate::a::A;"),
            ]),
            [""; 0]
        );
        let layers = [
            ("lib", "use crate::a::A;"),
            ("a/mod", "use self::b::B; use self::c::C;"),
            ("a/b", "use super::A; use super::c::C;"),
            ("a/c", "use crate::d::D;"),
            ("d", "use std::fmt;"),
        ];
        assert_eq!(findings(&layers), [""; 0]);
        let mut circle = layers;
        circle[3].1 = "use crate::a::b::B;";
        assert_eq!(findings(&circle).len(), 1);
        let mut wrong = layers;
        wrong[4].1 = "fn {";
        assert_eq!(findings(&wrong), ["a/src/d.rs:1: this is no Rust"]);
    }

    #[test]
    fn what_is_between_two_circles_is_in_none() {
        let found = findings(&[
            ("lib", ""),
            ("a", "use crate::b::B;"),
            ("b", "use crate::a::A; use crate::c::C;"),
            ("c", "use crate::d::D;"),
            ("d", "use crate::c::C;"),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].matches(" uses ").count(), 4, "{}", found[0]);
        assert!(!found[0].contains("b.rs:1 uses `c`"), "{}", found[0]);
    }
}
