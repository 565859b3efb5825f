//! Types that can be started.

use super::StartError;
use crate::app::events::BoxError;
use crate::app::{App, AppService};

/// What [`start`](crate::start()) and [`run`](crate::run()) accept: an application, built or not,
/// or a `Result` of an application and any error.
///
/// Needs the feature `start`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an application",
    note = "give an `App`, or a `Result` of an `App` and any error"
)]
pub trait IntoService {
    /// Builds the application, unless it is already built.
    ///
    /// # Errors
    ///
    /// [`StartError::Build`] and [`StartError::App`].
    fn into_service(self) -> Result<AppService, StartError>;
}

impl IntoService for AppService {
    fn into_service(self) -> Result<AppService, StartError> {
        Ok(self)
    }
}

impl<S: Send + Sync + 'static> IntoService for App<S> {
    fn into_service(self) -> Result<AppService, StartError> {
        Ok(self.build()?)
    }
}

impl<A: IntoService, E: Into<BoxError>> IntoService for Result<A, E> {
    fn into_service(self) -> Result<AppService, StartError> {
        self.map_err(|error| StartError::App(error.into()))?.into_service()
    }
}
