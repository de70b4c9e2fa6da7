//! Modules: a codebase's parts by folder and file, and which of them use which.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::imports::{Base, Import};
use super::{extension, folder, is_aside, name};

/// A codebase is divided until it has so many modules…
const ENOUGH_MODULES: usize = 5;
/// …but never into more than this.
const MAX_MODULES: usize = 28;

/// A source file, as far as modules care.
#[derive(Debug, Clone, Default)]
pub struct SourceFile {
    /// Its path, with `/`.
    pub path: String,
    /// Bytes of its text.
    pub bytes: usize,
    /// What it imports.
    pub imports: Vec<Import>,
}

/// One part of the codebase.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Module {
    /// The folder, or the one file.
    pub path: String,
    /// Indices of its files.
    pub files: Vec<usize>,
    /// The modules that it uses, by their index.
    pub uses: BTreeMap<usize, Use>,
    /// Names of it that other modules import, with how often, the most often first.
    pub wanted: Vec<(String, usize)>,
    /// How many modules lie between it and the lowest that it uses, at most; those that use
    /// each other count as one.
    pub level: usize,
}

/// That one module uses another.
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// How many names it imports.
    pub count: usize,
    /// A file that does.
    pub file: usize,
    /// The statement in it.
    pub span: Range<usize>,
}

/// A Rust package: what others import it by, and the folder of its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name, with `_`.
    pub name: String,
    /// The folder of its sources.
    pub sources: String,
}

/// The modules of a codebase: those of the code itself first, then what lies aside; within each
/// by level, the highest first.
pub fn modules(files: &[SourceFile], packages: &[Package]) -> Vec<Module> {
    let mut modules: Vec<Module> = divide(files)
        .into_iter()
        .map(|(path, files)| Module {
            path,
            files,
            ..Module::default()
        })
        .collect();
    let mut module_of = vec![0; files.len()];
    for (index, module) in modules.iter().enumerate() {
        module
            .files
            .iter()
            .for_each(|&file| module_of[file] = index);
    }
    let keys = Keys::of(files, packages);
    let mut wanted: Vec<HashMap<String, usize>> = vec![HashMap::new(); modules.len()];
    for (index, file) in files.iter().enumerate() {
        let from = module_of[index];
        // What a module's tests use is not what it is made of.
        let counts = is_aside(&modules[from].path) || !is_aside(&file.path);
        for import in file.imports.iter().filter(|_| counts) {
            let Some((target, rest)) = keys.resolve(&file.path, import) else {
                continue;
            };
            let to = module_of[target];
            if to == from {
                continue;
            }
            if let Some(name) = rest.first().filter(|_| !is_aside(&file.path)) {
                *wanted[to].entry(name.clone()).or_default() += 1;
            }
            let new = Use {
                count: 0,
                file: index,
                span: import.span.clone(),
            };
            modules[from].uses.entry(to).or_insert(new).count += 1;
        }
    }
    for (module, wanted) in modules.iter_mut().zip(wanted) {
        module.wanted = wanted.into_iter().collect();
        module
            .wanted
            .sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    }
    set_levels(&mut modules);
    ordered(modules)
}

/// The same modules in the order in which they are read, their indices with them.
fn ordered(modules: Vec<Module>) -> Vec<Module> {
    let mut order: Vec<usize> = (0..modules.len()).collect();
    let key = |module: &Module| {
        (
            is_aside(&module.path),
            std::cmp::Reverse(module.level),
            module.path.clone(),
        )
    };
    order.sort_by_key(|&index| key(&modules[index]));
    let mut place = vec![0; order.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(to, &from)| place[from] = to);
    let moved = |module: &Module| Module {
        uses: module
            .uses
            .iter()
            .map(|(to, with)| (place[*to], with.clone()))
            .collect(),
        ..module.clone()
    };
    order.iter().map(|&index| moved(&modules[index])).collect()
}

/// Divides the files by folder: the largest part again and again, until there are enough.
fn divide(files: &[SourceFile]) -> Vec<(String, Vec<usize>)> {
    let mut groups = vec![(String::new(), (0..files.len()).collect::<Vec<usize>>())];
    let mut whole: Vec<String> = Vec::new();
    loop {
        let own = groups.iter().filter(|(path, _)| !is_aside(path)).count();
        let bytes =
            |members: &[usize]| members.iter().map(|&file| files[file].bytes).sum::<usize>();
        let largest = groups
            .iter()
            .enumerate()
            .filter(|(_, (path, members))| {
                let is_file = members.len() == 1 && files[members[0]].path == *path;
                !is_file && !whole.contains(path) && (path.is_empty() || !is_aside(path))
            })
            .max_by_key(|(_, (_, members))| bytes(members))
            .map(|(index, _)| index);
        let Some(index) = largest.filter(|_| own < ENOUGH_MODULES) else {
            break;
        };
        let (path, members) = groups[index].clone();
        let parts = children(files, &path, &members);
        if groups.len() - 1 + parts.len() > MAX_MODULES {
            whole.push(path);
            continue;
        }
        groups.splice(index..=index, parts);
    }
    groups.retain(|(_, members)| !members.is_empty());
    groups
}

/// The folders and files right below a folder, with their files.
fn children(files: &[SourceFile], path: &str, members: &[usize]) -> Vec<(String, Vec<usize>)> {
    let mut below: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for &file in members {
        let rest = files[file].path[path.len()..].trim_start_matches('/');
        let first = rest.split('/').next().unwrap_or(rest);
        let child = if path.is_empty() {
            first.to_owned()
        } else {
            format!("{path}/{first}")
        };
        below.entry(child).or_default().push(file);
    }
    below.into_iter().collect()
}

/// Files by the name that other files import them by.
struct Keys<'a> {
    exact: HashMap<String, usize>,
    /// By the last part of the key.
    by_last: HashMap<String, Vec<(String, usize)>>,
    packages: &'a [Package],
}

impl<'a> Keys<'a> {
    fn of(files: &[SourceFile], packages: &'a [Package]) -> Keys<'a> {
        let mut keys = Keys {
            exact: HashMap::new(),
            by_last: HashMap::new(),
            packages,
        };
        for (index, file) in files.iter().enumerate() {
            let key = key(&file.path);
            let last = name(&key).to_owned();
            keys.by_last
                .entry(last)
                .or_default()
                .push((key.clone(), index));
            // A library's root is what is imported, not the program beside it.
            match name(&file.path) {
                "main.rs" => keys.exact.entry(key).or_insert(index),
                _ => keys.exact.entry(key).insert_entry(index).into_mut(),
            };
        }
        keys
    }

    /// The file that an import names, and what of the name is left: an item of the file.
    fn resolve(&self, from: &str, import: &Import) -> Option<(usize, Vec<String>)> {
        let is_rust = extension(from) == "rs";
        match import.base {
            Base::Own(ups) => {
                let own = if is_rust {
                    key(from)
                } else {
                    folder(from).to_owned()
                };
                let base = (0..ups).fold(own, |at, _| folder(&at).to_owned());
                self.below(&base, &import.path, is_rust)
            }
            Base::Project => self.below(&sources_of(from), &import.path, true),
            Base::Anywhere if is_rust => {
                let (first, rest) = import.path.split_first()?;
                let package = self.packages.iter().find(|package| package.name == *first);
                match package {
                    Some(package) => self.below(&package.sources, rest, true),
                    // Without `crate::`, a module of the file's own.
                    None => self.below(&key(from), &import.path, false),
                }
            }
            Base::Anywhere => self.anywhere(from, &import.path),
        }
    }

    /// The file of the longest beginning of `path` below a folder; the folder's own file where
    /// `or_itself` allows.
    fn below(&self, base: &str, path: &[String], or_itself: bool) -> Option<(usize, Vec<String>)> {
        let least = usize::from(!or_itself);
        (least..=path.len()).rev().find_map(|length| {
            let file = self.exact.get(&joined(base, &path[..length]))?;
            Some((*file, path[length..].to_vec()))
        })
    }

    /// The file whose key ends with the longest beginning of `path`, where what stands before is
    /// no package itself: `json` is not `flask/json`.
    fn anywhere(&self, from: &str, path: &[String]) -> Option<(usize, Vec<String>)> {
        if extension(from) == "go" {
            let remote = path.first().is_some_and(|first| first.contains('.'));
            let inner = (1..path.len())
                .filter(|_| remote)
                .find_map(|skipped| self.exact.get(&joined("", &path[skipped..])).copied());
            return inner.map(|file| (file, Vec::new()));
        }
        if let Some(found) = self
            .below(folder(from), path, false)
            .filter(|_| extension(from) != "py")
        {
            return Some(found);
        }
        (1..=path.len()).rev().find_map(|length| {
            let wanted = joined("", &path[..length]);
            let candidates = self.by_last.get(path.get(length - 1)?)?;
            let fits = |candidate: &&(String, usize)| {
                let before = candidate.0.strip_suffix(&wanted);
                before.is_some_and(|before| {
                    before.is_empty()
                        || (before.ends_with('/')
                            && !self.exact.contains_key(before.trim_end_matches('/')))
                })
            };
            let (_, file) = candidates.iter().find(fits)?;
            Some((*file, path[length..].to_vec()))
        })
    }
}

/// What a file is imported by: its path without extension, and without the name that stands for
/// its folder.
fn key(path: &str) -> String {
    let bare = match name(path).rsplit_once('.') {
        Some((_, extension)) => &path[..path.len() - extension.len() - 1],
        None => path,
    };
    let stands_for_folder = matches!(name(bare), "mod" | "lib" | "main" | "__init__" | "index");
    match stands_for_folder || extension(path) == "go" {
        true => folder(bare).to_owned(),
        false => bare.to_owned(),
    }
}

/// The folder of the sources of a Rust file's own package.
fn sources_of(path: &str) -> String {
    match path.rfind("/src/") {
        Some(at) => path[..at + 4].to_owned(),
        None if path.starts_with("src/") => "src".to_owned(),
        None => folder(path).to_owned(),
    }
}

fn joined(base: &str, parts: &[String]) -> String {
    let base = (!base.is_empty()).then(|| base.to_owned());
    let parts: Vec<String> = base.into_iter().chain(parts.iter().cloned()).collect();
    parts.join("/")
}

/// Sets the level of each module: the longest way down, with those that use each other as one.
fn set_levels(modules: &mut [Module]) {
    let count = modules.len();
    let mut reaches = vec![vec![false; count]; count];
    for (from, module) in modules.iter().enumerate() {
        module.uses.keys().for_each(|&to| reaches[from][to] = true);
    }
    for via in 0..count {
        let onward = reaches[via].clone();
        for row in reaches.iter_mut().filter(|row| row[via]) {
            row.iter_mut()
                .zip(&onward)
                .for_each(|(known, more)| *known |= more);
        }
    }
    // A longest way has no more steps than there are modules.
    for _ in 0..count {
        for from in 0..count {
            let below = modules[from].uses.keys().filter(|&&to| !reaches[to][from]);
            let level = below.map(|&to| modules[to].level + 1).max().unwrap_or(0);
            let circle = (0..count).filter(|&other| reaches[from][other] && reaches[other][from]);
            let together = circle.map(|other| modules[other].level).max().unwrap_or(0);
            modules[from].level = level.max(together);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::imports;
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile {
            path: path.into(),
            bytes: 100,
            imports: imports::imports(path, text),
        }
    }

    fn uses(modules: &[Module]) -> Vec<(String, Vec<String>)> {
        let path = |index: &usize| modules[*index].path.clone();
        modules
            .iter()
            .map(|m| (m.path.clone(), m.uses.keys().map(path).collect()))
            .collect()
    }

    #[test]
    fn rust_packages_use_each_other_by_name() {
        let files = [
            file("crates/core/src/lib.rs", "pub mod chunk;"),
            file("crates/core/src/chunk.rs", "pub struct Chunk;"),
            file(
                "crates/store/src/lib.rs",
                "use my_core::chunk::Chunk;\nuse std::fs;",
            ),
            file(
                "crates/app/src/main.rs",
                "use my_store::Store;\nuse my_core::chunk::{Chunk, cut};",
            ),
            file("tests/all.rs", "use my_store::Store;"),
        ];
        let package = |name: &str, sources: &str| Package {
            name: name.into(),
            sources: sources.into(),
        };
        let packages = [
            package("my_core", "crates/core/src"),
            package("my_store", "crates/store/src"),
        ];
        let modules = modules(&files, &packages);
        let names: Vec<&str> = modules.iter().map(|m| m.path.as_str()).collect();
        assert_eq!(names[0], "crates/app/src/main.rs");
        assert_eq!(names.last(), Some(&"tests"));
        let core: Vec<usize> = (0..modules.len())
            .filter(|&i| names[i].contains("core"))
            .collect();
        assert!(
            core.iter()
                .all(|&i| modules[i].uses.is_empty() && modules[i].level == 0)
        );
        let chunk = modules
            .iter()
            .find(|m| m.path.ends_with("chunk.rs"))
            .unwrap();
        assert_eq!(chunk.wanted[0], ("Chunk".to_owned(), 2));
    }

    #[test]
    fn the_standard_library_is_no_module_of_the_same_name() {
        let files = [
            file("src/flask/__init__.py", "from .app import Flask\n"),
            file("src/flask/app.py", "import json\nfrom .json import dumps\n"),
            file("src/flask/json/__init__.py", "import os\n"),
            file(
                "src/flask/cli.py",
                "import json\nfrom flask.app import Flask\n",
            ),
        ];
        let found = uses(&modules(&files, &[]));
        let of = |path: &str| {
            found
                .iter()
                .find(|(known, _)| known == path)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(of("src/flask/app.py"), ["src/flask/json/__init__.py"]);
        assert_eq!(of("src/flask/cli.py"), ["src/flask/app.py"]);
        assert_eq!(of("src/flask/__init__.py"), ["src/flask/app.py"]);
    }

    #[test]
    fn modules_that_use_each_other_stand_on_one_level() {
        let files = [
            file("a/x.py", "from b.y import f\n"),
            file("b/y.py", "from a.x import g\nfrom c.z import h\n"),
            file("c/z.py", ""),
        ];
        let modules = modules(&files, &[]);
        let levels: Vec<usize> = modules.iter().map(|m| m.level).collect();
        assert_eq!(levels, [1, 1, 0]);
    }
}
