def build(depth):
    return None if depth == 0 else (build(depth - 1), build(depth - 1))


def count(tree):
    return 1 if tree is None else 1 + count(tree[0]) + count(tree[1])


def main(deepest):
    long_lived = build(deepest)
    total = 0
    for depth in range(4, deepest + 1, 4):
        for _ in range(2 ** (deepest - depth + 4)):
            total += count(build(depth))
    return total + count(long_lived)
