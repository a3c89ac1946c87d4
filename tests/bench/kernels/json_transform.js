function text(n) {
  const orders = [];
  for (let i = 0; i < n; i++) {
    orders.push(`{"id":${i},"customer":"c${i % 100}","lines":[{"sku":"a","quantity":${i % 7},"price":120},{"sku":"b","quantity":1,"price":${i % 50}}]}`);
  }
  return `[${orders.join(",")}]`;
}

module.exports = (n) => {
  const orders = JSON.parse(text(n));
  const totals = new Map();
  for (const order of orders) {
    let amount = 0;
    for (const line of order.lines) amount += line.quantity * line.price;
    if (amount > 100) {
      const before = totals.get(order.customer) ?? { customer: order.customer, orders: 0, amount: 0 };
      totals.set(order.customer, { ...before, orders: before.orders + 1, amount: before.amount + amount });
    }
  }
  const result = JSON.stringify([...totals.values()]);
  let checksum = result.length;
  for (const total of totals.values()) checksum = (checksum * 31 + total.amount) % 1000000007;
  return checksum;
};
