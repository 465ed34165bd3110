"""Postback Pipeline: reports conversions the backend confirmed, and their reversals, to those who should know."""
