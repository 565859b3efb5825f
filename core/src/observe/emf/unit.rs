//! What metrics are measured in.

/// What a metric is measured in: every unit that CloudWatch knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Bytes.
    Bytes,
    /// Kilobytes.
    Kilobytes,
    /// Megabytes.
    Megabytes,
    /// Gigabytes.
    Gigabytes,
    /// Terabytes.
    Terabytes,
    /// Bits.
    Bits,
    /// Kilobits.
    Kilobits,
    /// Megabits.
    Megabits,
    /// Gigabits.
    Gigabits,
    /// Terabits.
    Terabits,
    /// Hundredths of a whole.
    Percent,
    /// How many.
    Count,
    /// Bytes in each second.
    BytesPerSecond,
    /// Kilobytes in each second.
    KilobytesPerSecond,
    /// Megabytes in each second.
    MegabytesPerSecond,
    /// Gigabytes in each second.
    GigabytesPerSecond,
    /// Terabytes in each second.
    TerabytesPerSecond,
    /// Bits in each second.
    BitsPerSecond,
    /// Kilobits in each second.
    KilobitsPerSecond,
    /// Megabits in each second.
    MegabitsPerSecond,
    /// Gigabits in each second.
    GigabitsPerSecond,
    /// Terabits in each second.
    TerabitsPerSecond,
    /// How many in each second.
    CountPerSecond,
    /// No unit, or one that CloudWatch does not know.
    None,
}

impl Unit {
    /// Returns the unit's name in CloudWatch, such as `Bytes/Second`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
            Self::Microseconds => "Microseconds",
            Self::Bytes => "Bytes",
            Self::Kilobytes => "Kilobytes",
            Self::Megabytes => "Megabytes",
            Self::Gigabytes => "Gigabytes",
            Self::Terabytes => "Terabytes",
            Self::Bits => "Bits",
            Self::Kilobits => "Kilobits",
            Self::Megabits => "Megabits",
            Self::Gigabits => "Gigabits",
            Self::Terabits => "Terabits",
            Self::Percent => "Percent",
            Self::Count => "Count",
            Self::BytesPerSecond => "Bytes/Second",
            Self::KilobytesPerSecond => "Kilobytes/Second",
            Self::MegabytesPerSecond => "Megabytes/Second",
            Self::GigabytesPerSecond => "Gigabytes/Second",
            Self::TerabytesPerSecond => "Terabytes/Second",
            Self::BitsPerSecond => "Bits/Second",
            Self::KilobitsPerSecond => "Kilobits/Second",
            Self::MegabitsPerSecond => "Megabits/Second",
            Self::GigabitsPerSecond => "Gigabits/Second",
            Self::TerabitsPerSecond => "Terabits/Second",
            Self::CountPerSecond => "Count/Second",
            Self::None => "None",
        }
    }
}
