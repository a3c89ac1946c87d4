from dataclasses import dataclass


@dataclass
class Item:
    id: int
    weight: int


def main(n):
    items = []
    seed = 42
    for i in range(n):
        seed = (seed * 1103515245 + 12345) % 2147483648
        items.append(Item(i, seed % 100000))
    bias = 17
    checksum = 0
    for item in sorted(items, key=lambda item: (item.weight + bias) % 100000):
        checksum = (checksum * 31 + item.id) % 1000000007
    return checksum
