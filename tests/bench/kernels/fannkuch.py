def main(n):
    perm = list(range(n))
    count = list(range(n))
    checksum, most, r, sign = 0, 0, n, 1
    while True:
        while r != 1:
            count[r - 1] = r
            r -= 1
        if perm[0] != 0:
            p = perm[:]
            flips = 0
            first = p[0]
            while first != 0:
                low, high = 0, first
                while low < high:
                    p[low], p[high] = p[high], p[low]
                    low += 1
                    high -= 1
                flips += 1
                first = p[0]
            most = max(most, flips)
            checksum += sign * flips
        while True:
            if r == n:
                return checksum * 1000 + most
            first = perm[0]
            for i in range(r):
                perm[i] = perm[i + 1]
            perm[r] = first
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1
        sign = -sign
