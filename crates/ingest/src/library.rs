//! GDAL's state for the whole process: cache, threads and where its messages go.

use std::cell::RefCell;
use std::sync::Once;

use gdal::config;
use gdal::errors::CplErrType;

thread_local! {
    /// What GDAL complained about on this thread since [`forget_failures`]: the first failure.
    ///
    /// GDAL 3.6 reports a full disk while it flushes, from functions that return nothing; this is the only
    /// way to hear of it.
    static FIRST_FAILURE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Sets GDAL's block cache to `cache_mb` megabytes, keeps it to the calling thread and keeps its messages off
/// standard error.
///
/// Takes effect once a process: later calls do nothing, and so does the size of a cache that an earlier call
/// of anything else in this crate has put in use.
pub fn configure(cache_mb: usize) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // In bytes: GDAL takes a number below 100,000 for megabytes, and suffixes only of late.
        let bytes = cache_mb.saturating_mul(1 << 20).to_string();
        // These fail only for strings with a NUL inside.
        let _ = config::set_config_option("GDAL_CACHEMAX", &bytes);
        // Windows are the unit of parallel work; threads inside a read would only compete with them.
        let _ = config::set_config_option("GDAL_NUM_THREADS", "1");
        quiet();
    });
}

/// Takes GDAL's messages off standard error. Every way into this crate calls it.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (key, value) in [
            // A folder of ten thousand tiles is not listed ten thousand times.
            ("GDAL_DISABLE_READDIR_ON_OPEN", "TRUE"),
            // Nothing that a file names is fetched or run.
            ("CPL_VSIL_CURL_ALLOWED_EXTENSIONS", ".nothing"),
            ("GDAL_VRT_ENABLE_PYTHON", "NO"),
            // Half a JPEG is an error.
            ("GDAL_ERROR_ON_LIBJPEG_WARNING", "TRUE"),
        ] {
            // These fail only for strings with a NUL inside.
            let _ = config::set_config_option(key, value);
        }
        config::set_error_handler(|class, _number, message| {
            if matches!(class, CplErrType::Failure | CplErrType::Fatal) {
                // `try_with`: GDAL may complain while the thread ends.
                let _ = FIRST_FAILURE.try_with(|slot| {
                    if let Ok(mut slot) = slot.try_borrow_mut() {
                        slot.get_or_insert_with(|| message.to_owned());
                    }
                });
            }
        });
    });
}

/// Begins to listen: see [`first_failure`].
pub(crate) fn forget_failures() {
    FIRST_FAILURE.with(|slot| slot.replace(None));
}

/// The first thing GDAL failed at on this thread since [`forget_failures`].
pub(crate) fn first_failure() -> Option<String> {
    FIRST_FAILURE.with(|slot| slot.replace(None))
}
