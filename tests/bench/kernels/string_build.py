def main(n):
    lines = []
    for i in range(n):
        lines.append(f"item {i}: {i * 7 % 100} pieces")
    text = "\n".join(lines)
    pieces = 0
    for line in text.split("\n"):
        if line.endswith("7 pieces"):
            pieces += 1
    return len(text) * 1000 + pieces % 1000
