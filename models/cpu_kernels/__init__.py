"""Loops that numba compiles for the processor at hand. Imported where a model runs on a CPU."""
