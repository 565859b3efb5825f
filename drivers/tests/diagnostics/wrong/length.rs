// `min` must be lower than or equal to `max`
use garde::Validate;

#[derive(Validate)]
pub struct Order {
    #[garde(length(min = 5, max = 1))]
    id: String,
}
