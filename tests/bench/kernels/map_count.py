def main(n):
    counts = {}
    seed = 42
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) % 2147483648
        key = seed % 10007
        counts[key] = counts.get(key, 0) + 1
    checksum = len(counts)
    for key, times in counts.items():
        checksum = (checksum * 31 + key * times) % 1000000007
    return checksum
