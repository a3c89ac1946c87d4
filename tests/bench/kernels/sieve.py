def main(n):
    composite = [False] * (n + 1)
    count = 0
    for i in range(2, n + 1):
        if not composite[i]:
            count += 1
            multiple = i * i
            while multiple <= n:
                composite[multiple] = True
                multiple += i
    return count
