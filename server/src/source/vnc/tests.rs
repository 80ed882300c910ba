//! A gateway against a server that answers by the book.
