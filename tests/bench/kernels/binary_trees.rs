struct Tree(Option<(Box<Tree>, Box<Tree>)>);

fn build(depth: i64) -> Box<Tree> {
    Box::new(Tree((depth > 0).then(|| (build(depth - 1), build(depth - 1)))))
}

fn count(tree: &Tree) -> i64 {
    match &tree.0 {
        None => 1,
        Some((left, right)) => 1 + count(left) + count(right),
    }
}

pub fn main(deepest: i64) -> i64 {
    let long_lived = build(deepest);
    let mut total = 0;
    for depth in (4..=deepest).step_by(4) {
        for _ in 0..1i64 << (deepest - depth + 4) {
            total += count(&build(depth));
        }
    }
    total + count(&long_lived)
}
