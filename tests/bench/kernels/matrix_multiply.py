def matrix(n, seed):
    return [((i * seed) % 1000) / 1000.0 for i in range(n * n)]


def main(n):
    a, b = matrix(n, 7), matrix(n, 13)
    c = [0.0] * (n * n)
    for i in range(n):
        for k in range(n):
            factor = a[i * n + k]
            for j in range(n):
                c[i * n + j] += factor * b[k * n + j]
    trace = 0.0
    for i in range(n):
        trace += c[i * n + i]
    return trace
