use rust_decimal::Decimal;

pub fn main(months: i64) -> String {
    let mut balance = Decimal::new(100_000, 2);
    let mut paid = Decimal::new(0, 2);
    let (rate, limit, drawn) = (Decimal::new(25, 4), Decimal::from(100_000), Decimal::from(99_000));
    for _ in 0..months {
        let earned = (balance * rate).round_dp(2);
        balance += earned;
        paid += earned;
        if balance > limit {
            balance -= drawn;
        }
    }
    (paid + balance).to_string()
}
