import json


def text(n):
    orders = []
    for i in range(n):
        orders.append(
            f'{{"id":{i},"customer":"c{i % 100}","lines":[{{"sku":"a","quantity":{i % 7},"price":120}},'
            f'{{"sku":"b","quantity":1,"price":{i % 50}}}]}}'
        )
    return f"[{','.join(orders)}]"


def main(n):
    totals = {}
    for order in json.loads(text(n)):
        amount = sum(line["quantity"] * line["price"] for line in order["lines"])
        if amount > 100:
            customer = order["customer"]
            before = totals.get(customer) or {"customer": customer, "orders": 0, "amount": 0}
            totals[customer] = {**before, "orders": before["orders"] + 1, "amount": before["amount"] + amount}
    checksum = len(json.dumps(list(totals.values()), separators=(",", ":")))
    for total in totals.values():
        checksum = (checksum * 31 + total["amount"]) % 1000000007
    return checksum
