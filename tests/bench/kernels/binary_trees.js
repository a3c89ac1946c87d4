const build = (depth) => (depth === 0 ? { left: null, right: null } : { left: build(depth - 1), right: build(depth - 1) });
const count = (tree) => (tree.left === null ? 1 : 1 + count(tree.left) + count(tree.right));

module.exports = (deepest) => {
  const longLived = build(deepest);
  let total = 0;
  for (let depth = 4; depth <= deepest; depth += 4) {
    const rounds = 2 ** (deepest - depth + 4);
    for (let i = 0; i < rounds; i++) total += count(build(depth));
  }
  return total + count(longLived);
};
