//! What the generated modules are about.

pub(crate) const THINGS: &[&str] = &[
    "order",
    "invoice",
    "shipment",
    "claim",
    "account",
    "ticket",
    "booking",
    "contract",
    "device",
    "payment",
    "refund",
    "parcel",
    "customer",
    "supplier",
    "warehouse",
    "policy",
    "voucher",
    "campaign",
    "vehicle",
    "route",
    "meter",
    "lease",
    "patient",
    "course",
    "exam",
    "recipe",
    "sensor",
    "batch",
    "permit",
    "auction",
];

pub(crate) const NUMBERS: &[&str] = &[
    "quantity", "weight", "score", "priority", "rank", "distance", "capacity", "attempts", "level", "stock",
    "credits", "volume", "height", "seats", "visits",
];

pub(crate) const AMOUNTS: &[&str] =
    &["price", "total", "fee", "tax", "discount", "balance", "deposit", "margin", "budget", "premium"];

pub(crate) const TEXTS: &[&str] = &[
    "name",
    "owner",
    "region",
    "note",
    "label",
    "category",
    "origin",
    "target",
    "carrier",
    "reference",
    "street",
    "city",
];

pub(crate) const STATES: &[&str] = &[
    "Open",
    "Pending",
    "Approved",
    "Rejected",
    "Shipped",
    "Delivered",
    "Cancelled",
    "Expired",
    "Blocked",
    "Archived",
    "Disputed",
    "Settled",
];

pub(crate) const VERBS: &[&str] = &[
    "reserve", "charge", "notify", "register", "publish", "assign", "dispatch", "verify", "print", "archive",
    "allocate", "inspect",
];

pub(crate) const REASONS: &[&str] = &[
    "TooLarge",
    "NotFound",
    "OutOfStock",
    "Unpaid",
    "WrongRegion",
    "TooLate",
    "Duplicate",
    "Suspended",
    "Unsafe",
];

/// `order` as the name of a type.
pub(crate) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
