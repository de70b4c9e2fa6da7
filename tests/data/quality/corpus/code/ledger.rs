//! A ledger in which every booking has two sides.

/// Money in the smallest unit of its currency, so that nothing is rounded.
pub struct Cents(pub i64);

/// A booking: what one account gives, others take.
pub struct Booking {
    pub entries: Vec<(String, Cents)>,
}

impl Booking {
    /// Refuses a booking whose entries do not add up to zero.
    pub fn check(&self) -> Result<(), String> {
        let sum: i64 = self.entries.iter().map(|(_, cents)| cents.0).sum();
        match sum {
            0 => Ok(()),
            off => Err(format!("the booking is off by {off} cents")),
        }
    }
}

/// The balance of an account over some bookings. An unknown account has a balance of zero.
pub fn balance(account: &str, bookings: &[Booking]) -> i64 {
    bookings
        .iter()
        .flat_map(|booking| &booking.entries)
        .filter(|(name, _)| name == account)
        .map(|(_, cents)| cents.0)
        .sum()
}
