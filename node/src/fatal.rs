//! The end of the process when it cannot go on.

use crate::say;

/// Says why in one line and ends the process with a failure. Everything acknowledged is with the kernel already.
pub(crate) fn fatal(reason: &str) -> ! {
    say::complain(format_args!("helenus: {reason}"));
    std::process::exit(1);
}

/// A broken invariant ends the process instead of a thread: a member without one of its parts would lie to the others.
pub(crate) fn abort_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        std::process::abort();
    }));
}
