//! Several files: what they offer each other, and what is said where they can't be put together.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use flow_analysis::{Analysis, Memory, analyze, analyze_all};
use flow_syntax::{SourceMap, render};
use std::path::Path;

fn check(files: &[(&str, &str)]) -> (Analysis, String) {
    let world = files.iter().fold(Memory::new(), |world, (path, text)| world.with(*path, *text));
    let mut sources = SourceMap::new();
    let analysis = analyze(&world, Path::new(files[0].0), &mut sources);
    let shown = analysis.diagnostics.iter().map(|diagnostic| render(&sources, diagnostic, false)).collect();
    (analysis, shown)
}

#[test]
fn names_are_used_renamed_and_qualified() {
    let (analysis, shown) = check(&[
        (
            "shop/main.flow",
            "use ./pay/cards.{charge, Card as Plastic}\nuse ../shared as common\n\
             pub fn buy(card: Plastic) -> Int { charge(card) + common.fee() + common.FEE }\n",
        ),
        (
            "shop/pay/cards.flow",
            "use ../../shared.{fee}\npub record Card { number: String }\n\
             pub fn charge(card: Card) -> Int { fee() + card.number.len() }\n",
        ),
        ("shared.flow", "pub const FEE = 2\npub fn fee() -> Int { FEE }\n"),
    ]);
    assert!(analysis.diagnostics.is_empty(), "{shown}");
}

#[test]
fn a_private_name_is_shown_where_it_is_declared() {
    let main = "use ./shared.{secret}\nuse ./shared as s\nfn f() -> Int { secret() + s.secret() }\n";
    let (_, shown) = check(&[("main.flow", main), ("shared.flow", "fn secret() -> Int { 1 }\n")]);
    assert!(shown.contains("`secret` of `shared` is not public"), "{shown}");
    assert!(shown.contains("fn secret() -> Int"), "the declaration is shown\n{shown}");
    assert_eq!(shown.matches("is not public").count(), 2, "by its name and by its module\n{shown}");
}

#[test]
fn a_circle_is_told_as_a_path_with_each_use() {
    let (_, shown) = check(&[("a.flow", "use ./b\n"), ("b.flow", "use ./c\n"), ("c.flow", "use ./a\n")]);
    assert!(shown.contains("a.flow → b.flow → c.flow → a.flow"), "{shown}");
    assert!(shown.contains("a.flow uses b.flow here"), "{shown}");
    assert!(shown.contains("b.flow uses c.flow here"), "{shown}");
    assert!(shown.contains("this closes the circle"), "{shown}");
    assert_eq!(shown.matches("error").count(), 1, "{shown}");
}

#[test]
fn a_file_that_does_not_exist_is_answered_with_one_that_does() {
    let (_, shown) = check(&[("main.flow", "use ./paymnets\n"), ("payments.flow", "pub fn pay() {}\n")]);
    assert!(shown.contains("payments"), "{shown}");
}

#[test]
fn several_files_share_one_analysis() {
    let world = Memory::new()
        .with("one.flow", "use ./shared\npub fn f() -> Int { shared.n() }\n")
        .with("two.flow", "use ./shared\npub fn g() -> Int { shared.n() }\n")
        .with("shared.flow", "pub fn n() -> Int { \"no\" }\n");
    let mut sources = SourceMap::new();
    let roots = ["one.flow", "two.flow", "./shared.flow"].map(Path::new);
    let analysis = analyze_all(&world, &roots, &mut sources);
    let own = analysis.program.modules.values().filter(|module| !module.standard).count();
    assert_eq!((own, analysis.diagnostics.len()), (3, 1), "each file is read once, its mistake told once");
}

/// Many modules are checked at once, each with types of its own until all are.
#[test]
fn types_have_the_same_ids_whatever_is_checked_first() {
    let types = ["List<Int>", "Map<String, List<Int>>", "(Int, List<Int>)", "Set<(Int, String)>", "Decimal?"];
    let mut world = Memory::new();
    let mut root = String::new();
    for module in 0..40 {
        let text: String = (0..types.len())
            .map(|at| {
                let ty = types[(at + module) % types.len()];
                format!("pub fn f{at}(x: {ty}) -> Int {{\n  let all = [(x, {module})]\n  all.map(|it| it).len()\n}}\n")
            })
            .collect();
        world = world.with(format!("m{module}.flow"), text);
        root.push_str(&format!("use ./m{module}\n"));
    }
    let world = world.with("main.flow", root + "pub fn main() -> Int { m7.f0(\"none\") }\n");
    let found = || {
        let analysis = analyze(&world, Path::new("main.flow"), &mut SourceMap::new());
        let types: Vec<_> = (0..analysis.program.types.len())
            .filter_map(|index| analysis.program.types.id(index))
            .map(|id| analysis.program.types.get(id).clone())
            .collect();
        format!("{types:?} {:?} {:?}", analysis.program.functions, analysis.diagnostics)
    };
    let first = found();
    assert!(first.contains("E0300") && !first.contains("Infer("), "only what is known is kept");
    (0..4).for_each(|_| assert_eq!(found(), first));
}
