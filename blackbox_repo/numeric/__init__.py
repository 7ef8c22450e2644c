"""Arithmetic that gives the same digits on every machine, and numbers from outside."""
