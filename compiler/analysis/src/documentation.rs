//! What documentation comments say, for people: a page of Markdown a module; and the examples in them, which the tests
//! run.
//!
//! An example is part of the text: `` `[3, 1].sort()` is `[1, 3]` ``, or `` `1.pow(-1)` fails with `can't be` ``, or a
//! whole program in a block that begins with ```` ```flow ````.

use crate::stdlib;
use flow_syntax::ast::{self, ItemKind};
use flow_syntax::{SourceMap, Span, parse};

/// The documented part of a module.
#[derive(Clone, Debug)]
pub struct ModulePage {
    /// Its name, as `use` says it: `std.list`.
    pub name: String,
    /// What is said of the module as a whole.
    pub docs: String,
    /// What it offers, in the order of its text.
    pub entries: Vec<Entry>,
}

/// A public declaration.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a function; else it is a type, an error or a constant.
    pub is_function: bool,
    /// As the source declares it, a function without its body.
    pub declaration: String,
    /// What is said of it.
    pub docs: String,
}

/// An example in a documentation comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Example {
    /// An expression that equals another.
    Is {
        /// The expression.
        given: String,
        /// What it is.
        expected: String,
    },
    /// An expression that fails.
    Fails {
        /// The expression.
        given: String,
        /// A part of the error as text.
        with: String,
    },
    /// A program. Where it has a workflow `main` without parameters, that completes, and not with `false`.
    Program(String),
}

/// What the text of a module documents.
pub fn module_page(name: &str, text: &str) -> ModulePage {
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    let module = parse(&sources, file).module;
    let entries = module.items.iter().filter(|item| item.public);
    let entries = entries.filter_map(|item| {
        Some(Entry {
            name: item.name()?.text.to_string(),
            is_function: matches!(item.kind, ItemKind::Fn(_)),
            declaration: slice(&sources, text, declaration_span(item)).trim_end().to_owned(),
            docs: item.docs.as_ref().map_or(String::new(), |docs| docs.text.trim().to_owned()),
        })
    });
    let docs = module.docs.as_ref().map_or(String::new(), |docs| docs.text.trim().to_owned());
    ModulePage { name: name.to_owned(), docs, entries: entries.collect() }
}

/// The pages of the standard library, in the order of their names.
pub fn standard_library() -> Vec<ModulePage> {
    stdlib::SOURCES.iter().map(|(name, text)| module_page(&format!("std.{name}"), text)).collect()
}

fn declaration_span(item: &ast::Item) -> Span {
    match &item.kind {
        ItemKind::Fn(decl) => {
            let end = decl.body.as_ref().map_or(item.span.end, |body| body.span.start);
            Span::new(item.span.start, end)
        }
        _ => item.span,
    }
}

fn slice<'t>(sources: &SourceMap, text: &'t str, span: Span) -> &'t str {
    sources.lookup(span).and_then(|(_, range)| text.get(range)).unwrap_or_default()
}

impl ModulePage {
    /// The page as Markdown.
    pub fn markdown(&self) -> String {
        let known = self.name.strip_prefix("std.").is_some_and(|name| stdlib::PRELUDE.contains(&name));
        let usage = if known {
            "Known everywhere, without a `use`.".to_owned()
        } else {
            format!("```flow\nuse {}\n```", self.name)
        };
        let mut text = format!("# {}\n\n{}\n\n{usage}\n", self.name, self.docs);
        let (functions, others): (Vec<&Entry>, Vec<&Entry>) =
            self.entries.iter().partition(|entry| entry.is_function);
        if !functions.is_empty() {
            let links: Vec<String> =
                functions.iter().map(|entry| format!("[`{0}`](#{0})", entry.name)).collect();
            text.push_str(&format!("\n{}\n", links.join(" · ")));
        }
        for entry in others.into_iter().chain(functions) {
            let Entry { name, declaration, docs, .. } = entry;
            text.push_str(&format!("\n## {name}\n\n```text\n{declaration}\n```\n\n{docs}\n"));
        }
        text
    }
}

/// The index of the standard library's pages as Markdown.
pub fn index(pages: &[ModulePage]) -> String {
    let mut text = String::from(
        "# The standard library\n\nWritten in Flow, in `stdlib/`. These pages are made of its comments by `flow doc --std`; \
         every example is run by the tests.\n\n| module | |\n|---|---|\n",
    );
    for page in pages {
        let short = page.name.trim_start_matches("std.");
        let first = page.docs.split_once(". ").map_or(page.docs.as_str(), |(first, _)| first);
        let first = first.lines().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("| [`{}`]({short}.md) | {} |\n", page.name, first.trim_end_matches('.')));
    }
    text
}

/// The examples in a documentation comment, in order.
pub fn examples(docs: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    for (index, part) in docs.split("```").enumerate() {
        if index % 2 == 1 {
            let program = part.strip_prefix("flow\n");
            examples.extend(program.map(|program| Example::Program(program.to_owned())));
            continue;
        }
        // Odd pieces are between backticks.
        let pieces: Vec<&str> = part.split('`').collect();
        for window in pieces.windows(3).skip(1).step_by(2) {
            let [given, joint, expected] = window else { continue };
            let (given, expected) = ((*given).to_owned(), (*expected).to_owned());
            match joint.split_whitespace().collect::<Vec<_>>().as_slice() {
                ["is"] => examples.push(Example::Is { given, expected }),
                ["fails", "with"] => examples.push(Example::Fails { given, with: expected }),
                _ => {}
            }
        }
    }
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_found_in_prose_and_in_blocks() {
        let docs = "Sorts `xs`.\n\n`[3, 1].sort()` is `[1, 3]`. `f()` fails\nwith `no`.\n\n```flow\nfn f() {}\n```\n";
        let [sorted, fails, program] = examples(docs).try_into().unwrap_or_else(|_| unreachable!("three"));
        assert_eq!(sorted, Example::Is { given: "[3, 1].sort()".into(), expected: "[1, 3]".into() });
        assert_eq!(fails, Example::Fails { given: "f()".into(), with: "no".into() });
        assert_eq!(program, Example::Program("fn f() {}\n".into()));
    }

    #[test]
    fn a_page_has_what_is_public_without_bodies() {
        let text = "//! Things.\n\n/// Twice it.\npub fn twice(n: Int) -> Int { n * 2 }\nfn hidden() {}\n";
        let page = module_page("std.things", text);
        assert_eq!(page.entries.len(), 1);
        assert_eq!(
            page.entries.first().map(|entry| entry.declaration.as_str()),
            Some("pub fn twice(n: Int) -> Int")
        );
        assert!(page.markdown().starts_with("# std.things\n\nThings.\n\n```flow\nuse std.things\n```\n"));
    }
}
