"""Triton kernels, each behind a plain function. Imported on CUDA alone, and by tests."""
