// regex parse error
use garde::Validate;

#[derive(Validate)]
pub struct Order {
    #[garde(pattern("["))]
    id: String,
}
