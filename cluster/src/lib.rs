//! One member of the ring, whole, but without I/O.
