//! The units of metrics.

/// The unit of a metric. These are all units that CloudWatch knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
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
    /// Percent.
    Percent,
    /// A count.
    Count,
    /// Bytes per second.
    BytesPerSecond,
    /// Kilobytes per second.
    KilobytesPerSecond,
    /// Megabytes per second.
    MegabytesPerSecond,
    /// Gigabytes per second.
    GigabytesPerSecond,
    /// Terabytes per second.
    TerabytesPerSecond,
    /// Bits per second.
    BitsPerSecond,
    /// Kilobits per second.
    KilobitsPerSecond,
    /// Megabits per second.
    MegabitsPerSecond,
    /// Gigabits per second.
    GigabitsPerSecond,
    /// Terabits per second.
    TerabitsPerSecond,
    /// A count per second.
    CountPerSecond,
    /// No unit, or a unit that CloudWatch does not know.
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
