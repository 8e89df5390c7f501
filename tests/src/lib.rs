//! Empty: see the folder.
