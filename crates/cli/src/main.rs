//! The `fosse` command.

fn main() {}
