"""Roxham Road: the record, its charts and models, and the publisher of the book."""
