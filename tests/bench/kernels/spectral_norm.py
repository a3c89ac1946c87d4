from math import sqrt


def cell(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(v):
    return [sum(cell(i, j) * v[j] for j in range(len(v))) for i in range(len(v))]


def times_transposed(v):
    return [sum(cell(j, i) * v[j] for j in range(len(v))) for i in range(len(v))]


def main(n):
    u = [1.0] * n
    v = []
    for _ in range(10):
        v = times_transposed(times(u))
        u = times_transposed(times(v))
    vbv = sum(u[i] * v[i] for i in range(n))
    vv = sum(v[i] * v[i] for i in range(n))
    return sqrt(vbv / vv)
