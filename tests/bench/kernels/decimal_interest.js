// JavaScript has no decimals: cents in a BigInt, the rate in ten-thousandths.
const round = (value, unit) => {
  const whole = value / unit, rest = value % unit, twice = rest * 2n;
  if (twice > unit || (twice === unit && whole % 2n === 1n)) return whole + 1n;
  return whole;
};

module.exports = (months) => {
  let balance = 100000n, paid = 0n;
  for (let month = 0; month < months; month++) {
    const earned = round(balance * 25n, 10000n);
    balance += earned;
    paid += earned;
    if (balance > 10000000n) balance -= 9900000n;
  }
  const cents = paid + balance;
  return `${cents / 100n}.${String(cents % 100n).padStart(2, "0")}`;
};
