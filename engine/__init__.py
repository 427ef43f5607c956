"""Tokens in, tokens out: sequences, blocks, scheduler, runner, sampler, and their process.

Knows nothing of HTTP, items or text formats. Import the modules directly: this file imports
nothing, so that the API process can use the client without loading torch.
"""
