"""`antiphon bench`: a load generator for any server that streams responses or chat completions.

It knows no engine and no antiphon server: everything it says was seen through HTTP.
"""
