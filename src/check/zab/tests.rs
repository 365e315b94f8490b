//! Hand-made runs: for each property good facts it accepts and bad ones it catches.
