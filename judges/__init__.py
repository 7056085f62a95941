"""Verdicts, numbers, decision."""
