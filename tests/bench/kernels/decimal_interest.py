from decimal import ROUND_HALF_EVEN, Decimal


def main(months):
    balance, paid, rate, cent = Decimal("1000.00"), Decimal("0.00"), Decimal("0.0025"), Decimal("0.01")
    limit, drawn = Decimal(100000), Decimal(99000)
    for _ in range(months):
        earned = (balance * rate).quantize(cent, rounding=ROUND_HALF_EVEN)
        balance += earned
        paid += earned
        if balance > limit:
            balance -= drawn
    return str(paid + balance)
