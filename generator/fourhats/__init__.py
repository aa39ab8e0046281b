"""Fourhats: the project generator for full-stack data scientists."""
