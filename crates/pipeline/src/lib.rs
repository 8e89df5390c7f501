//! The order of the steps: the one API that every front end calls.
