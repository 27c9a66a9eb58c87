//! Images by their headers: a small file that says it has a thousand million pixels is a bomb for whoever shows it.

use crate::FetchError;

/// Checks that an image has some pixels and not too many. Nothing is decoded.
pub(super) fn check(file: &[u8], limit: u64) -> Result<(), FetchError> {
    let size = imagesize::blob_size(file).map_err(|_| FetchError::Damaged)?;
    let pixels = (size.width as u64).saturating_mul(size.height as u64);
    match pixels {
        0 => Err(FetchError::Damaged),
        _ if pixels > limit => Err(FetchError::Pixels { limit }),
        _ => Ok(()),
    }
}
